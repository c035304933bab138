"""What a job's function returned, as the state file keeps it."""

import json
from typing import Any

MOST_CHARACTERS = 60_000  # of JSON: quoted once more, it still fits into a packet
_REPR_CHARACTERS = 1_000


def as_json(value: Any) -> str:
    """Return a value's JSON; where it has none, or too much of it, that of its repr, cut if long."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = ""
    return text if 0 < len(text) <= MOST_CHARACTERS else json.dumps(_bounded_repr(value))


def _bounded_repr(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # user code: a __repr__ may itself fail
        return f"<{type(value).__name__}, whose repr could not be made>"
    return text if len(text) <= _REPR_CHARACTERS else f"{text[:_REPR_CHARACTERS]}..."
