"""Exceptions of user code as records: bounded, without the frames of those who called it."""

import os
import traceback

from cronjobs.core.errors import CronjobsError
from cronjobs.core.failure import Failure

_MESSAGE_CHARACTERS = 2_000
_TRACEBACK_CHARACTERS = 8_000
_OURS = os.path.dirname(os.path.abspath(__file__))
_CARRIERS = (
    os.path.dirname(os.__file__) + os.sep + "asyncio",
    "<frozen importlib",
    os.sep + "importlib" + os.sep,
)


def describe(exc: BaseException) -> Failure:
    """Return the exception as a record."""
    return Failure(type(exc).__name__, _message(exc)[:_MESSAGE_CHARACTERS], format_traceback(exc))


def format_traceback(exc: BaseException) -> str:
    """Return the traceback as Python prints it, of the user's own frames, its middle cut if long."""
    try:
        told = traceback.TracebackException.from_exception(exc)
        _trim(exc, told)
        text = "".join(told.format()).rstrip("\n")
    except Exception:  # Python loads parts of `traceback` late, and another user may not reach them
        text = f"{type(exc).__name__}: {_message(exc)}"
    if isinstance(exc, CronjobsError) and exc.hint:
        text += f"\nhint: {exc.hint}"
    if len(text) <= _TRACEBACK_CHARACTERS:
        return text
    half = _TRACEBACK_CHARACTERS // 2
    return f"{text[:half]}\n  ...\n{text[-half:]}"


def _message(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:  # user code: an exception's __str__ may itself fail
        return "(its message could not be made)"


def _trim(exc: BaseException, told: traceback.TracebackException) -> None:
    """Leave out the frames that are not the user's: of it, of what caused it, of what it is a group of."""
    told.stack[:] = _of_user_code(exc, told.stack)
    if exc.__cause__ is not None and told.__cause__ is not None:
        _trim(exc.__cause__, told.__cause__)
    if exc.__context__ is not None and told.__context__ is not None:
        _trim(exc.__context__, told.__context__)
    if isinstance(exc, BaseExceptionGroup):
        for each, part in zip(exc.exceptions, told.exceptions or (), strict=False):
            _trim(each, part)


def _of_user_code(exc: BaseException, stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """Return the frames without ours, and without asyncio's and importlib's that led to the first other."""
    is_error_of_ours = bool(stack) and _is_ours(stack[-1]) and not isinstance(exc, CronjobsError)
    frames = list(stack) if is_error_of_ours else [frame for frame in stack if not _is_ours(frame)]
    for place, frame in enumerate(frames):
        if not any(carrier in frame.filename for carrier in _CARRIERS):
            return frames[place:]
    return frames


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith(_OURS + os.sep)
