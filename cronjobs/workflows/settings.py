"""What the options of `@step` and `@workflow` may be."""

from cronjobs.core.durations import parse_duration
from cronjobs.core.errors import WorkflowError


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


def _wrong(name: str, value: object, complaint: str) -> WorkflowError:
    return WorkflowError(f"{name}={value!r} {complaint}")
