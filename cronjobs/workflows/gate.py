"""Code in another thread than the main one, and how it is cut: by an exception at its next bytecode."""

from _thread import allocate_lock, get_ident
from collections.abc import Callable
from typing import TypeVar

from cronjobs.workflows.effects import Cut

T = TypeVar("T")


class Gate:
    """One call of a function. error: what it failed with, where it was cut; None before that."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._lock = allocate_lock()
        self._thread: int | None = None

    def run(self, function: Callable[[], T]) -> T:
        """Return what the function returns, in the thread that calls this; it may end in Cut."""
        with self._lock:
            if self.error is not None:
                raise Cut()
            self._thread = get_ident()
        try:
            return function()
        except Exception as exc:
            if self.error is None:
                raise
            raise Cut() from exc  # it was cut, and made another exception of that
        finally:
            self._close()

    def cut(self, error: BaseException) -> None:
        """Raise Cut in the function, once, as soon as its thread runs Python code."""
        with self._lock:
            if self.error is not None:
                return
            self.error = error
            if self._thread is not None:
                _raise_in(self._thread, Cut)

    def _close(self) -> None:
        """Let nothing be raised in this thread any more; what has been sent too late is taken back."""
        while True:
            try:
                with self._lock:
                    self._thread = None
                    if self.error is not None:
                        _raise_in(get_ident(), None)
                return
            except Cut:
                continue  # it came just now, and will not come again


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    import ctypes  # late: only for a step that is cut, and the only way

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if exception is None else ctypes.py_object(exception)
    )
