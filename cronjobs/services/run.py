"""The container of a run: the configuration's services, and what every job can be given."""

from collections.abc import Callable, Iterator
from typing import Any

from cronjobs.context import Context
from cronjobs.core.errors import ServiceError
from cronjobs.core.job import QuerySettings, Scope, Service
from cronjobs.services.container import Container, Factory, plan_of
from cronjobs.services.logger import make_logger
from cronjobs.services.supplies import Supplies
from cronjobs.signatures import Plan
from cronjobs.targets import TargetError, import_module, resolve, split


def make_container(supplies: Supplies, context: Context, monotonic: Callable[[], float]) -> Container:
    """Return a run's container; nothing in it is made yet.

    monotonic: the clock by which the logger says how long something took.
    """
    container = Container()
    for key, service in supplies.services.items():
        plan = supplies.plans.get(key)
        container.add(
            key,
            lambda key=key, service=service, plan=plan: _found(key, service, plan),  # type: ignore[misc]  # mypy cannot tell a default's type
            is_transient=service.scope is Scope.TRANSIENT,
        )
    container.register("context", context)
    # Not `register`, which looks at a factory by `inspect`: that would take longer than many a run.
    container.add("logger", lambda: (lambda: make_logger(context, monotonic), Plan((), is_async=False)))
    if supplies.query is not None:
        add_query(container, supplies.query)
    container.reserve()
    return container


def add_query(container: Container, settings: QuerySettings) -> None:
    """Give a container its service `query`."""
    container.add("query", lambda: (lambda: _query(settings), Plan((), False, is_generator=True)))


def _found(key: str, service: Service, plan: Plan | None) -> tuple[Factory, Plan]:
    target = split(service.factory)
    try:
        factory: Factory = resolve(import_module(target.module), target.attributes)
    except TargetError as exc:
        # The user's own exception, where it is one: it says more than that there was one.
        cause = exc.__cause__ if exc.kind == "import" and isinstance(exc.__cause__, Exception) else None
        raise cause or ServiceError(f"`{service.factory}`: {exc}", hint=exc.hint) from None
    return factory, plan or plan_of(key, factory)


def _query(settings: QuerySettings) -> Iterator[Any]:
    from cronjobs.services.query import make_query  # late: only for jobs that ask for it

    query = make_query(settings.url, settings.relations)
    try:
        yield query
    finally:
        query.close()
