"""What `tomllib` says of a broken text, in a user's words and with the place of the culprit."""

import re

from cronjobs.config.positions import Entry, Positions, entries
from cronjobs.core.suggest import named

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TWICE = re.compile(r"Cannot (?:overwrite|declare|mutate)|Duplicate inline table key")
_UNFINISHED = re.compile(
    r"""Unterminated string|Expected (?:"'''"|'\"\"\"')|Unclosed (?:array|inline table)"""
)

Explained = tuple[str, tuple[int, int, int], str, str]


def explained(text: str, error: str) -> Explained:
    """Return a problem's word, place, message and hint for the text of a TOMLDecodeError."""
    match = _PLACE.search(error)
    offset = _offset(text, match)
    reason = error[: match.start()] if match else error
    positions = Positions(text)
    if _TWICE.match(reason) and (twice := _twice(text, positions, offset)):
        return twice
    hint = ""
    if offset < len(text):
        if reason.startswith("Invalid value"):
            hint = "strings need quotes; true, false and numbers have none"
    else:
        start = _unfinished(text) if _UNFINISHED.match(reason) else None
        offset = len(text.rstrip()) if start is None else start
    return "syntax", positions.place(offset, offset + 1), f"not TOML: {reason[:1].lower()}{reason[1:]}", hint


def _offset(text: str, match: re.Match[str] | None) -> int:
    if not match or not match[1]:
        return len(text)
    start = 0
    for _ in range(int(match[1]) - 1):
        start = text.find("\n", start) + 1
    return start + int(match[2]) - 1


def _twice(text: str, positions: Positions, offset: int) -> Explained | None:
    """Return what is wrong with the definition that ends at `offset`: there tomllib stops."""
    culprit: Entry | None = None
    found = list(entries(text))
    for entry in found:
        if (
            entry.kind not in ("part", "element")
            and entry.end <= offset
            and (culprit is None or entry.end >= culprit.end)
        ):
            culprit = entry
    if culprit is None:
        return None
    name = ".".join(str(part) for part in culprit.path)
    earlier = [entry for entry in found if entry.key[0] < culprit.key[0]]
    first = next((entry for entry in earlier if entry.path == culprit.path), None)
    if first is None:  # `a = 1` and then `[a.b]`
        first = next((entry for entry in earlier if entry.path == culprit.path[: len(entry.path)]), None)
    line = positions.place(*first.key)[0] if first else 0
    hint = f"line {line} defines it first" if line else ""
    return "duplicate", positions.place(*culprit.key), f"{named(name)} is defined twice", hint


def _unfinished(text: str) -> int | None:
    """Return where the last thing begins that the end of the text cuts off."""
    starts = [entry.value[0] for entry in entries(text) if entry.end >= len(text.rstrip())]
    return max(starts, default=None)
