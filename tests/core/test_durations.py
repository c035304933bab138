import pytest

from cronjobs.core.durations import format_duration, parse_duration

MEANINGS = [
    ("250ms", 0.25),
    ("0s", 0),
    ("30s", 30),
    ("10m", 600),
    ("2h", 7200),
    ("1d", 86400),
    ("1h30m", 5400),
    ("1d2h3m4s5ms", 93784.005),
    ("90m", 5400),
    ("007s", 7),
    ("36525d", 3155760000),
]


@pytest.mark.parametrize(("text", "seconds"), MEANINGS)
def test_a_duration_is_read_as_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("30", "no unit"),
        ("s", "whole number is expected at `s`"),
        ("-5s", "whole number is expected at `-5s`"),
        ("1.5h", "fractions"),
        ("1,5h", "fractions"),
        ("30 s", "unknown unit ` s`"),
        (" 30s", "whole number is expected"),
        ("30s ", "unknown unit `s `"),
        ("30S", "unknown unit `S`"),
        ("1w", "unknown unit `w`"),
        ("30seconds", "unknown unit `seconds`"),
        ("30m1h", "larger units come first"),
        ("1h1h", "larger units come first"),
        ("1h30", "no unit"),
        ("٣s", "whole number is expected"),
        ("36526d", "100 years"),
        ("9" * 5000 + "s", "100 years"),
        ("1s" * 500_000, "out of place"),
    ],
)
def test_what_is_no_duration_is_refused_with_its_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.25, "250ms"),
        (30.0, "30s"),
        (5400, "1h30m"),
        (86461, "1d1m1s"),
        (-90, "-1m30s"),
    ],
)
def test_a_duration_is_written_in_its_shortest_form(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("text", "seconds"), MEANINGS)
def test_what_is_written_is_read_as_the_same_duration(text, seconds):
    assert parse_duration(format_duration(seconds)) == seconds
