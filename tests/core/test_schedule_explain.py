"""Schedules in plain words."""

import pytest

from cronjobs.core.schedule import describe


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("* * * * *", "every minute"),
        ("*/1 * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0-59/5 0-23 * * *", "every 5 minutes"),
        ("*/5 * * * 1-5", "every 5 minutes from Monday to Friday"),
        ("0 * * * *", "every hour"),
        ("@hourly", "every hour"),
        ("0 */6 * * *", "every 6 hours"),
        ("0 3 * * *", "at 03:00"),
        ("@daily", "at 00:00"),
        ("5 4 3 * * *", "at 03:04:05"),
        ("30 8,20 * * *", "at 08:30 and 20:30"),
        ("0,30 8 * * sat,sun", "at 08:00 and 08:30 on Sunday and Saturday"),
        ("0 3 * * mon,wed,fri", "at 03:00 on Monday, Wednesday and Friday"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@monthly", "at 00:00 on day 1 of the month"),
        ("30 4 */31 * *", "at 04:30 on day 1 of the month"),
    ],
)
def test_a_simple_schedule_has_words(text, words):
    assert describe(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "*/7 * * * *",
        "0 */5 * * *",
        "5-59/5 * * * *",
        "*/5 9-17 * * *",
        "15 * * * *",
        "30 * * * * *",
        "0 0-3 * * *",
        "0 0 1 1 *",
        "0 0 1,15 * *",
        "0 0 1 * mon",
        "0 0 * * 1-4",
        "@yearly",
        "0 0 30 2 *",
        "no schedule",
        "",
    ],
)
def test_any_other_text_speaks_for_itself(text):
    assert describe(text) == text
