import pytest

from cronjobs.config.zone import is_zone, known_zones, machine_zone, no_zone, zone_of_surroundings


@pytest.mark.parametrize(
    ("link", "text", "zone"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", "Asia/Tokyo\n", "Europe/Berlin"),
        ("../usr/share/zoneinfo/America/Argentina/Ushuaia", None, "America/Argentina/Ushuaia"),
        ("/var/db/timezone/zoneinfo/posix/Asia/Tokyo", None, "Asia/Tokyo"),
        (None, "Asia/Tokyo\n", "Asia/Tokyo"),
        ("/somewhere/else", "Asia/Tokyo\n", "Asia/Tokyo"),
        (None, None, ""),
    ],
)
def test_the_machines_zone_is_what_the_link_says_else_the_text(tmp_path, link, text, zone):
    if link is not None:
        (tmp_path / "localtime").symlink_to(link)
    if text is not None:
        (tmp_path / "timezone").write_text(text)

    found = machine_zone(localtime=str(tmp_path / "localtime"), timezone=str(tmp_path / "timezone"))

    assert found == zone


def test_a_link_to_a_link_is_followed(tmp_path):
    (tmp_path / "zoneinfo" / "Asia").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Asia" / "Tokyo").write_text("")
    (tmp_path / "between").symlink_to(tmp_path / "zoneinfo" / "Asia" / "Tokyo")
    (tmp_path / "localtime").symlink_to("between")

    assert machine_zone(localtime=str(tmp_path / "localtime"), timezone="/nowhere") == "Asia/Tokyo"


def test_a_copy_of_the_zones_data_does_not_tell_its_name(tmp_path):
    (tmp_path / "localtime").write_bytes(b"TZif2")

    assert machine_zone(localtime=str(tmp_path / "localtime"), timezone="/nowhere") == ""


def test_a_broken_text_of_the_zone_says_nothing(tmp_path):
    (tmp_path / "timezone").write_bytes(b"\xff\xfe")

    assert machine_zone(localtime="/nowhere", timezone=str(tmp_path / "timezone")) == ""


@pytest.mark.parametrize("environ", [{}, {"TZ": ":/etc/localtime"}, {"TZ": "/etc/localtime"}])
def test_without_a_zone_in_the_environment_the_machines_counts(environ):
    assert zone_of_surroundings(environ) == (machine_zone() or "UTC")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("UTC", True),
        ("Europe/Berlin", True),
        ("Etc/GMT+5", True),
        ("Europe", False),
        ("Mars/Base", False),
        ("CET-1CEST", False),
        ("", False),
        ("/etc/localtime", False),
        ("../zoneinfo/UTC", False),
        ("a\0b", False),
        ("\udcff", False),
        ("x" * 5000, False),
        ("tzdata.zi", False),
    ],
)
def test_a_zone_is_what_zoneinfo_can_read(key, expected):
    assert is_zone(key) is expected


def test_the_known_zones_are_zones():
    zones = known_zones()

    assert "Europe/Berlin" in zones
    assert not any(zone.startswith(("posix/", "right/")) for zone in zones)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("Berlin", "did you mean `Europe/Berlin`?"),
        ("new york", "did you mean `America/New_York`?"),
        ("Amerika/New_York", "did you mean `America/New_York`?"),
        ("Europe/Berlim", "did you mean `Europe/Berlin`?"),
        ("utc", "did you mean `UTC`?"),
        # None is like these: MST, EST and UTC are hours away.
        ("PST", "use an IANA name such as Europe/Berlin, or UTC"),
        ("CEST", "use an IANA name such as Europe/Berlin, or UTC"),
        ("UTC+2", "use an IANA name such as Europe/Berlin, or UTC"),
        ("Mars", "use an IANA name such as Europe/Berlin, or UTC"),
        ("", "use an IANA name such as Europe/Berlin, or UTC"),
    ],
)
def test_a_zone_that_is_none_is_told_the_one_that_is_meant(key, hint):
    assert no_zone(key) == (f'there is no time zone "{key}"', hint)
