"""Instants, durations and tables, as people read them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def local_text(instant: float, zone: str) -> str:
    """Return an instant in a zone, with its offset: `2026-11-24 15:04:05+01:00`."""
    return datetime.fromtimestamp(int(instant), zone_rules(zone)).isoformat(" ")


def zone_rules(zone: str) -> tzinfo:
    """Return what datetime needs of a zone, a key of zoneinfo."""
    # Known without data: a container that has none can still say when a job in UTC runs.
    if zone == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # late: a file whose jobs are all in UTC needs none

    return ZoneInfo(zone)


def from_now(instant: float, now: float) -> str:
    """Return how far off an instant is: `in 5 min`, `2 h ago`, `now`."""
    seconds = round(instant - now)
    if seconds == 0:
        return "now"
    words = rough_duration(abs(seconds))
    return f"in {words}" if seconds > 0 else f"{words} ago"


def rough_duration(seconds: float) -> str:
    """Return a duration in its two largest units: `1 h 30 min`, `0.25 s`."""
    if seconds < 10:
        return f"{seconds:.3g} s"
    whole = int(seconds)
    for place, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            words = f"{whole // size} {unit}"
            if size == 1:
                return words
            smaller, smaller_unit = _UNITS[place + 1]
            rest = whole % size // smaller
            return f"{words} {rest} {smaller_unit}" if rest else words
    return "0 s"


def aligned(rows: Iterable[Sequence[str]], *, indent: str = "") -> Iterator[str]:
    """Yield rows of a table as lines, each column as wide as its widest cell.

    rows: is gone through twice, so that a table of thousands of rows need never be there as a whole.
    """
    widths: list[int] = []
    for row in rows:
        widths = list(map(max, map(len, row), widths or [0] * len(row)))
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield (indent + "  ".join(cells)).rstrip()
