"""`next` computes what `simulate` has the scheduler do: the two must agree, whatever a file says."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import tomli_w
from click.testing import CliRunner
from factories import DAY, HOUR, MEMORY
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import texts

from cronjobs.cli.main import Surroundings, group
from cronjobs.core.schedule import ScheduleError, parse_schedule

TIMES = float(os.environ.get("CRONJOBS_EXAMPLES", "1"))
# The days around clock changes of the zones, and one without.
STARTS = [
    int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    for day in ("2027-03-27", "2027-10-30", "2026-11-24", "2027-03-13", "2027-02-27")
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
SPECIAL = ["@hourly", "@every 7h", "@every 100m", "@reboot", "H H(0-5) * * *", "RRULE:FREQ=HOURLY;INTERVAL=3"]


def is_possible(text):
    try:
        parse_schedule(text)
    except ScheduleError:
        return False
    return True


# Minutes are single ones: a day of seconds is a long day to simulate.
sparse = st.tuples(st.integers(0, 59), texts(most_fields=5)).map(
    lambda drawn: " ".join([str(drawn[0]), *drawn[1].split()[1:]])
)
schedules = st.lists(sparse.filter(is_possible) | st.sampled_from(SPECIAL), min_size=1, max_size=3)
exclusions = st.lists(
    st.sampled_from(["2027-03-28", "2027-10-31..2027-11-02", "* 2 * * *", "calendar:off", "0-30 * * * *"]),
    max_size=2,
)


@st.composite
def jobs(draw, start):
    job = {
        "callable": "shop:tidy",
        "schedule": draw(schedules),
        "timezone": draw(st.sampled_from(ZONES)),
        "exclude": draw(exclusions),
        # Rules that count need a beginning.
        "starts_at": datetime.fromtimestamp(start + draw(st.integers(-2 * DAY, DAY)), UTC),
    }
    if draw(st.booleans()):
        job["ends_at"] = job["starts_at"].replace(year=2028)
    if draw(st.booleans()):
        job["number_of_executions"] = draw(st.integers(1, 6))
    if draw(st.integers(0, 4)) == 0:
        job["enabled"] = False
    return job


@st.composite
def cases(draw):
    start = draw(st.sampled_from(STARTS)) + draw(st.integers(0, DAY))
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    return start, {
        "jobs": {name: draw(jobs(start)) for name in names},
        "calendars": {"off": ["* 12 * * *", "2027-03-14"]},
    }


def told(file, *words):
    surroundings = Surroundings(as_json=True)
    done = CliRunner().invoke(
        group, ["-f", str(file), *words, "--json"], obj=surroundings, standalone_mode=False
    )
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


@pytest.mark.parametrize("begins", ["0", "5"])
@settings(max_examples=int(25 * TIMES), deadline=None)
@given(case=cases())
def test_next_and_simulate_agree(case, begins):
    start, document = case
    span = [
        *("--from", datetime.fromtimestamp(start, UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{begins}Z")),
        *("--until", datetime.fromtimestamp(start + DAY + 3 * HOUR, UTC).isoformat()),
    ]
    with TemporaryDirectory(dir=MEMORY) as directory:
        file = Path(directory) / "jobs.toml"
        file.write_text(tomli_w.dumps(document))

        assert told(file, "simulate", *span) == told(file, "next", "--count", "100000", *span)
