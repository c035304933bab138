"""`parallel`: several things of a workflow at the same time."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from cronjobs.workflows.scope import scope_for

T = TypeVar("T")


@overload
def parallel(  # type: ignore[overload-overlap]  # what can be awaited is awaited
    *branches: Awaitable[T] | Callable[[], Awaitable[T]],
) -> Awaitable[list[T]]: ...
@overload
def parallel(*branches: Callable[[], T]) -> list[T]: ...
def parallel(*branches: Any) -> Any:
    """Return the results of all branches, in their order; in an asynchronous workflow, await it for them.

    A branch is what can be awaited (`send_email(1)`), or a function without parameters; in a workflow that
    is `def`, functions only (`lambda: send_email(1)`), which are called in threads. All end, even where one
    fails; then the first failure is raised, in the order of the branches.
    """
    scope = scope_for("parallel()", "it is for the steps of a workflow")
    return scope.execution.runner.parallel(scope, branches)
