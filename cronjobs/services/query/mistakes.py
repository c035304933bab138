"""How a mistake in a question is told: what was asked, where, and what was probably meant."""

from collections.abc import Iterable, Mapping
from typing import Any

from cronjobs.core.errors import QueryError
from cronjobs.core.suggest import did_you_mean, named, quoted

_LISTED = 12


def unknown(
    place: str, what: str, word: str, known: Iterable[str], *, also: Mapping[str, str] | None = None
) -> QueryError:
    """Return the error for a word that means nothing.

    place: where the word stands ("orders", "filters of orders"). what: the kind of word ("field").
    also: see `did_you_mean`.
    """
    names = list(dict.fromkeys(known))
    hint = did_you_mean(word, names, also=also) or _there_are(names)
    return QueryError(f"{place}: no {what} {named(word)}; {hint}", hint=hint)


def wrong(place: str, complaint: str, *, hint: str = "") -> QueryError:
    """Return the error for an argument that cannot be used."""
    return QueryError(f"{place}: {complaint}" + (f"; {hint}" if hint else ""), hint=hint)


def shown(value: Any) -> str:
    """Return a value as an error shows it: its type, and the value where it is short enough to help."""
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    text = repr(value)
    return f"{type(value).__name__} {text}" if len(text) <= 60 else f"a {type(value).__name__}"


def _there_are(names: list[str]) -> str:
    if not names:
        return "there is none"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return "there are: " + ", ".join(named(name) for name in sorted(names)[:_LISTED]) + more
