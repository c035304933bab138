"""Durations as people write them: `250ms`, `30s`, `1h30m`."""

# In the order in which a compound is written.
_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DIGITS = "0123456789"
_LONGEST_MILLISECONDS = 36_525 * _MILLISECONDS["d"]


def parse_duration(text: str) -> float:
    """Return the seconds that `text` means; ValueError says what is wrong with it.

    Whole numbers, each followed by one of `d h m s ms`, the larger unit first, no unit twice, no
    spaces: a typing mistake should not quietly become another duration.
    """
    if not text:
        raise ValueError("an empty text is no duration")
    units = list(_MILLISECONDS)
    total = 0
    rest = text
    while rest:
        number, unit, rest = _first_part(rest)
        if unit not in _MILLISECONDS:
            raise ValueError(f"unknown unit `{unit[:20]}`; units are d, h, m, s and ms")
        if unit not in units:
            raise ValueError(f"`{unit}` is out of place: larger units come first, and each one once")
        del units[: units.index(unit) + 1]
        # A dozen digits are enough for a century of milliseconds, and int() refuses thousands of them.
        if len(number) > 13 or (total := total + int(number) * _MILLISECONDS[unit]) > _LONGEST_MILLISECONDS:
            raise ValueError("longer than 100 years")
    return total / 1000


def format_duration(seconds: float) -> str:
    """Return the shortest text that parse_duration reads as `seconds`, rounded to milliseconds."""
    rest = round(abs(seconds) * 1000)
    sign = "-" if seconds < 0 and rest else ""
    parts = []
    for unit, size in _MILLISECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts) if parts else "0s"


def _first_part(text: str) -> tuple[str, str, str]:
    """Return the number, the unit and what follows them, as text."""
    after_number = len(text) - len(text.lstrip(_DIGITS))
    if after_number == 0:
        raise ValueError(f"a whole number is expected at `{text[:20]}`")
    tail = text[after_number:]
    if not tail:
        raise ValueError(f"the number {text[:20]} has no unit; units are d, h, m, s and ms")
    if tail[0] in ".,":
        raise ValueError("fractions are not understood; write 1h30m for 1.5h")
    unit = tail
    for index, character in enumerate(tail):
        if character in _DIGITS:
            unit = tail[:index]
            break
    return text[:after_number], unit, tail[len(unit) :]
