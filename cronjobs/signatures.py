"""How a job's function or a service's factory is called: what is injected, and whether it can be called.

Nothing here calls what it looks at.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cronjobs.core.suggest import did_you_mean
from cronjobs.parameters import plain_parameters

if TYPE_CHECKING:
    from inspect import Parameter, Signature

INJECTABLE = ("container", "logger", "context")  # `query` too, where one is configured

_CONTAINER_WORDS = {
    form.format(name)
    for name in ("Container", "cronjobs.Container")
    for form in ("{}", "{}|None", "None|{}", "Optional[{}]", "typing.Optional[{}]")
}

_NO_CONTAINERS: tuple[Any, ...] = (None, bool, int, float, str, bytes, list, dict, tuple, set)

# What people call these things elsewhere, as `did_you_mean` wants it.
OTHER_NAMES = {
    "log": "logger",
    "logging": "logger",
    "ctx": "context",
    "jobcontext": "context",
    "run": "context",
    "services": "container",
    "resolver": "container",
    "scope": "container",
    "injector": "container",
    "db": "query",
    "database": "query",
    "remotequery": "query",
}


class Plan(NamedTuple):
    """How to call a job's function or a service's factory: what is injected, and what comes of the call.

    keywords: parameters that are injected by their names. containers: those that want the container, by their
    annotation. optional: a factory's parameters with a default, injected where there is such a name.
    is_generator: a factory's; what it yields is the service.
    """

    keywords: tuple[str, ...]
    is_async: bool
    containers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    is_generator: bool = False

    @classmethod
    def read(cls, values: Sequence[Any]) -> "Plan":
        """Return the plan from what came as JSON."""
        keywords, is_async, containers, optional, is_generator = values
        return cls(tuple(keywords), is_async, tuple(containers), tuple(optional), is_generator)


class Misfit(NamedTuple):
    """One reason why a function cannot be called; `argument` is the key of `args` it is about, or ""."""

    message: str
    hint: str = ""
    argument: str = ""


def injection(
    function: Any, args: Mapping[str, object], injectable: Collection[str] = INJECTABLE
) -> Plan | list[Misfit]:
    """Return how to call `function`, or every reason why it cannot be called.

    A parameter takes its value from `args`, else it is injected by its name or as a container, else its own
    default stays. `*args` and `**kwargs` get nothing injected; the latter takes any key of `args`.
    """
    if (plan := _plain_plan(function, args, injectable)) is not None:
        return plan
    import inspect  # late: heavy, and only for what is no plain function, or cannot be called

    if not callable(function):
        return [_uncallable(function)]
    body = _body(function)
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        return [Misfit("it is a generator: calling it would run nothing", "let a function loop over it")]
    is_async = inspect.iscoroutinefunction(body)
    signature = _signature(function)
    if signature is None:
        return Plan((), is_async)
    containers = tuple(name for name in _containers(function, signature, injectable) if name not in args)
    given = {*args, *containers}
    misfits = _unwanted_args(signature, args) + _unfilled_parameters(signature, given, injectable)
    return misfits or Plan(_injected(function, signature, given, injectable), is_async, containers)


def _plain_plan(function: Any, args: Mapping[str, object], injectable: Collection[str]) -> Plan | None:
    """Return how to call a plain function in which nothing is wrong; None where more is to be looked at."""
    found = plain_parameters(function)
    if found is None or found.is_generator or found.positional_only:
        return None
    annotations = [each for name, each in function.__annotations__.items() if name != "return"]
    if not all(any(each is known for known in _NO_CONTAINERS) for each in annotations):
        return None  # it may be the container's
    if not found.takes_more_by_name and not set(args) <= set(found.names):
        return None
    keywords = tuple(name for name in found.names if name in injectable and name not in args)
    if not found.required <= {*args, *keywords}:
        return None
    return Plan(keywords, found.is_async)


def making(factory: Any) -> Plan | list[Misfit]:
    """Return how to call a service's factory, or every reason why it cannot be called.

    Every parameter is a service: one without a default must be there when the factory is called.
    """
    import inspect  # late: as above

    if not callable(factory):
        return [_uncallable(factory)]
    body = _body(factory)
    is_generator = inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body)
    is_async = inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body)
    signature = _signature(factory)
    if signature is None:
        return Plan((), is_async, is_generator=is_generator)
    containers = _containers(factory, signature, ())
    bound = getattr(factory, "keywords", None) or {}
    required: list[str] = []
    optional: list[str] = []
    misfits = []
    for name, parameter in signature.parameters.items():
        if name in containers or name in bound:
            continue
        has_default = parameter.default is not parameter.empty
        if _takes_keyword(parameter):
            (optional if has_default else required).append(name)
        elif parameter.kind is parameter.POSITIONAL_ONLY and not has_default:
            misfits.append(_positional_only(name))
    return misfits or Plan(tuple(required), is_async, containers, tuple(optional), is_generator)


def unknown_services(plan: Plan, injectable: Collection[str]) -> list[Misfit]:
    """Return the parameters of a factory that are no service."""
    return [
        Misfit(
            f"nothing gives the parameter `{name}` a value",
            did_you_mean(name, injectable, also=OTHER_NAMES)
            or missing_hint(name)
            or "a factory's parameters are other services: name one, or give it a default",
        )
        for name in plan.keywords
        if name not in injectable
    ]


def missing_hint(name: str) -> str:
    """Return what is to be written so that a name that could be injected can be, or ""."""
    return 'write a table `[query]` with `url = "${DATABASE_URL}"`' if name == "query" else ""


def _uncallable(value: object) -> Misfit:
    return Misfit(f"it is {_kind_of(value)}, which cannot be called")


def _signature(function: Any) -> "Signature | None":
    import inspect  # late: as in `injection`

    try:
        return inspect.signature(function)
    except (ValueError, TypeError):  # some built-ins do not tell
        return None


def _containers(function: Any, signature: "Signature", injectable: Collection[str]) -> tuple[str, ...]:
    """Return the parameters that are annotated as a `Container`, whatever their names."""
    bound = getattr(function, "keywords", None) or {}
    names = _names_known_to(function)
    return tuple(
        name
        for name, parameter in signature.parameters.items()
        if name not in bound
        and _takes_keyword(parameter)
        and parameter.annotation is not parameter.empty
        and _is_container(parameter.annotation, names, is_guess=name not in injectable)
    )


def _is_container(annotation: Any, names: Mapping[str, Any], *, is_guess: bool) -> bool:
    """Return whether an annotation means our `Container`, or that or None.

    is_guess: whether to go by the word alone where it cannot be looked up, as where it is imported for
    type checkers only.
    """
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, dict(names))
        except Exception:  # user code
            return is_guess and annotation.replace(" ", "") in _CONTAINER_WORDS
    if isinstance(annotation, type):
        module, name = "cronjobs.services.container", "Container"
        return annotation.__module__ == module and annotation.__qualname__ == name
    if forward := getattr(annotation, "__forward_arg__", None):
        return _is_container(forward, names, is_guess=is_guess)
    import types
    import typing  # both late: as `inspect`

    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_is_container(each, names, is_guess=is_guess) for each in typing.get_args(annotation))
    return False


def _names_known_to(function: Any) -> Mapping[str, Any]:
    """Return what a function's annotations can refer to."""
    import inspect
    import sys  # both late: as in `injection`

    body = inspect.unwrap(_body(function))
    known: Mapping[str, Any] | None = getattr(body, "__globals__", None)
    if known is not None:
        return known
    module = sys.modules.get(getattr(body, "__module__", None) or "")  # of a class
    return {} if module is None else vars(module)


def _injected(
    function: Any, signature: "Signature", given: Collection[str], injectable: Collection[str]
) -> tuple[str, ...]:
    # What a functools.partial has bound already was chosen by its author.
    bound = getattr(function, "keywords", None) or {}
    return tuple(
        name
        for name, parameter in signature.parameters.items()
        if name in injectable and name not in given and name not in bound and _takes_keyword(parameter)
    )


def _unwanted_args(signature: "Signature", args: Mapping[str, object]) -> list[Misfit]:
    parameters = signature.parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    takers = [name for name, parameter in parameters.items() if _takes_keyword(parameter)]
    open_takers = [name for name in takers if name not in args]
    misfits = []
    for key in args:
        if key not in takers:
            if key in parameters and parameters[key].kind is parameters[key].POSITIONAL_ONLY:
                misfits.append(_positional_only(key, argument=key))
            else:
                hint = did_you_mean(key, open_takers) or _listed(takers)
                misfits.append(Misfit(f"no parameter takes the argument `{key}`", hint, key))
    return misfits


def _unfilled_parameters(
    signature: "Signature", given: Collection[str], injectable: Collection[str]
) -> list[Misfit]:
    misfits = []
    for name, parameter in signature.parameters.items():
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        if not _takes_keyword(parameter):
            if name not in given:
                misfits.append(_positional_only(name))
        elif name not in given and name not in injectable:
            candidates = [word for word in injectable if word not in signature.parameters]
            hint = (
                missing_hint(name)
                or did_you_mean(name, candidates, also=OTHER_NAMES)
                or f"give it a default, or a value in `args`: args = {{ {name} = ... }}"
            )
            misfits.append(Misfit(f"nothing gives the parameter `{name}` a value", hint))
    return misfits


def _positional_only(name: str, *, argument: str = "") -> Misfit:
    message = f"the parameter `{name}` is positional-only, and arguments are passed by name"
    return Misfit(message, "remove the `/` from the function's signature", argument)


def _takes_keyword(parameter: "Parameter") -> bool:
    return parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


def _listed(names: list[str]) -> str:
    return f"its parameters are {', '.join(f'`{name}`' for name in names)}" if names else "it takes none"


def _body(function: Any) -> Any:
    """Return what runs when `function` is called: under partials, and behind an instance's `__call__`."""
    import functools
    import inspect  # both late, as in `injection`

    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return type(function).__call__


def _kind_of(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
