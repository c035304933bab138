"""The reference of schedules says what is so: each of its examples is run."""

import re
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from cronjobs.config.load import load
from cronjobs.core.schedule import ScheduleError, meaning, parse_schedule

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.splitlines()
    if line[:3] == "| `"
]
MEANINGS = [row for row in ROWS if len(row) == 2]
FIRES = [row for row in ROWS if len(row) == 4]
REFUSALS = [row for row in ROWS if len(row) == 3]


def text_of(cell):
    return cell.removeprefix("`").removesuffix("`")


def instant(written):
    return int(datetime.fromisoformat(written).timestamp())


def test_the_page_has_examples_of_every_kind():
    assert (len(MEANINGS), len(FIRES), len(REFUSALS)) == (29, 4, 12)


@pytest.mark.parametrize(("text", "words"), MEANINGS, ids=lambda cell: cell[:20])
def test_it_means_what_the_page_says(text, words):
    assert meaning(text_of(text)).words == words


@pytest.mark.parametrize(("text", "zone", "after", "fires"), FIRES, ids=lambda cell: cell[:20])
def test_it_fires_when_the_page_says(text, zone, after, fires):
    schedule = parse_schedule(text_of(text), zone)
    expected = [instant(fire) for fire in fires.split(", ")]

    found = islice(schedule.between(instant(after), instant("2199-01-01T00:00Z")), len(expected))

    assert list(found) == expected


@pytest.mark.parametrize(("text", "code", "message"), REFUSALS, ids=lambda cell: cell[:20])
def test_it_is_refused_as_the_page_says(text, code, message):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(text_of(text))

    assert (refusal.value.code, str(refusal.value)) == (text_of(code), message)


def test_the_file_on_the_page_is_one(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "jobs.toml"
    path.write_text(block)

    jobs = load(str(path), environ={}).jobs

    assert jobs["report"].starts_at == instant("2026-11-30T23:00:00Z")
    assert jobs["report"].ends_at == int(datetime(2027, 11, 30, 17, tzinfo=UTC).timestamp())
    assert jobs["report"].exclude[:3] == ("2026-12-25", "2026-12-26", "* * 1 1 *")
    assert jobs["from-elsewhere"].dialect == "croniter"
