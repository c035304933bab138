"""What runs write, from bytes to lines."""

LINE_BYTES = 16_384  # a longer line comes in pieces, so that one of 50 MB needs no 50 MB here


class Lines:
    """Cuts a stream into lines of text, whatever the bytes are."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LINE_BYTES:
            cut = _cut(self._rest)
            lines.append(self._rest[:cut])
            self._rest = self._rest[cut:]
        return [piece for line in lines for piece in _pieces(line)]

    def end(self) -> list[str]:
        """Return the last line, if it was not ended."""
        rest, self._rest = self._rest, b""
        return _pieces(rest) if rest else []


def _pieces(line: bytes) -> list[str]:
    pieces = []
    while len(line) > LINE_BYTES:
        cut = _cut(line)
        pieces.append(_text(line[:cut]))
        line = line[cut:]
    return [*pieces, _text(line)]


def _cut(line: bytes) -> int:
    """Return where a line that is too long is cut: not within a character of UTF-8."""
    cut = LINE_BYTES
    while cut > LINE_BYTES - 3 and line[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
