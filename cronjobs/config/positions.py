"""Where keys and values stand in a TOML text, which `tomllib` does not tell.

A second, forgiving reader: it finds structure, does not check it, and always comes to an end. What
it does not find gets the place of the nearest thing around it.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple

from cronjobs.config.problems import DEEPEST, KeyPath

_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*'""")
_BLANKS = re.compile(r"[ \t]*")
_BLANKS_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*+")
_STRING = re.compile(
    r'''
      """(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?  # it may end in quotes of its own
    | \'\'\'(?:[^']|'(?!\'\'))*+(?:'{3,5})?
    | "(?:[^"\\\n]|\\[^\n])*+"?
    | '[^'\n]*'?
    ''',
    re.VERBOSE | re.DOTALL,
)
_SCALAR = re.compile(r"[^\s,\[\]{}#=]+(?: \d[^\s,\[\]{}#=]*)?")  # a date may have a blank before its time
_TERM = re.compile(r"[^\s,]+")

Span = tuple[int, int]
Kind = Literal["table", "array of tables", "pair", "inline pair", "element", "part", "too deep"]


class Entry(NamedTuple):
    """A key (or an array's element) as written.

    value: of a string its content, of a table's header all of it. end: of the value, quotes and
    brackets included; of a header, of its key.
    """

    path: KeyPath
    key: Span
    value: Span
    end: int
    kind: Kind


class Positions:
    """The places of one text, found at the first question."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._entries: dict[KeyPath, Entry] = {}
        for entry in entries(text):
            known = self._entries.get(entry.path)
            # `[jobs.a]` says where `jobs` is only until `[jobs]` or `jobs = ...` itself comes.
            if known is None or (known.kind == "part" and entry.kind != "part"):
                self._entries[entry.path] = entry

    def span(self, path: KeyPath, *, at: Literal["key", "value"] = "value", column: int = 0) -> Span:
        """Return where the key or the value at `path` stands, as offsets; else what is nearest to it.

        column: 1-based, a character of the string that the value is: the span is then that of the term
        that begins there; 0 means the value as a whole.
        """
        entry = self._entries.get(path)
        if entry is None:
            return self.span(path[:-1]) if path else (0, 1)
        if at == "key":
            return entry.key
        return self._term(entry, column) if column else entry.value

    def place(self, start: int, end: int) -> tuple[int, int, int]:
        """Return line, column and end column of a span, which ends with its first line at the latest."""
        line = bisect_right(self._line_starts, start)
        line_start = self._line_starts[line - 1]
        line_end = self.text.find("\n", start)
        end = min(end, len(self.text) if line_end < 0 else line_end)
        return line, start - line_start + 1, max(end, start + 1) - line_start + 1

    def _term(self, entry: Entry, column: int) -> Span:
        start, end = entry.value
        before = self.text[start : start + column - 1]
        # Behind an escape or the end of a line the string's columns are not the file's.
        if len(before) < column - 1 or "\\" in before or "\n" in before:
            return entry.value
        term = _TERM.match(self.text, start + column - 1, end)
        return (start + column - 1, term.end() if term else start + column)


def entries(text: str) -> Iterator[Entry]:
    """Yield what a TOML text defines, a pair after what it holds; also twice, also if the text is broken."""
    return _Scanner(text).entries()


class _Open:
    """An array or inline table whose end has not come yet."""

    def __init__(self, path: KeyPath, key: Span, start: int, kind: Kind, *, is_array: bool) -> None:
        self.path = path
        self.key = key
        self.start = start
        self.kind = kind
        self.is_array = is_array
        self.count = 0

    def closed(self, end: int) -> Entry:
        return Entry(self.path, self.key, (self.start, end), end, self.kind)


class _Scanner:
    """Where the reader stands: `position` only moves forward, and with every statement it does."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.table: KeyPath = ()  # the last header's
        self.lengths: dict[KeyPath, int] = {}  # of the arrays of tables so far

    def entries(self) -> Iterator[Entry]:
        while self._skip(_BLANKS_AND_COMMENTS) < len(self.text):
            yield from self._header() if self._at("[") else self._statement()
            # Whatever else the line holds is no structure.
            newline = self.text.find("\n", self.position)
            self.position = len(self.text) if newline < 0 else newline + 1

    def _header(self) -> Iterator[Entry]:
        start = self.position
        brackets = 2 if self._at("[[") else 1
        self.position += brackets
        parts = self._key()
        path: KeyPath = ()
        for name, span in parts[:-1]:
            path += (name,)
            yield Entry(path, span, span, span[1], "part")
            if path in self.lengths:
                path += (self.lengths[path] - 1,)
        if not parts:
            return
        name, key = parts[-1]
        path += (name,)
        end = self.position
        whole = (start, end + brackets if self._at("]") else key[1])
        if len(parts) > DEEPEST:
            yield Entry(path, key, key, end, "too deep")
        elif brackets == 1:
            yield Entry(path, key, whole, end, "table")
        else:
            yield Entry(path, key, whole, end, "array of tables")
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path += (self.lengths[path] - 1,)
            yield Entry(path, key, whole, end, "element")
        self.table = path

    def _statement(self) -> Iterator[Entry]:
        """Yield a pair and all that its value holds."""
        holders: list[_Open] = []
        yield from self._pair(self.table, "pair", holders)
        while holders and self._skip(_BLANKS_AND_COMMENTS) < len(self.text):
            holder = holders[-1]
            if self._at("]") or self._at("}"):
                self.position += 1
                yield holders.pop().closed(self.position)
            elif self._at(","):
                self.position += 1
            elif holder.is_array:
                path = (*holder.path, holder.count)
                holder.count += 1
                yield from self._value(path, (self.position, self.position), "element", holders)
            else:
                yield from self._pair(holder.path, "inline pair", holders)
        yield from self._abandoned(holders)

    def _abandoned(self, holders: list[_Open]) -> Iterator[Entry]:
        while holders:
            yield holders.pop().closed(self.position)

    def _pair(self, table: KeyPath, kind: Kind, holders: list[_Open]) -> Iterator[Entry]:
        parts = self._key()
        for count, (name, key) in enumerate(parts, start=1):
            table += (name,)
            if count < len(parts):
                yield Entry(table, key, key, key[1], "part")
            elif count > DEEPEST:
                yield Entry(table, key, key, key[1], "too deep")
            elif self._at("="):
                self.position += 1
                self._skip(_BLANKS)
                yield from self._value(table, key, kind, holders)
        if not parts and holders:
            self.position += 1

    def _value(self, path: KeyPath, key: Span, kind: Kind, holders: list[_Open]) -> Iterator[Entry]:
        start = self.position
        if self._at("[") or self._at("{"):
            self.position += 1
            if len(holders) < DEEPEST:
                holders.append(_Open(path, key, start, kind, is_array=self.text[start] == "["))
            else:
                yield Entry(path, key, (start, start + 1), start + 1, "too deep")
                yield from self._abandoned(holders)
        elif match := _STRING.match(self.text, start) or _SCALAR.match(self.text, start):
            self.position = match.end()
            yield Entry(path, key, _content(match[0], start), match.end(), kind)
        elif holders:
            self.position += 1

    def _key(self) -> list[tuple[str, Span]]:
        """Return the parts of a dotted key, at most one more than DEEPEST of them."""
        parts: list[tuple[str, Span]] = []
        self._skip(_BLANKS)
        while len(parts) <= DEEPEST and (match := _KEY_PART.match(self.text, self.position)):
            parts.append((_unquoted(match[0]), match.span()))
            self.position = match.end()
            self._skip(_BLANKS)
            if not self._at("."):
                break
            self.position += 1
            self._skip(_BLANKS)
        return parts

    def _at(self, characters: str) -> bool:
        return self.text.startswith(characters, self.position)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.position)
        self.position = match.end() if match else self.position
        return self.position


def _content(written: str, start: int) -> Span:
    """Return the span of what stands between the quotes, if there are any."""
    end = start + len(written)
    for quotes in ('"""', "'''", '"', "'"):
        if written.startswith(quotes):
            start += len(quotes)
            if len(quotes) == 3 and written.startswith("\n", 3):
                start += 1  # TOML drops it
            return start, max(start, end - len(quotes) if written.endswith(quotes) else end)
    return start, end


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        name: str = tomllib.loads(f"name = {part}")["name"]
    except tomllib.TOMLDecodeError:
        return part
    return name
