"""Every error the package raises, and the exit code it ends a command with. No message is written here."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cronjobs.core.problem import Problem


class CronjobsError(Exception):
    """The root: `hint` is the way out, in words, or empty."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(CronjobsError):
    """A word on the command line that means nothing."""

    exit_code = 2


class ConfigError(CronjobsError):
    """`jobs.toml` cannot be used; `problems` holds every mistake found, in the order of the file."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "", problems: "Sequence[Problem]" = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class NotFoundError(CronjobsError):
    """No job or run of that name."""

    exit_code = 4


class StateError(CronjobsError):
    """The state file cannot be used: locked, damaged, newer, read-only, gone."""

    exit_code = 5


class StateLostError(StateError):
    """The open state file is gone or damaged: nothing more can be recorded in it."""


class RefusedError(CronjobsError):
    """A policy of the job keeps it from starting."""

    exit_code = 6


class QueryError(CronjobsError):
    """A question to the database that cannot be answered: asked wrongly, or the database is out of reach."""

    exit_code = 1


class ScheduleError(ValueError):
    """A text that is no schedule.

    code: a word that stays the same between versions (`range`, `step`, `name`, `never`, ...).
    field: the field's name, or "" where the text as a whole is meant.
    column: 1-based, in the whole text, of the first offending character.
    hint: the way out, or "".
    """

    def __init__(self, message: str, *, code: str, field: str = "", column: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.column = column
        self.hint = hint
