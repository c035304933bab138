"""Which parameters a function has, and which of them are given to it by name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from cronjobs.core.suggest import did_you_mean
from cronjobs.parameters import Parameters, plain_parameters


class _Injected:
    def __repr__(self) -> str:
        return "injected"


# The default of a parameter that is injected, so that type checkers do not miss it in a step's call:
# `async def send_email(customer: int, context: StepContext = injected)`.
injected: Any = _Injected()


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """Return a function's parameters; TypeError where it has none that can be known."""
    return plain_parameters(function, no_default=injected) or _inspected(function)


def _inspected(function: Callable[..., Any]) -> Parameters:
    import inspect  # late: only for what is no plain function

    found = inspect.signature(function).parameters.values()
    places = [each for each in found if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    keyword_only = [each for each in found if each.kind is each.KEYWORD_ONLY]
    called = inspect.unwrap(function)
    if not inspect.isroutine(called):
        called = getattr(called, "func", None) or type(called).__call__  # a partial, or an object
    return Parameters(
        tuple(each.name for each in places),
        frozenset(each.name for each in places if each.kind is each.POSITIONAL_ONLY),
        tuple(each.name for each in keyword_only),
        frozenset(
            each.name
            for each in (*places, *keyword_only)
            if each.default is each.empty or each.default is injected
        ),
        any(each.kind is each.VAR_POSITIONAL for each in found),
        any(each.kind is each.VAR_KEYWORD for each in found),
        inspect.iscoroutinefunction(called),
    )


def input_name(usual: str, parameters: Parameters, injectable: Collection[str]) -> str:
    """Return the name by which a function takes its one input: the usual one, or its first that is its own.

    The usual one, too, where the function takes no input.
    """
    if usual in parameters.names:
        return usual
    own = (name for name in parameters.names if name in parameters.required and name not in injectable)
    return next(own, usual)


def wanted(
    what: str,
    parameters: Parameters,
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    injectable: Collection[str],
) -> tuple[str, ...]:
    """Return the names that are to be injected beside the arguments of a call.

    TypeError, as Python's own would be, where the call does not fit. what: "step `charge`", for its message.
    """
    if len(arguments) > len(parameters.by_place) and not parameters.takes_more_by_place:
        raise TypeError(f"{what} takes {len(parameters.by_place)} arguments, and was given {len(arguments)}")
    placed = parameters.by_place[: len(arguments)]
    for name in keywords:
        if name in placed and name not in parameters.positional_only:
            raise TypeError(f"{what} was given `{name}` twice")
        if name not in parameters.names and not parameters.takes_more_by_name:
            meant = did_you_mean(name, parameters.names)
            raise TypeError(f"{what} has no parameter `{name}`" + (f"; {meant}" if meant else ""))
    names = tuple(
        name
        for name in parameters.names
        if name in injectable and name not in placed and name not in keywords
    )
    for name in (*parameters.by_place, *parameters.keyword_only):
        if name in parameters.required and name not in (*placed, *keywords, *names):
            meant = did_you_mean(name, injectable)
            message = f"{what}: nothing gives the parameter `{name}` a value"
            raise TypeError(message + (f"; {meant}" if meant else ""))
    return names
