"""What a job resolves its services from."""

from collections.abc import Callable
from typing import Any

from cronjobs.core.errors import NotFoundError
from cronjobs.core.suggest import did_you_mean
from cronjobs.core.workflow import Journal

_MISSING = object()


class Container:
    """Builds each service once, when it is first asked for."""

    def __init__(self, factories: dict[str, Callable[[], Any]]) -> None:
        self._factories = factories
        self._built: dict[str, Any] = {}
        self.journal: Journal | None = None  # of the run's workflows

    def has(self, key: str) -> bool:
        """Return whether there is a service of that name."""
        return key in self._factories

    def resolve(self, key: str, default: Any = _MISSING) -> Any:
        """Return the service; `default`, if given, where there is none, else NotFoundError."""
        if key in self._built:
            return self._built[key]
        if key not in self._factories:
            if default is _MISSING:
                raise self._unknown(key)
            return default
        self._built[key] = self._factories[key]()
        return self._built[key]

    def _unknown(self, key: str) -> NotFoundError:
        hint = did_you_mean(key, self._factories) or f"there are: {', '.join(sorted(self._factories))}"
        return NotFoundError(f"no service {key!r}; {hint}", hint=hint)
