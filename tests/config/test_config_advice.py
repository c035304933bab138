"""Warnings about a file without mistakes: what is said, and where."""

import re
from datetime import UTC, datetime
from inspect import cleandoc
from pathlib import Path

import pytest
from work import calls_of

import cronjobs
from cronjobs.config.advice import advice
from cronjobs.config.load import read
from cronjobs.config.problems import CODES, located

NOW = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp())
A_JOB = '[jobs.a]\ncallable = "shop:tidy"\n'


@pytest.fixture
def warnings(tmp_path):
    """Return a function that gives the warnings about a text as `line:column code message`."""

    def warnings(text, *, environ=None):
        path = tmp_path / "jobs.toml"
        path.write_text(cleandoc(text) + "\n")
        loaded = read(str(path), environ={"TZ": "UTC", **(environ or {})})
        assert loaded.problems == ()
        return [
            f"{at.line}:{at.column}-{at.end_column} {at.code} {at.message}"
            for at in located(loaded.source, advice(loaded, now=NOW))
        ]

    return warnings


def test_every_code_of_a_lint_is_a_warnings():
    core = Path(cronjobs.__file__).parent / "core" / "schedule" / "lints.py"
    codes = set(re.findall(r'Lint\(\s*"([a-z-]+)"', core.read_text()))

    assert len(codes) >= 12
    assert {CODES[code].code[0] for code in codes} == {"W"}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('schedule = "0 3 * * *"', []),
        ('schedule = "0 0 0 1 1 * 2020"', ["3:25-29 W101 the schedule no longer fires"]),
        ('schedule = "0 0 1 * mon"', ["3:21-24 W102"]),
        ('schedule = "0 0 */2 * mon"', ["3:17-20 W104", "3:23-26 W103"]),
        ('schedule = "0 3 * * *"\ntimezone = "Europe/Berlin"', []),
        ('schedule = "30 2 * * *"\ntimezone = "Europe/Berlin"', ["3:16-17 W108", "3:16-17 W109"]),
        (
            'schedule = "30 2 * * *"\ntimezone = "Europe/Berlin"\nends_at = 2027-05-01',
            ["3:16-17 W108 2027-03-28 02:30 will not exist"],
        ),
        (
            'schedule = "30 2 * * *"\ntimezone = "Europe/Berlin"\nstarts_at = 2027-05-01',
            ["3:16-17 W108 2028-03-26 02:30 and 2029-03-25 02:30 will", "3:16-17 W109 2027-10-31"],
        ),
        ('schedule = "30 2 * * *"\ntimezone = "Europe/Berlin"\nexclude = ["* * * * sun"]', []),
        ('schedule = ["0 3 * * *", "*/7 * * * *"]', ['3:27-30 W104 minute "*/7" is uneven']),
        ('schedule = "*/70 * * * *"', ['3:13-17 W105 minute "*/70" steps beyond the field']),
        ('schedule = "0 0 31 * *"', ["3:17-19 W106"]),
        ('schedule = "0 0 29 2 *"', ["3:17-19 W107"]),
        ('schedule = "0 0-23 * * *"', ["3:15-19 W110"]),
        ('schedule = "${WHEN}"', ["3:13-20 W104"]),
        ('schedule = "* * * * *"\ntimeout = "60s"', []),
        ('schedule = "* * * * *"\ntimeout = "61s"', ["3:13-22 W112 a run may take 61 s, but the next is"]),
        ('schedule = "* * * * *"\ntimeout = "5m"', ["3:13-22 W111 it is due every 60 s, 5 times within"]),
        ('schedule = "* * * * *"\ntimeout = "5m"\nconcurrency = "allow"', []),
        ('schedule = ["0 3 * * *", "30 3 * * *"]\ntimeout = "1h"', ["3:12-39 W112"]),
        ('schedule = "@every 10s"\ntimeout = "1m"', ["3:13-23 W111"]),
        ('schedule = "0 3 * * *"\nends_at = 2026-11-22', ["4:11-21 W113 the job will not be due again"]),
        ('schedule = "0 3 * * *"\nends_at = 2026-11-24T02:00:00', ["4:11-30 W113"]),
        ('schedule = "0 3 * * *"\nends_at = 2026-11-24T03:00:00', []),
        ('schedule = "0 3 * * *"\nexclude = ["* 3 * * *"]', ["4:11-24 W113"]),
        ('schedule = "@reboot"\nexclude = ["2026-11-23"]', []),
        ('schedule = "@reboot"\nends_at = 2026-11-22', ["4:11-21 W113"]),
        ('schedule = "0 3 * * *"\nkill_after = "10s"', []),
        ('schedule = "0 3 * * *"\nkill_after = "20s"', ["4:15-18 W201 stopping the scheduler may take 35 s"]),
    ],
)  # fmt: skip
def test_a_warning_has_its_place(warnings, keys, expected):
    found = warnings(A_JOB + keys, environ={"WHEN": "*/7 * * * *"})

    assert len(found) == len(expected), found
    assert all(message.startswith(start) for message, start in zip(found, expected, strict=True)), found


def test_what_the_defaults_say_is_warned_of_once(warnings):
    jobs = "".join(f'[jobs.{name}]\ncallable = "shop:tidy"\nschedule = "0 3 * * *"\n' for name in "abc")

    found = warnings(f'{jobs}[defaults]\nkill_after = "1m"')

    assert [problem[:18] for problem in found] == ["11:15-17 W201 stop"]


def test_a_longer_grace_is_what_was_asked_for(warnings):
    assert warnings(f'[cronjobs]\ngrace = "60s"\n{A_JOB}schedule = "0 3 * * *"') == []


def test_a_file_that_is_none_gets_no_advice(tmp_path):
    loaded = read(str(tmp_path / "none.toml"), environ={})

    assert advice(loaded, now=NOW) == []


def test_thousands_of_jobs_are_not_much_work_each(tmp_path):
    path = tmp_path / "jobs.toml"
    path.write_text(
        "".join(
            f'[jobs.a{each}]\ncallable = "shop:tidy"\nschedule = "{each % 60} 2 * * 1-5"\n'
            'timezone = "Europe/Berlin"\ntimeout = "10m"\n'
            for each in range(3000)
        )
    )
    loaded = read(str(path), environ={})

    assert calls_of(lambda: advice(loaded, now=NOW)) < 3000 * 1000
