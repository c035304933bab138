"""How a mistake is put into words: what was written, quoted, and what was probably meant."""

from collections.abc import Iterable, Mapping

_LONGEST_WORD = 64
_LONGEST_QUOTE = 60


def did_you_mean(word: str, candidates: Iterable[str], *, also: Mapping[str, str] | None = None) -> str:
    """Return "did you mean `x`?" for the candidate closest to `word`, or "" if none is close.

    also: {another word for it, in lower case and without `_` and `-`: candidate}.
    """
    meant = closest(word, candidates, also=also)
    return f"did you mean `{meant}`?" if meant else ""


def closest(word: str, candidates: Iterable[str], *, also: Mapping[str, str] | None = None) -> str:
    """Return the candidate that `word` most likely stands for, or ""."""
    if len(word) > _LONGEST_WORD:
        return ""
    plain = {_plain(candidate): candidate for candidate in candidates}
    wanted = _plain(word)
    if wanted in plain:
        return plain[wanted]
    if also and (meant := also.get(wanted)) in plain.values():
        return str(meant)
    import difflib  # late: only a mistake needs it

    matches = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.65)
    return plain[matches[0]] if matches else ""


def quoted(text: str) -> str:
    """Return `text` in double quotes: one line, printable, shortened where it is long."""
    return f'"{_shown(text)}"'


def named(name: str) -> str:
    """Return `name` in backticks, as `quoted` does."""
    return f"`{_shown(name)}`"


def _shown(text: str) -> str:
    shown = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode("ascii")


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
