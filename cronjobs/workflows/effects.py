"""What a workflow's rules ask to be done, and how it went. The rules wait for nothing and call nothing."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from cronjobs.workflows.scope import Inside

T = TypeVar("T")


class Call(NamedTuple):
    """A function of the user's to call: an attempt of a step or of a compensation.

    what: "step `charge`". known: what it is given by name. injected: the names of what else.
    """

    what: str
    function: Callable[..., Any]
    known: Mapping[str, Any]
    injected: Sequence[str]
    inside: Inside
    is_async: bool
    timeout_seconds: float | None
    arguments: Sequence[Any] = ()

    def overrun(self) -> TimeoutError:
        """Return the error of a call that has taken too long."""
        return TimeoutError(f"{self.what} took longer than {self.timeout_seconds:g}s")


class Pause(NamedTuple):
    """A wait before the next attempt."""

    seconds: float


class Returned(NamedTuple):
    """The function's return value."""

    value: Any


class Broken(NamedTuple):
    """What ended the function.

    how: it raised; it took longer than it may; the workflow around it was cut; the workflow's own code
    cancelled it.
    """

    error: BaseException
    how: Literal["failed", "timed_out", "cut", "cancelled"] = "failed"


Outcome = Returned | Broken
# The rules: they yield what is to be done, and are sent how it went (None after a pause to its end).
Rules = Generator[Call | Pause, Outcome | None, T]


def performed(call: Call) -> Rules[Outcome]:
    """Return how a call went."""
    outcome = yield call
    assert outcome is not None
    return outcome


class Halt(BaseException):
    """Raised in a workflow's body: it does not go on. Not an Exception, since no body is to handle it."""


class Cut(BaseException):
    """Raised in code that has run for too long, or that is not to run on. limit: what it ran into."""

    def __init__(self, limit: object = None) -> None:
        super().__init__()
        self.limit = limit
