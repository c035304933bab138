"""A plain function's parameters, without `inspect`.

That is a large import for a process that looks at one function and ends, or is forked again and again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

_VARIADIC, _VARIADIC_KEYWORDS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x80, 0x200
_FUNCTION = type(lambda: None)
_NOTHING = object()


class Parameters(NamedTuple):
    """A function's parameters. by_place: those that an argument may fill by its place, in their order.

    required: those without a default.
    """

    by_place: tuple[str, ...]
    positional_only: frozenset[str]
    keyword_only: tuple[str, ...]
    required: frozenset[str]
    takes_more_by_place: bool
    takes_more_by_name: bool
    is_async: bool
    is_generator: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a value can be given by."""
        return (*(name for name in self.by_place if name not in self.positional_only), *self.keyword_only)


def plain_parameters(function: Callable[..., Any], *, no_default: Any = _NOTHING) -> Parameters | None:
    """Return the parameters of a plain function; None for all that only `inspect` can tell of.

    no_default: a default that counts as none.
    """
    if (
        type(function) is not _FUNCTION
        or hasattr(function, "__wrapped__")
        or hasattr(function, "__signature__")
    ):
        return None
    code = function.__code__
    count, names, flags = code.co_argcount, code.co_varnames, code.co_flags
    by_place, keyword_only = names[:count], names[count : count + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    filled = dict(zip(by_place[count - len(defaults) :], defaults, strict=True))
    filled.update(function.__kwdefaults__ or {})
    missing = {name for name in (*by_place, *keyword_only) if filled.get(name, no_default) is no_default}
    return Parameters(
        by_place,
        frozenset(by_place[: code.co_posonlyargcount]),
        keyword_only,
        frozenset(missing),
        bool(flags & _VARIADIC),
        bool(flags & _VARIADIC_KEYWORDS),
        bool(flags & _COROUTINE),
        bool(flags & (_GENERATOR | _ASYNC_GENERATOR)),
    )
