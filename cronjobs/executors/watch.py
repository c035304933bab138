"""Waiting for descriptors, and waking up on time."""

import select
from collections.abc import Callable

from cronjobs.core.ports import Clock

# The kernel may let a long sleep overrun by 0.1 %, and Python rounds an epoll wait up to milliseconds.
_EARLY_SECONDS = 0.02
_EARLY_SHARE = 0.005
# A longer wait wakes up once, and perhaps milliseconds late: what has to happen on time is waited for in a
# shorter one.
_EXACT_SECONDS = 10.0


class Watch:
    """Calls back for descriptors that can be read, or written."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._poller = select.epoll() if hasattr(select, "epoll") else _Poll()

    def add(self, descriptor: int, callback: Callable[[], None], *, writable: bool = False) -> None:
        """Call back whenever the descriptor is ready; again and again until it is removed."""
        self._callbacks[descriptor] = callback
        self._poller.register(descriptor, select.POLLOUT if writable else select.POLLIN)

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor, before it is closed; nothing happens if it is not watched."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._callbacks

    def wait(self, timeout_seconds: float) -> None:
        """Call back for what is ready; wait for it until the time is over, and not 1 ms longer.

        A wait of over 10 s may last longer by 0.1 %.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        is_exact = timeout_seconds <= _EXACT_SECONDS
        early = max(_EARLY_SECONDS, timeout_seconds * _EARLY_SHARE) if is_exact else 0.0
        ready = self._poller.poll(max(0.0, timeout_seconds - early))
        left = deadline - self._clock.monotonic()
        if is_exact and not ready and left > 0:
            # select() takes microseconds. An epoll instance is itself a descriptor to wait for.
            select.select([self._poller.fileno()], [], [], left)
            ready = self._poller.poll(0)
        for descriptor, _ in ready:
            callback = self._callbacks.get(descriptor)
            if callback is not None:  # an earlier callback of this turn may have removed it
                callback()

    def close(self) -> None:
        """Let go of everything."""
        self._callbacks.clear()
        self._poller.close()


class _Poll:
    """What this module needs of epoll, for systems that have none."""

    def __init__(self) -> None:
        import selectors  # only where there is no epoll

        self._selector = selectors.DefaultSelector()

    def register(self, descriptor: int, eventmask: int) -> None:
        import selectors

        event = selectors.EVENT_READ if eventmask == select.POLLIN else selectors.EVENT_WRITE
        self._selector.register(descriptor, event)

    def unregister(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return [(key.fd, events) for key, events in self._selector.select(timeout)]

    def fileno(self) -> int:
        fileno: int = self._selector.fileno()
        return fileno

    def close(self) -> None:
        self._selector.close()
