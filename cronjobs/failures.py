"""Exceptions of user code as records: bounded, without the frames that led to it."""

import os
import traceback
from types import TracebackType

from cronjobs.core.failure import Failure

_MESSAGE_CHARACTERS = 2_000
_TRACEBACK_CHARACTERS = 8_000
_OURS = os.path.dirname(os.path.abspath(__file__))
_CARRIERS = (
    _OURS,
    os.path.dirname(os.__file__) + os.sep + "asyncio",
    "<frozen importlib",
    os.sep + "importlib" + os.sep,
)


def describe(exc: BaseException) -> Failure:
    """Return the exception as a record."""
    return Failure(type(exc).__name__, _message(exc)[:_MESSAGE_CHARACTERS], format_traceback(exc))


def format_traceback(exc: BaseException) -> str:
    """Return the traceback as Python prints it, from the user's first frame on, its middle cut if long."""
    lines = traceback.format_exception(type(exc), exc, _from_user_code(exc.__traceback__))
    text = "".join(lines).rstrip("\n")
    if len(text) <= _TRACEBACK_CHARACTERS:
        return text
    half = _TRACEBACK_CHARACTERS // 2
    return f"{text[:half]}\n  ...\n{text[-half:]}"


def _message(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:  # user code: an exception's __str__ may itself fail
        return "(its message could not be made)"


def _from_user_code(trace: TracebackType | None) -> TracebackType | None:
    first = trace
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not any(carrier in name for carrier in _CARRIERS):
            return trace
        trace = trace.tb_next
    return first
