"""Wall time and instants: a zone as stretches of one UTC offset, and what a clock change means to a schedule.

Instants are UTC seconds. zoneinfo is asked for offsets only; where they change is found here, by bisection,
a year or so at a time and once in a process.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import Kind
from cronjobs.core.suggest import quoted

LONGEST_BRIDGED_JUMP_SECONDS = 3 * 3600

# 388 days: long enough to be left rarely, short enough to be loaded while somebody waits.
_BLOCK_BITS = 25
# No zone has kept an offset for less than 6 days since 1970: with this stride no change is missed.
_STRIDE_SECONDS = 3 * 86400
# Nor for less than 4 months after 2087, where the last list of changes ends and a yearly rule goes on.
_BY_RULE = 4102444800  # 2100-01-01
_STRIDE_BY_RULE_SECONDS = 30 * 86400


class Period(NamedTuple):
    """A stretch of instants with one offset: wall time is the instant plus `offset`.

    start: its first instant.
    first: the first instant at which a schedule may fire: later than `start` where a fixed schedule meets
        wall times that it has met before.
    end: the instant after its last.
    skipped_seconds: how much wall time was jumped over at `start` and is owed one fire there.
    """

    start: int
    first: int
    end: int
    offset: int
    skipped_seconds: int


class Timeline:
    """A zone's periods as schedules of one kind see them.

    wildcard: every instant counts, and what was skipped is gone.
    fixed: a wall time that comes twice counts the first time; what was skipped fires once, right after the
        jump. A jump of more than three hours in either direction is a new clock: nothing of this holds.
    """

    __slots__ = ("_blocks", "_kind", "_offset_at")

    def __init__(self, offset_at: Callable[[int], int], kind: Kind) -> None:
        self._offset_at = offset_at
        self._kind = kind
        self._blocks: dict[int, tuple[Period, ...]] = {}

    def period(self, instant: int) -> Period:
        """Return the period of an instant. A period may also end without a change, where a block does."""
        block = instant >> _BLOCK_BITS
        periods = self._blocks.get(block)
        if periods is None:
            periods = self._blocks[block] = tuple(self._load(block))
        for period in periods:
            if instant < period.end:
                break
        return period

    def _load(self, block: int) -> Iterator[Period]:
        block_start, block_end = block << _BLOCK_BITS, (block + 1) << _BLOCK_BITS
        # A change just before the block still decides about its first hours.
        start = block_start - LONGEST_BRIDGED_JUMP_SECONDS
        offset, step = self._offset_at(start), 0
        for change, new_offset in _changes(self._offset_at, start, block_end):
            if change > block_start:
                yield self._period(start, change, offset, step, block_start)
            start, offset, step = change, new_offset, new_offset - offset
        yield self._period(start, block_end, offset, step, block_start)

    def _period(self, start: int, end: int, offset: int, step: int, block_start: int) -> Period:
        """step: by how much the clock was put forward at `start`, which may lie before the block."""
        if self._kind == "wildcard" or abs(step) > LONGEST_BRIDGED_JUMP_SECONDS:
            step = 0
        first = max(start - min(step, 0), block_start)
        skipped_seconds = max(step, 0) if start >= block_start else 0
        return Period(max(start, block_start), first, end, offset, skipped_seconds)


@cache
def timeline(zone: str, kind: Kind) -> Timeline:
    """Return the timeline of a zone, a key of zoneinfo. A ScheduleError says why there is none."""
    return Timeline(_offsets(zone), kind)


# The timelines of all kinds share what is found in a zone.
@cache
def _changes(offset_at: Callable[[int], int], start: int, end: int) -> list[tuple[int, int]]:
    """Return every instant after `start` and before `end` whose offset is new, with the offset; in order."""
    stride = _STRIDE_SECONDS if start < _BY_RULE else _STRIDE_BY_RULE_SECONDS
    changes = []
    offset = offset_at(start)
    while start < end - 1:
        probe = min(start + stride, end - 1)
        if offset_at(probe) == offset:
            start = probe
            continue
        unchanged, changed = start, probe
        while changed - unchanged > 1:
            middle = (unchanged + changed) // 2
            if offset_at(middle) == offset:
                unchanged = middle
            else:
                changed = middle
        start, offset = changed, offset_at(changed)
        changes.append((start, offset))
    return changes


@cache
def _offsets(zone: str) -> Callable[[int], int]:
    """Return the function from an instant to the zone's offset then, in seconds east of UTC."""
    # Known without data: a container that has none can still run jobs in UTC.
    if zone == "UTC":
        return lambda instant: 0
    from datetime import datetime, timedelta  # late: a file whose jobs are all in UTC needs neither
    from zoneinfo import ZoneInfo

    try:
        rules = ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise _no_such_zone(zone) from None

    def offset_at(instant: int) -> int:
        offset = datetime.fromtimestamp(instant, rules).utcoffset() or timedelta()
        return offset.days * 86400 + offset.seconds

    return offset_at


def _no_such_zone(zone: str) -> ScheduleError:
    from zoneinfo import ZoneInfo  # late: as above

    try:
        ZoneInfo.no_cache("UTC")
    except LookupError:
        message = f"no data for zone {quoted(zone)}, nor for any other: pip install tzdata"
        return ScheduleError(message, code="zone", hint="pip install tzdata")
    hint = "use an IANA name such as Europe/Berlin, or UTC"
    return ScheduleError(f"zone {quoted(zone)} is unknown", code="zone", hint=hint)
