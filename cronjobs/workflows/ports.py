"""What a workflow needs of the world: a run's container, and time."""

from collections.abc import Collection, Iterable
from typing import Any, Protocol

from cronjobs.core.workflow import Journal


class Container(Protocol):
    """What a run's function gets its services from."""

    @property
    def journal(self) -> Journal | None:
        """Where workflows are written down; None outside of runs."""

    def parameters(self) -> Collection[str]:
        """Return the names of parameters that `inject` has something for."""

    def inject(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what each parameter is given."""

    async def inject_async(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what each parameter is given, asynchronous services included."""

    def resolve(self, key: str, default: Any = ...) -> Any:
        """Return a service; `default` where there is none."""


class Flag(Protocol):
    """Something that is set once, from another thread: a `threading.Event`."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, so many seconds at most; return whether it is."""


class Clock(Protocol):
    """Time as workflows know it."""

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""

    def sleep(self, seconds: float, interruption: Flag | None) -> None:
        """Wait, until the flag is set at most. A signal's exception ends it, too, in the main thread."""

    async def sleep_async(self, seconds: float) -> None:
        """Wait, and let others go on."""
