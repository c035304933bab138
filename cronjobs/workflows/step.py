"""`@step`: a function whose outcome a workflow writes down, and what undoes it.

Nothing is run here: a step that is called asks the workflow around it to run it.
"""

from _weakref import ref
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar, overload

from cronjobs.core.errors import WorkflowChangedError, WorkflowError
from cronjobs.parameters import Parameters
from cronjobs.workflows.injection import parameters_of
from cronjobs.workflows.outcomes import StepResponse
from cronjobs.workflows.scope import Scope, scope_for
from cronjobs.workflows.settings import count_of, factor_of, refuse_nameless, refuse_unknown, seconds_of

P = ParamSpec("P")
C = TypeVar("C")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_LONGEST_PAUSE_SECONDS = 86_400.0


class Compensation:
    """What undoes a step."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.parameters = parameters_of(function)


class Step(Generic[P, C]):
    """A step. Call it in a workflow's body; `function` is what it was made of."""

    def __init__(self, function: Callable[P, Any], options: "StepOptions") -> None:
        refuse_nameless("@step", function)
        self.function = function
        self.options = options
        self.name = options.name or function.__name__
        self.target = f"{function.__module__}:{function.__qualname__}"
        self.parameters: Parameters = parameters_of(function)
        self.compensation: Compensation | None = None
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        _remember(self)

    def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> C:
        """Return the step's result, in an asynchronous workflow something to await for it.

        StepFailedError where it failed, after its retries.
        """
        scope = self._scope()
        result: C = scope.execution.runner.step(self, scope, arguments, keywords)
        return result

    def awaitable(self, *arguments: P.args, **keywords: P.kwargs) -> Coroutine[Any, Any, C]:
        """Do as a call does, for type checkers: a `def` step in an `async def` workflow is awaited."""
        scope = self._scope()
        if not scope.execution.is_async:
            raise WorkflowError(f"`{self.__name__}.awaitable` is for workflows that are `async def`")
        result: Coroutine[Any, Any, C] = scope.execution.runner.step(self, scope, arguments, keywords)
        return result

    def compensate(self, function: F) -> F:
        """Register what undoes the step; use it as a decorator."""
        compensation = Compensation(function)
        if compensation.parameters.is_async and not self.parameters.is_async:
            raise WorkflowError(
                f"the step `{self.name}` is `def` and its compensation `async def`",
                hint="write both the same way: nothing awaits in a workflow that is `def`",
            )
        self.compensation = compensation
        return function

    def _scope(self) -> Scope:
        way_out = f"to call the function itself, write `{self.__name__}.function(...)`"
        return scope_for(f"the step `{self.name}`", way_out)

    def pause_seconds(self, attempt: int) -> float:
        """Return how long to wait after an attempt that failed, counted from 1."""
        options = self.options
        growth = options.retry_backoff ** min(attempt - 1, 100)
        return min(options.retry_interval_seconds * growth, _LONGEST_PAUSE_SECONDS)

    def __repr__(self) -> str:
        return f"<step {self.name}: {self.target}>"


class StepOptions:
    """How a step is run; it makes a step of a function."""

    def __init__(
        self,
        name: str | None = None,
        max_retries: int = 0,
        retry_interval: float | str = 1.0,
        retry_backoff: float = 1.0,
        timeout: float | str | None = None,
        continue_on_failure: bool = False,
    ) -> None:
        self.name = name
        self.max_retries = count_of("max_retries", max_retries)
        self.retry_interval_seconds = seconds_of("retry_interval", retry_interval, least=0.0)
        self.retry_backoff = factor_of("retry_backoff", retry_backoff)
        self.timeout_seconds = None if timeout is None else seconds_of("timeout", timeout)
        self.continue_on_failure = continue_on_failure

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, StepResponse[T]]], /
    ) -> Step[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> Step[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __call__(self, function: Callable[P, StepResponse[T]], /) -> Step[P, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Step[P, T]: ...
    def __call__(self, function: Callable[..., Any], /) -> Step[..., Any]:
        """Return the function as a step."""
        return Step(function, self)


@overload
def step(
    function: Callable[P, Coroutine[Any, Any, StepResponse[T]]], /
) -> Step[P, Coroutine[Any, Any, T]]: ...
@overload
def step(function: Callable[P, Coroutine[Any, Any, T]], /) -> Step[P, Coroutine[Any, Any, T]]: ...
@overload
def step(function: Callable[P, StepResponse[T]], /) -> Step[P, T]: ...
@overload
def step(function: Callable[P, T], /) -> Step[P, T]: ...
@overload
def step(
    *,
    name: str | None = None,
    max_retries: int = 0,
    retry_interval: float | str = 1.0,
    retry_backoff: float = 1.0,
    timeout: float | str | None = None,
    continue_on_failure: bool = False,
) -> StepOptions: ...
def step(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a step of a function; bare, or with options.

    max_retries: how often it is tried again after it failed. retry_interval: seconds, or a text like `1m`,
    before the first retry; each further wait is `retry_backoff` times as long. timeout: of one attempt.
    continue_on_failure: its failure is only noted in the workflow's errors, and its call returns None.
    """
    try:
        chosen = StepOptions(**options)
    except TypeError:
        refuse_unknown("@step", options, StepOptions)
        raise
    return chosen if function is None else chosen(function)


_STEPS: dict[str, Step[..., Any]] = {}  # {target: the step that was made last}
_FORMER: dict[str, list[ref[Step[..., Any]]]] = {}  # {target: those before it}


def _remember(step: Step[..., Any]) -> None:
    former = _STEPS.get(step.target)
    if former is not None:
        _FORMER.setdefault(step.target, []).append(ref(former))
    _STEPS[step.target] = step


def step_of(target: str, name: str, *, workflow_id: str) -> Step[..., Any]:
    """Return the step that is written down as `pkg.mod:name`, for a process that has not called it.

    WorkflowChangedError where it is gone, or where there are several that cannot be told apart.
    """
    if target not in _STEPS:
        from cronjobs.targets import TargetError, import_module  # late: whoever runs a body has its steps

        try:
            import_module(target.partition(":")[0])
        except TargetError as exc:
            raise _lost(target, workflow_id, f" ({exc})") from exc
    if target not in _STEPS:
        raise _lost(target, workflow_id)
    named = [each for each in (_STEPS[target], *_former(target)) if each.name == name]
    # One `def` that has run twice makes two steps; a module that is loaded anew has another `def`.
    if len(named) > 1 and _code(named[0]) is not None and _code(named[0]) is _code(named[1]):
        raise WorkflowChangedError(
            f"workflow {workflow_id}: there are several steps `{target}` that are called `{name}`, and it is"
            " not known which of them is to be undone",
            hint="give each a name of its own: `@step(name=...)`",
        )
    return named[0] if named else _STEPS[target]


def _former(target: str) -> list[Step[..., Any]]:
    """Return the living steps of a target but the last one, the newest first."""
    if target not in _FORMER:
        return []
    import gc  # late: only for steps that are made again and again

    gc.collect()  # what is only waiting to be forgotten is not there any more
    found = [each for known in reversed(_FORMER[target]) if (each := known()) is not None]
    return [each for each in found if each is not _STEPS[target]]


def _code(step: Step[..., Any]) -> object:
    return getattr(step.function, "__code__", None)


def _lost(target: str, workflow_id: str, reason: str = "") -> WorkflowChangedError:
    return WorkflowChangedError(
        f"workflow {workflow_id}: the step `{target}`, which is to be undone, is not there any more{reason}",
        hint=f"bring it back, then `cronjobs workflow retry {workflow_id}`",
    )
