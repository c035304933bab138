"""The keys that say when a job is due: what they become, and where their mistakes are."""

from datetime import datetime
from inspect import cleandoc

import pytest

from cronjobs.config.load import load, read
from cronjobs.core.job import Job

A_JOB = 'callable = "shop.jobs:tidy"\n'


@pytest.fixture
def job(tmp_path):
    """Return a function that reads the keys of a job, and more of the file."""

    def job(keys, more="", *, environ=None):
        path = tmp_path / "jobs.toml"
        if "schedule" not in keys:
            keys += '\nschedule = "0 9 * * *"'
        path.write_text(f"[jobs.tidy]\n{A_JOB}{cleandoc(keys)}\n{cleandoc(more)}\n")
        return load(str(path), environ={"TZ": "UTC", **(environ or {})}).jobs["tidy"]

    return job


@pytest.fixture
def problems(tmp_path):
    """Return a function that gives the problems of a text as `line:column-end_column code message | hint`."""

    def problems(text):
        path = tmp_path / "jobs.toml"
        path.write_text(cleandoc(text) + "\n")
        return [
            f"{at.line}:{at.column}-{at.end_column} {at.code} {at.message}"
            + (f" | {at.hint}" if at.hint else "")
            for at in read(str(path), environ={"TZ": "UTC"}).problems
        ]

    return problems


def instant(written):
    return int(datetime.fromisoformat(written).timestamp())


# What the keys become.


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ('"0 3 * * *"', ("0 3 * * *",)),
        ('["0 3 * * *"]', ("0 3 * * *",)),
        ('["0 3 * * *", "@reboot", "@every 90m", "RRULE:FREQ=DAILY"]',) * 2,
        ('["${WHEN}", "H H * * *"]', ("1 2 3 * *", "H H * * *")),
    ],
)
def test_a_schedule_is_one_text_or_several(job, written, texts):
    if isinstance(texts, str):
        texts = tuple(eval(texts))

    assert job(f"schedule = {written}", environ={"WHEN": "1 2 3 * *"}).schedule == texts


@pytest.mark.parametrize(
    ("key", "written", "expected"),
    [
        ("starts_at", "2026-12-24T18:00:00Z", "2026-12-24T18:00:00+00:00"),
        ("starts_at", "2026-12-24T18:00:00-05:00", "2026-12-24T23:00:00+00:00"),
        ("starts_at", "2026-12-24T18:00:00", "2026-12-24T17:00:00+00:00"),
        ("starts_at", "2026-07-24 18:00:00", "2026-07-24T16:00:00+00:00"),
        ("starts_at", "2026-12-24", "2026-12-23T23:00:00+00:00"),
        ("starts_at", "2026-12-24T18:00:00.5", "2026-12-24T17:00:01+00:00"),
        ("starts_at", '"2026-12-24T18:00"', "2026-12-24T17:00:00+00:00"),
        ("starts_at", '"2026-12-24T18:00Z"', "2026-12-24T18:00:00+00:00"),
        ("starts_at", '"2026-12-24"', "2026-12-23T23:00:00+00:00"),
        ("ends_at", "2026-12-24T18:00:00", "2026-12-24T17:00:00+00:00"),
        ("ends_at", "2026-12-24T18:00:00.5", "2026-12-24T17:00:00+00:00"),
        ("ends_at", "2026-12-24", "2026-12-24T22:59:59+00:00"),
        ("ends_at", '"2026-10-25"', "2026-10-25T22:59:59+00:00"),
        ("ends_at", '"${LAST}"', "2026-12-24T17:00:00+00:00"),
    ],
)
def test_a_bound_without_an_offset_is_meant_in_the_jobs_zone_and_a_date_is_a_whole_day(
    job, key, written, expected
):
    found = job(f'{key} = {written}\ntimezone = "Europe/Berlin"', environ={"LAST": "2026-12-24T18:00"})

    assert getattr(found, key) == instant(expected)


def test_calendars_are_written_out_where_they_are_named(job):
    found = job(
        'exclude = ["* 12 * * *", "calendar:holidays", 2026-05-01, "2026-12-24..2026-12-26"]',
        """
        [calendars]
        holidays = [2026-12-25, "* * 1 1 *"]
        """,
    )

    assert found.exclude == (
        *("* 12 * * *", "2026-12-25", "* * 1 1 *"),
        *("2026-05-01", "2026-12-24..2026-12-26"),
    )


def test_defaults_are_bounds_exclusions_and_a_dialect_too(job):
    found = job(
        'timezone = "Asia/Tokyo"',
        """
        [defaults]
        starts_at = 2026-01-01
        ends_at = 2026-12-31
        exclude = ["calendar:holidays"]
        dialect = "croniter"
        [calendars]
        holidays = ["2026-12-25"]
        """,
    )

    assert (found.starts_at, found.ends_at) == (
        instant("2025-12-31T15:00:00+00:00"),
        instant("2026-12-31T14:59:59+00:00"),
    )
    assert (found.exclude, found.dialect) == (("2026-12-25",), "croniter")


def test_an_own_exclusion_takes_the_place_of_the_default(job):
    assert job("exclude = []", '[defaults]\nexclude = ["2026-12-25"]').exclude == ()


def test_the_dialect_reads_what_is_none_here(job):
    assert job('schedule = "0 22-4 * * *"\ndialect = "croniter"').dialect == "croniter"


def test_a_rule_may_begin_where_the_job_does(job):
    keys = 'schedule = "RRULE:FREQ=DAILY;INTERVAL=2"\nstarts_at = 2026-01-01T09:00:00Z'

    assert job(keys).starts_at == instant("2026-01-01T09:00:00+00:00")


def test_the_seed_may_be_empty_and_come_from_the_environment(tmp_path):
    path = tmp_path / "jobs.toml"
    path.write_text(f'[cronjobs]\nhash_seed = "${{HOST:-}}"\n[jobs.a]\n{A_JOB}schedule = "H * * * *"\n')

    assert load(str(path), environ={}).settings.hash_seed == ""
    assert load(str(path), environ={"HOST": "web-1"}).settings.hash_seed == "web-1"


# What is wrong with them.


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('schedule = ["0 3 * * *", "61 * * * *"]', "3:27-29 E102 minute 61 is out of range 0-59"),
        ('schedule = [\n  "0 3 * * *",\n  "0 3 * * 9",\n]', "5:12-13 E102 day-of-week 9"),
        ('schedule = ["0 3 * * *", 5]', "3:26-27 E203 `schedule` must be a cron expression"),
        ('schedule = ["0 3 * * *", ""]', "3:27-28 E204 `schedule` is empty"),
        ("schedule = []", "3:12-14 E203 `schedule` is an empty array"),
        ('schedule = ["@dayly"]', "3:14-20 E108"),
        ('schedule = "@every 1.5h"', "3:20-24 E205"),
        ('schedule = "@every"', "3:13-19 E205"),
        ('schedule = "@reboot now"', "3:21-24 E108"),
        ('schedule = "RRULE:FREQ=DAILY;INTERVAL=2"', "3:"),
        ('schedule = "61 * * * *"\ndialect = "croniter"', "3:13-15 E115 croniter refuses the text"),
        ('dialect = "quartz"', '4:12-18 E204 `dialect` must be "cronjobs" or "croniter", not "quartz"'),
        ('starts_at = "soon"', '4:14-18 E210 "soon" is no time | write it like'),
        ("starts_at = 5", "4:13-14 E203 `starts_at` must be a date, or a date and time"),
        ("starts_at = 18:00:00", "4:13-21 E203"),
        ("ends_at = 9999-12-31", "4:11-21 E210"),
        ("starts_at = 2026-12-25\nends_at = 2026-12-24", "5:11-21 E211 `ends_at` comes before `starts_at`"),
        ('exclude = ["2026-13-01"]', "4:13-23 E116"),
        ('exclude = ["2026-12-24", "61 * * * *"]', "4:27-29 E102"),
        ('exclude = ["2026-12-26..2026-12-24"]', "4:13-35 E107"),
        ('exclude = ["calendar:holydays"]', '4:22-30 E117 there is no calendar "holydays" | did you mean'),
        ('exclude = "calendar:holydays"', "4:21-29 E117"),
        ("exclude = [5]", "4:12-13 E203"),
        ("exclude = 5", "4:11-12 E203"),
        ('exclude = ["@reboot"]', "4:13-20 E108"),
        ('start_date = "2026-12-24"', "4:1-11 E201 unknown key `start_date` | did you mean `starts_at`?"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_inside_an_array_too(problems, keys, problem):
    schedule = "" if "schedule" in keys else 'schedule = "0 9 * * *"\n'

    found = problems(f"[jobs.a]\n{A_JOB}{schedule}{keys}\n[calendars]\nholidays = [2026-12-25]")

    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('a = ["2026-13-01"]', "5:7-17 E116"),
        ('a = ["2026-12-24", "* * *"]', "5:25-26 E101"),
        ('a = ["2026-12-24"]\nb = ["calendar:a"]', '6:7-17 E117 calendar "b" names a calendar itself'),
        ("a = 5", "5:5-6 E203 `a` must be an array of days"),
        ('a = ["${NOPE}"]', "5:7-14 E207"),
    ],
)
def test_a_mistake_in_a_calendar_is_told_once_and_where_it_is(problems, table, problem):
    found = problems(f'[jobs.x]\n{A_JOB}schedule = "@daily"\n[calendars]\n{table}')

    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_mistake_in_the_defaults_is_told_once(problems):
    jobs = "".join(f'[jobs.{name}]\n{A_JOB}schedule = "@daily"\n' for name in "abc")

    found = problems(f'{jobs}[defaults]\nexclude = ["calendar:none"]')

    assert len(found) == 1
    assert found[0].startswith('11:22-26 E117 there is no calendar "none" | define `none = [...]`')


def test_whether_a_hash_ever_fires_is_asked_in_the_name_of_each_job(problems):
    found = problems("\n".join(f'[jobs.job{each}]\n{A_JOB}schedule = "0 0 31 H *"' for each in range(20)))

    assert 0 < len(found) < 20
    assert {problem.split()[1] for problem in found} == {"E113"}


# What state files hold of it.


def test_the_form_of_a_job_that_uses_none_of_these_keys_is_what_it_always_was():
    job = Job("tidy", "shop.jobs:tidy", ("0 0 * * *",), "UTC")

    assert job.form == "0 0 * * *|UTC|enabled"
    assert job._replace(enabled=False).form == "0 0 * * *|UTC|disabled"


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": ("0 0 * * *", "0 1 * * *")},
        {"timezone": "Europe/Berlin"},
        {"starts_at": 0},
        {"ends_at": 0},
        {"exclude": ("2026-12-25",)},
        {"dialect": "croniter"},
        {"enabled": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_the_occurrences_changes_the_form(change):
    job = Job("tidy", "shop.jobs:tidy", ("0 0 * * *",), "UTC")

    assert job._replace(**change).form != job.form


def test_what_a_calendar_says_is_part_of_the_form(job):
    forms = {
        job('exclude = ["calendar:off"]', f"[calendars]\noff = [{day}]").form
        for day in ("2026-12-24", "2026-12-25")
    }

    assert len(forms) == 2
