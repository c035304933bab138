"""Values that can be written down: those of JSON."""

from typing import Any

_ATOMS = (str, int, float, bool, type(None))


class NotJsonError(TypeError):
    """A value that JSON does not know; the message says where in it."""


def through_json(value: Any) -> Any:
    """Return the value as it is read back: tuples as lists, keys as texts; NotJsonError for what is none."""
    import json  # late: a module that defines steps does not need it

    if value is None or value is True or value is False or type(value) is str:
        return value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as exc:
        raise NotJsonError(_complaint(value) or str(exc)) from None


def _complaint(value: Any, place: str = "it", depth: int = 0) -> str:
    """Return what is wrong with the first thing in `value` that is not JSON, or "" where none is found."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f"{place} is {value}, and JSON has no such number"
    if isinstance(value, _ATOMS) or depth > 50:
        return ""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, _ATOMS):
                return f"{place} has a key of type `{type(key).__name__}`"
        parts = [(f"{place}[{key!r}]", part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{place}[{index}]", part) for index, part in enumerate(value)]
    else:
        forgotten = ", and was not awaited" if hasattr(value, "__await__") else ""
        return f"{place} is of type `{type(value).__name__}`{forgotten}"
    return next(filter(None, (_complaint(part, where, depth + 1) for where, part in parts)), "")
