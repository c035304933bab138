"""Which time zones there are, and which one this machine is in."""

import os
from collections.abc import Iterable, Mapping


def is_zone(key: str) -> bool:
    """Return whether `key` names a zone that can be read here; UTC always does."""
    if key == "UTC":
        return True
    from zoneinfo import ZoneInfo  # late: a file whose jobs are all in UTC needs no zone data

    try:
        ZoneInfo(key)
    # A directory's name, a path that leads outside, a file that holds no zone: zoneinfo reports each
    # in its own way (ZoneInfoNotFoundError is a KeyError).
    except (KeyError, ValueError, OSError):
        return False
    return True


def zone_of_surroundings(environ: Mapping[str, str]) -> str:
    """Return the zone that `TZ` names, good or not, else the machine's, else UTC."""
    named = environ.get("TZ", "/etc/localtime").removeprefix(":")
    if named != "/etc/localtime":
        return _key(named) or "UTC"  # an empty TZ is UTC: date(1) reads it so
    zone = machine_zone()
    return zone if zone and is_zone(zone) else "UTC"


def machine_zone(*, localtime: str = "/etc/localtime", timezone: str = "/etc/timezone") -> str:
    """Return the zone's key that the machine is set to, or "" where it does not say."""
    try:
        link = os.readlink(localtime)
    except OSError:
        link = ""  # missing, or a copy of the zone's data, which does not tell its name
    for target in (link, os.path.realpath(localtime) if link else ""):
        if "zoneinfo/" in target:
            return _key(target)
    try:
        with open(timezone, encoding="utf-8") as file:
            return _key(file.readline(256).strip())
    except (OSError, ValueError):
        return ""


def known_zones() -> set[str]:
    """Return every zone's key that this machine has data for; empty where it has none."""
    from zoneinfo import available_timezones  # late: it walks the whole database

    return available_timezones()


def no_zone(key: str) -> tuple[str, str]:
    """Return what is said of a key that names no zone: message and hint."""
    from cronjobs.core.suggest import did_you_mean, quoted  # late: only a mistake needs it

    zones = known_zones()
    if not zones:
        return f"{quoted(key)} cannot be looked up: this machine has no time zone data", "pip install tzdata"
    message = f"there is no time zone {quoted(key)}"
    # An abbreviation or an offset is like others that are hours away.
    is_like_none = key.isupper() and "/" not in key
    meant = _with_place(key, zones) or ("" if is_like_none else did_you_mean(key, zones))
    return message, meant or "use an IANA name such as Europe/Berlin, or UTC"


def _with_place(key: str, zones: Iterable[str]) -> str:
    """Return the suggestion for "Berlin" or "new york", whose region is missing or wrong."""
    place = key.rpartition("/")[2].replace(" ", "_").lower()
    found = [zone for zone in zones if zone.rpartition("/")[2].lower() == place]
    # `UTC` before `Etc/UTC`, and `America/Louisville` before the same in Kentucky.
    shortest = min(found, key=lambda zone: (zone.count("/"), zone), default="")
    return f"did you mean `{shortest}`?" if shortest else ""


def _key(text: str) -> str:
    """Return the zone's key in `text`, which may be a path into the zone database."""
    key = text.rpartition("zoneinfo/")[2].removeprefix("posix/").removeprefix("right/")
    # What container images are set to; as plain UTC it needs no zone data, nor the time to load it.
    return "UTC" if key == "Etc/UTC" else key
