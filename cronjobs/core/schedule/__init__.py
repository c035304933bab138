"""Schedules: text that yields instants. Other parts of the package import from here what `__all__` names."""

from typing import TYPE_CHECKING, Any

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.parse import Dialect, parse_schedule
from cronjobs.core.schedule.search import Schedule

if TYPE_CHECKING:
    from cronjobs.core.schedule.bounds import bounded
    from cronjobs.core.schedule.exclusions import excluding
    from cronjobs.core.schedule.explain import Explanation, Meaning, describe, explanation, meaning
    from cronjobs.core.schedule.lints import Lint, lint

__all__ = [
    "Dialect",
    "Explanation",
    "Lint",
    "Meaning",
    "Schedule",
    "ScheduleError",
    "bounded",
    "describe",
    "excluding",
    "explanation",
    "lint",
    "meaning",
    "parse_schedule",
]

# Loaded on first use: a command that asks for the next instants needs none of them.
_ROOMS = {
    "Explanation": "explain",
    "Lint": "lints",
    "Meaning": "explain",
    "bounded": "bounds",
    "describe": "explain",
    "excluding": "exclusions",
    "explanation": "explain",
    "lint": "lints",
    "meaning": "explain",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # late: as above

    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
