"""Reading the file: bytes -> text -> what TOML says, with every way in which that fails put into words."""

import re
import tomllib
from typing import Any

from cronjobs.config.problems import DEEPEST, Source, problem
from cronjobs.core.errors import ConfigError

LIMIT_BYTES = 16 * 1024 * 1024

_FIRST = (1, 1, 2)  # the place of a mistake that has none

# Patterns as text: compiling takes a millisecond that few files need.
_LONG_KEY = (
    rf"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}"""
)
_HUGE_NUMBER = r"(?<![0-9_])[0-9](?:_?[0-9]){1000}"
_TOO_DEEP = f"nested more than {DEEPEST} levels deep"
_NO_FILE = "`-f FILE` names another one; without it, ./jobs.toml is read"


def read_source(file: str) -> Source:
    """Return the text of the file; ConfigError if it cannot be read or is not UTF-8."""
    source = Source(file, "")
    try:
        with open(file, "rb") as stream:
            data = stream.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise _unusable(source, "missing_file", f"there is no file {file}", hint=_NO_FILE) from None
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        reason = getattr(exc, "strerror", None) or str(exc)
        raise _unusable(source, "unreadable", f"{file} cannot be read: {reason}") from None
    if len(data) > LIMIT_BYTES:
        message = f"{file} is larger than {LIMIT_BYTES // 1024 // 1024} MiB"
        raise _unusable(source, "unreadable", message)
    try:
        text = data.decode("utf-8-sig")  # Windows editors begin a file with a byte order mark
    except UnicodeDecodeError as exc:
        raise _not_utf8(source, exc) from None
    return Source(file, text.replace("\r\n", "\n"))


def parse(source: Source) -> dict[str, Any]:
    """Return what the text says; ConfigError with one problem if it is not TOML."""
    # tomllib needs memory by the square of a dotted key's length: 200 kB of `a.a.a` would take all there is.
    if source.text.count(".") >= DEEPEST and (long_key := re.search(_LONG_KEY, source.text)):
        raise _at(source, long_key.start(), "deep", _TOO_DEEP)
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as exc:
        from cronjobs.config.syntax import explained  # late: only a broken file needs it

        word, place, message, hint = explained(source.text, str(exc))
        # Whether tomllib gets this far into a deep nest depends on the recursion limit of this process.
        deep = _too_deep(source)
        if deep and deep < place:
            raise _unusable(source, "deep", _TOO_DEEP, place=deep) from None
        raise _unusable(source, word, message, hint=hint, place=place) from None
    except RecursionError:
        raise _unusable(source, "deep", _TOO_DEEP, place=_too_deep(source) or _FIRST) from None
    except ValueError:  # int() refuses thousands of digits
        number = re.search(_HUGE_NUMBER, source.text)
        offset = number.start() if number else 0
        raise _at(source, offset, "syntax", "a number of thousands of digits") from None


def _not_utf8(source: Source, exc: UnicodeDecodeError) -> ConfigError:
    data, offset = exc.object, exc.start  # without the byte order mark
    line_start = data.rfind(b"\n", 0, offset) + 1
    line = data.count(b"\n", 0, offset) + 1
    column = len(data[line_start:offset].decode()) + 1
    message = f"the byte 0x{data[offset]:02x} is not UTF-8"
    hint = "save the file as UTF-8"
    return _unusable(source, "encoding", message, hint=hint, place=(line, column, column + 1))


def _too_deep(source: Source) -> tuple[int, int, int] | None:
    """Return the place of the first value that is nested too deep."""
    from cronjobs.config.positions import Positions, entries  # late: as above

    offset = next((entry.value[0] for entry in entries(source.text) if entry.kind == "too deep"), None)
    return None if offset is None else Positions(source.text).place(offset, offset + 1)


def _at(source: Source, offset: int, word: str, message: str) -> ConfigError:
    from cronjobs.config.positions import Positions  # late: as above

    return _unusable(source, word, message, place=Positions(source.text).place(offset, offset + 1))


def _unusable(
    source: Source, word: str, message: str, *, hint: str = "", place: tuple[int, int, int] = _FIRST
) -> ConfigError:
    return ConfigError(message, hint=hint, problems=[problem(source, word, place, message, hint)])
