"""Every error the package raises, and the exit code it ends a command with. No message is written here."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cronjobs.core.failure import Failure
    from cronjobs.core.problem import Problem
    from cronjobs.core.workflow import Transaction, WorkflowFailure


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


class ServiceError(CronjobsError):
    """A service cannot be made: unknown, circular, or asked for in a way that cannot work."""

    exit_code = 1


class WorkflowError(CronjobsError):
    """A workflow or a step could not be run, or went wrong."""

    exit_code = 1


class StepFailedError(WorkflowError):
    """A step of a workflow has failed for good, after its retries.

    failure: its last attempt's error, the same when the workflow is gone through again. The exception itself
    is the `__cause__`, the first time only.
    """

    def __init__(self, message: str, *, step: str, position: str, failure: "Failure") -> None:
        super().__init__(message)
        self.step = step
        self.position = position
        self.failure = failure


class WorkflowFailedError(WorkflowError):
    """A workflow has failed; `transaction.state` tells whether it could be undone.

    errors: of the steps and the body first, then of the compensations.
    """

    def __init__(
        self, message: str, *, errors: "Sequence[WorkflowFailure]", transaction: "Transaction", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.errors = tuple(errors)
        self.transaction = transaction


class WorkflowRefusedError(WorkflowError):
    """The id's workflow belongs to another run, or has failed and waits for somebody to look at it."""

    exit_code = 6


class WorkflowChangedError(WorkflowError):
    """The journal of a half-finished workflow tells of other steps than its code calls now."""


class WorkflowLostError(WorkflowError):
    """The workflow is no longer the caller's to run: another run has taken it over."""


class UnwritableError(WorkflowError):
    """A value is too large, or nested too deeply, for the journal; nothing of it is written."""


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
