"""How a job's function is given what it asks for, called, and cleaned up after."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cronjobs.core.failure import Failure
from cronjobs.executors.endings import Terminated, Unbound, print_traceback
from cronjobs.executors.imports import Bound
from cronjobs.executors.orders import GoingOn, JobSetup, Order

if TYPE_CHECKING:
    from cronjobs.context import Context
    from cronjobs.executors.channel import Channel
    from cronjobs.services.container import Container
    from cronjobs.services.supplies import Supplies


def call(bound: Bound | Failure, job: JobSetup, order: Order, channel: int) -> Any:
    """Call the job's function, see it through if it is a coroutine, and return what it returns."""
    if isinstance(bound, Failure):
        raise Unbound(bound)
    if bound.is_given_services:
        container = _container(bound.supplies, job, order, channel)
        if bound.plan.is_async:
            return _run(_with_services(bound, job, container))
        return _closed(container, lambda: _called(bound, job, container))
    result = bound.function(**job.args, **_own_values(bound.plan.keywords, job, order, channel))
    if bound.plan.is_async or hasattr(result, "__await__"):
        return _run(_see_through(result))
    return result


def go_on(going_on: GoingOn, supplies: "Supplies", job: JobSetup, order: Order, channel: int) -> Any:
    """Go on with a workflow, or undo it, in the job's name but without its function; return its result.

    Raises WorkflowError where it does not end as it is to.
    """
    from cronjobs.core.errors import WorkflowError
    from cronjobs.core.workflow import Intent
    from cronjobs.workflows.resume import resume
    from cronjobs.workflows.workflow import WorkflowResult

    container = _container(supplies, job, order, channel)

    def ended() -> Any:
        begun = resume(going_on.target, going_on.id, container, Intent(going_on.intent))
        return begun if isinstance(begun, WorkflowResult) else container.wait_for(begun)

    found = _closed(container, ended)
    if found.transaction.state != going_on.goal:
        raise WorkflowError(f"workflow {found.transaction.id} is {found.transaction.state}")
    return found.result


def _run(coroutine: Any) -> Any:
    import asyncio  # loaded ahead where a job is a coroutine function

    return asyncio.run(coroutine)


async def _see_through(awaitable: Any) -> Any:
    return await awaitable


def _called(bound: Bound, job: JobSetup, container: "Container") -> Any:
    values = container.inject(bound.plan.keywords)
    result = bound.function(**job.args, **values, **dict.fromkeys(bound.plan.containers, container))
    return container.wait_for(result) if hasattr(result, "__await__") else result


async def _with_services(bound: Bound, job: JobSetup, container: "Container") -> Any:
    owner = os.getpid()
    try:
        values = await container.inject_async(bound.plan.keywords)
        containers = dict.fromkeys(bound.plan.containers, container)
        result = await bound.function(**job.args, **values, **containers)
    except BaseException as exc:  # user code, or a signal
        if os.getpid() == owner:
            try:
                await container.aclose()
            except BaseException as later:
                _tell_later_error(exc, later)
        raise
    if os.getpid() == owner:  # a fork of the job's own that came back here has nothing to clean up
        await container.aclose()
    return result


def _closed(container: "Container", function: Callable[[], Any]) -> Any:
    """Return what a function returns; whatever becomes of it, the services are cleaned up."""
    owner = os.getpid()
    try:
        result = function()
    except BaseException as exc:  # user code, or a signal
        if os.getpid() == owner:
            try:
                container.close()
            except BaseException as later:
                _tell_later_error(exc, later)
        raise
    if os.getpid() == owner:  # as above
        container.close()
    return result


def _tell_later_error(job: BaseException, later: BaseException) -> None:
    """Print a clean-up's error where the job's own is the one to be recorded; but the end comes first."""
    if isinstance(later, Terminated) and not isinstance(job, Terminated):
        raise later
    print_traceback(later)


def _own_values(names: Sequence[str], job: JobSetup, order: Order, channel: int) -> dict[str, Any]:
    """Return what the function is given of the run itself: that takes no container, which would cost more."""
    if not names:
        return {}
    import time  # all of it only for jobs that ask for something; `logging` is behind it

    from cronjobs.executors.channel import Channel
    from cronjobs.services.logger import make_logger

    context = _context(job, order, Channel(channel))
    values: dict[str, Any] = {"context": context}
    if "logger" in names:
        values["logger"] = make_logger(context, time.monotonic)
    return {name: values[name] for name in names}


def _container(supplies: "Supplies", job: JobSetup, order: Order, channel: int) -> "Container":
    import time  # as above

    from cronjobs.executors.channel import Channel
    from cronjobs.executors.journal import ChannelJournal
    from cronjobs.services.run import make_container

    line = Channel(channel)
    container = make_container(supplies, _context(job, order, line), time.monotonic)
    container.journal = ChannelJournal(line)
    return container


def _context(job: JobSetup, order: Order, line: "Channel") -> "Context":
    from datetime import UTC, datetime

    from cronjobs.context import Context
    from cronjobs.executors.journal import last_success

    return Context(
        job_name=job.name,
        run_id=order.run_id,
        scheduled_for=datetime.fromtimestamp(order.scheduled_for, UTC),
        attempt=order.attempt,
        execution_number=order.execution_number,
        remaining_executions=order.remaining_executions,
        last_success=lambda: last_success(line),
        should_stop=line.should_stop,
    )
