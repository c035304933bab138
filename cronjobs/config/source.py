"""Reading the file: bytes -> text -> what TOML says, with every way in which that fails put into words."""

import re
import tomllib
from typing import Any

from cronjobs.config.problems import DEEPEST, Source, problem
from cronjobs.core.errors import ConfigError

LIMIT_BYTES = 16 * 1024 * 1024

_FIRST = (1, 1, 2)  # the place of a mistake that has none

# tomllib needs memory by the square of a dotted key's length: 200 kB of `a.a.a` would take all there is.
_LONG_KEY = re.compile(
    rf"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}"""
)


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
        raise _not_utf8(source, data, exc.start) from None
    return Source(file, text.replace("\r\n", "\n"))


def parse(source: Source) -> dict[str, Any]:
    """Return what the text says; ConfigError with one problem if it is not TOML."""
    if long_key := _LONG_KEY.search(source.text):
        raise _too_deep(source, long_key.start())
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as exc:
        from cronjobs.config.syntax import explained  # late: only a broken file needs it

        word, place, message, hint = explained(source.text, str(exc))
        raise _unusable(source, word, message, hint=hint, place=place) from None
    except RecursionError:
        raise _too_deep(source, None) from None
    except ValueError as exc:  # a number of thousands of digits
        raise _unusable(source, "syntax", f"not TOML: {exc}") from None


_NO_FILE = "`cronjobs init` writes one to start from; `-f FILE` names another"


def _not_utf8(source: Source, data: bytes, offset: int) -> ConfigError:
    line_start = data.rfind(b"\n", 0, offset) + 1
    line = data.count(b"\n", 0, offset) + 1
    column = len(data[line_start:offset].decode("utf-8-sig")) + 1
    message = f"the byte 0x{data[offset]:02x} is not UTF-8"
    hint = "save the file as UTF-8"
    return _unusable(source, "encoding", message, hint=hint, place=(line, column, column + 1))


def _too_deep(source: Source, offset: int | None) -> ConfigError:
    from cronjobs.config.positions import Positions, entries  # late: as above

    if offset is None:
        offset = next((entry.value[0] for entry in entries(source.text) if entry.kind == "too deep"), 0)
    place = Positions(source.text).place(offset, offset + 1)
    return _unusable(source, "deep", f"nested more than {DEEPEST} levels deep", place=place)


def _unusable(
    source: Source, word: str, message: str, *, hint: str = "", place: tuple[int, int, int] = _FIRST
) -> ConfigError:
    return ConfigError(message, hint=hint, problems=[problem(source, word, place, message, hint)])
