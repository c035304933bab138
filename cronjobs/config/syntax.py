"""What `tomllib` says of a broken text, in a user's words and with the place of the culprit."""

import re

from cronjobs.config.positions import Positions, entries
from cronjobs.core.suggest import named

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TWICE = re.compile(r"Cannot (?:overwrite|declare|mutate)|Duplicate inline table key")
_UNFINISHED_STRING = re.compile(r"""Unterminated string|Expected (?:"'''"|'\"\"\"')""")

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
    if offset >= len(text):
        offset = _unfinished(text, reason)
    elif reason.startswith("Invalid value"):
        hint = "strings need quotes; true, false and numbers have none"
    elif reason.startswith("Unescaped") and text[offset - 2] == "\\":
        offset -= 2  # tomllib stops behind it
        hint = "a backslash is written `\\\\`, or the string in single quotes"
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
    found = list(entries(text))
    ended = [entry for entry in found if entry.end <= offset and entry.kind not in ("part", "element")]
    culprit = max(ended, key=lambda entry: entry.end, default=None)
    if culprit is None:
        return None
    name = ".".join(str(part) for part in culprit.path)
    earlier = [
        entry
        for entry in found
        if entry.key[0] < culprit.key[0] and entry.path == culprit.path[: len(entry.path)]
    ]
    # The longest path is the nearest: `a.b` before `a`, where `[a.b.c]` is in the way.
    first = max(earlier, key=lambda entry: len(entry.path), default=None)
    line = positions.place(*first.key)[0] if first else 0
    hint = f"line {line} defines it first" if line else ""
    return "duplicate", positions.place(*culprit.key), f"{named(name)} is defined twice", hint


def _unfinished(text: str, reason: str) -> int:
    """Return where the thing begins that the end of the text cuts off, else where the text ends."""
    end = len(text.rstrip())
    starts = [entry.value[0] for entry in entries(text) if entry.end >= end]
    if reason.startswith("Unclosed"):
        starts = [start for start in starts if text[start] in "[{"]
    elif not _UNFINISHED_STRING.match(reason):
        starts = []
    return max(starts, default=end)
