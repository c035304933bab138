"""What a workflow needs of the world: a run's container, and time."""

from collections.abc import Collection, Iterable
from typing import Any, Protocol

from cronjobs.core.waiting import Clock as Clock
from cronjobs.core.waiting import Flag as Flag
from cronjobs.core.workflow import Journal


class Container(Protocol):
    """What a run's function gets its services from."""

    @property
    def journal(self) -> Journal | None:
        """Where workflows are written down; None outside of runs."""

    @property
    def clock(self) -> Clock | None:
        """The time that workflows go by; None for the real one."""

    def parameters(self) -> Collection[str]:
        """Return the names of parameters that `inject` has something for."""

    def inject(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what each parameter is given."""

    async def inject_async(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what each parameter is given, asynchronous services included."""

    def resolve(self, key: str, default: Any = ...) -> Any:
        """Return a service; `default` where there is none."""
