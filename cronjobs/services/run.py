"""What a run's function is given, by the names of its parameters."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from cronjobs.context import Context
from cronjobs.core.workflow import Journal
from cronjobs.services.container import Container
from cronjobs.services.logger import make_logger


def services_of(
    names: Iterable[str], *, journal: Journal, scheduled_for: int, **known: Any
) -> dict[str, Any]:
    """Return the named services of one run; it has one container, and what it builds is built once.

    scheduled_for: in UTC seconds. known: what else `Context` holds.
    """
    context = Context(scheduled_for=datetime.fromtimestamp(scheduled_for, UTC), **known)
    factories: dict[str, Callable[[], Any]] = {
        "logger": lambda: make_logger(context),
        "context": lambda: context,
    }
    container = Container(factories)
    container.journal = journal
    factories["container"] = lambda: container
    return {name: container.resolve(name) for name in names}
