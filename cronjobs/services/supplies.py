"""What a run's services are made from, as the processes that run jobs are told of it.

It stands alone so that a process that only looks at jobs loads nothing that makes services.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.job import QuerySettings, Scope, Service
from cronjobs.signatures import INJECTABLE, Plan
from cronjobs.targets import parameter_name, split


class Supplies(NamedTuple):
    """What runs resolve their services from.

    plans: of factories that were looked at already, by key. misread: names of what has a mistake of its own,
    so that whoever names it has none.
    """

    services: Mapping[str, Service] = {}
    plans: Mapping[str, Plan] = {}
    query: QuerySettings | None = None
    misread: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Sequence[Any]) -> "Supplies":
        """Return the supplies from what came as JSON."""
        services, plans, query, misread = values
        return cls(
            {key: Service(factory, Scope(scope)) for key, (factory, scope) in services.items()},
            {key: Plan.read(plan) for key, plan in plans.items()},
            None if query is None else QuerySettings(*query),
            tuple(misread),
        )

    @property
    def injectable(self) -> tuple[str, ...]:
        """The names that a run's container knows."""
        query = () if self.query is None else ("query",)
        return (*INJECTABLE, *query, *map(parameter_name, self.services), *self.misread)

    @property
    def modules(self) -> Mapping[str, str]:
        """{key: the module that its factory lives in}."""
        return {key: split(service.factory).module for key, service in self.services.items()}


NO_SUPPLIES = Supplies()


def dependencies(plan: Plan, injectable: Iterable[str]) -> list[str]:
    """Return the names that a factory is given, of those that can be injected."""
    return [*plan.keywords, *(name for name in plan.optional if name in injectable)]


def in_a_circle(keys: Sequence[str]) -> str:
    """Return the message about services that need each other; `keys` ends where it begins."""
    return f"services need each other in a circle: {' -> '.join(keys)}"
