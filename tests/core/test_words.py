"""Instants, durations and tables, as people read them."""

import pytest
from factories import DAY, HOUR, MINUTE, NOON

from cronjobs.core.words import aligned, from_now, local_text, rough_duration


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        (NOON, "UTC", "2026-11-23 12:00:00+00:00"),
        (NOON, "Europe/Berlin", "2026-11-23 13:00:00+01:00"),
        (NOON, "America/St_Johns", "2026-11-23 08:30:00-03:30"),
        (NOON + 0.9, "UTC", "2026-11-23 12:00:00+00:00"),
        (1_792_886_400, "Europe/Berlin", "2026-10-25 02:00:00+02:00"),  # a repeated hour,
        (1_792_890_000, "Europe/Berlin", "2026-10-25 02:00:00+01:00"),  # told apart by its offset
    ],
)
def test_an_instant_is_written_in_a_zone_with_its_offset(instant, zone, text):
    assert local_text(instant, zone) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (0.4, "now"),
        (-0.4, "now"),
        (1, "in 1 s"),
        (5 * MINUTE, "in 5 min"),
        (90 * MINUTE, "in 1 h 30 min"),
        (-2 * HOUR, "2 h ago"),
        (-DAY - HOUR - MINUTE, "1 d 1 h ago"),
        (59.6, "in 1 min"),
    ],
)
def test_a_distance_in_time_is_told_from_now(seconds, text):
    assert from_now(NOON + seconds, NOON) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (0.0123, "0.0123 s"),
        (9.876, "9.88 s"),
        (10, "10 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3599, "59 min 59 s"),
        (HOUR, "1 h"),
        (HOUR + 59, "1 h"),
        (HOUR + 30 * MINUTE, "1 h 30 min"),
        (DAY, "1 d"),
        (25 * HOUR + 5 * MINUTE, "1 d 1 h"),
        (400 * DAY, "400 d"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, text):
    assert rough_duration(seconds) == text


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("JOB", "NEXT RUN", ""), ("tidy", "now", "2/3"), ("reconcile", "in 5 min", "")]

    assert list(aligned(rows, indent="  ")) == [
        "  JOB        NEXT RUN",
        "  tidy       now       2/3",
        "  reconcile  in 5 min",
    ]


def test_a_table_without_rows_has_no_lines():
    assert list(aligned([])) == []
