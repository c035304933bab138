"""What the options of `@step` and `@workflow` may be."""

from collections.abc import Callable, Iterable
from typing import Any

from cronjobs.core.durations import parse_duration
from cronjobs.core.errors import WorkflowError
from cronjobs.core.suggest import did_you_mean


def seconds_of(name: str, value: float | str, *, least: float | None = None) -> float:
    """Return a duration's seconds, given as such or as a text like `7d`; WorkflowError for what is none.

    least: the smallest that is allowed; without it, more than nothing.
    """
    try:
        seconds = parse_duration(value) if isinstance(value, str) else value
    except ValueError as exc:
        raise WorkflowError(f"{name}={value!r}: {exc}") from None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
        raise _wrong(name, value, 'is no duration; write seconds, or a text like "90s" or "7d"')
    if seconds <= 0 if least is None else seconds < least:
        raise _wrong(name, value, "is too short")
    return float(seconds)


def count_of(name: str, value: int) -> int:
    """Return a whole number from 0 on; WorkflowError for what is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(name, value, "is no whole number from 0 on")
    return value


def factor_of(name: str, value: float) -> float:
    """Return a number from 1 on; WorkflowError for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
        raise _wrong(name, value, "is no number from 1 on")
    return min(float(value), 1000.0)


def refuse_unknown(decorator: str, options: Iterable[str], known: type) -> None:
    """Raise WorkflowError for an option that there is not. known: a class made with those that there are."""
    import inspect  # late: only where something is wrong

    names = list(inspect.signature(known).parameters)
    for option in options:
        if option not in names:
            meant = did_you_mean(option, names, also=_OTHER_NAMES)
            listed = f"there are: {', '.join(names)}"
            raise WorkflowError(f"`{decorator}` has no option `{option}`", hint=meant or listed)


def refuse_nameless(decorator: str, function: Callable[..., Any]) -> None:
    """Raise WorkflowError for what has no name of its own, such as a partial: the journal needs one."""
    if not hasattr(function, "__qualname__"):
        raise WorkflowError(
            f"`{decorator}` is for functions, and was given a value of type `{type(function).__name__}`",
            hint="write a `def` that calls it",
        )


# What people call these options elsewhere, as `did_you_mean` wants it.
_OTHER_NAMES = {
    "retries": "max_retries",
    "maxattempts": "max_retries",
    "attempts": "max_retries",
    "retrydelay": "retry_interval",
    "delay": "retry_interval",
    "backoff": "retry_backoff",
    "keep": "retention",
    "ttl": "retention",
}


def _wrong(name: str, value: object, complaint: str) -> WorkflowError:
    return WorkflowError(f"{name}={value!r} {complaint}")
