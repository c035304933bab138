"""`simulate` tells what `cronjobs run` would run, and `cronjobs.testing` costs what it must."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cronjobs.config.load import load
from cronjobs.core.errors import ConfigError
from cronjobs.testing import SimulatedRun, simulate

DEADLINE_SECONDS = 120.0  # for a type checker that has no cache

JOBS = """
[defaults]
timezone = "Europe/Berlin"

[jobs.nightly]
callable = "shop:tidy"
schedule = "30 2 * * *"

[jobs.launch]
callable = "shop:launch"
schedule = "0 */6 * * *"
number_of_executions = 3

[jobs.off]
callable = "shop:tidy"
schedule = "* * * * *"
enabled = false
"""


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def of(job, runs):
    return [(run.scheduled_for, run.execution_number) for run in runs if run.job == job]


def test_limits_and_a_day_without_the_hour_are_in_it():
    runs = simulate(JOBS, at("2027-03-27 12:00"), at("2027-03-29 12:00"))

    assert of("launch", runs) == [
        (at("2027-03-27 17:00"), 1),
        (at("2027-03-27 23:00"), 2),
        (at("2027-03-28 04:00"), 3),
    ]
    # On the 28th there is no 02:30: it runs at 03:00, and the next day at 02:30 again.
    assert of("nightly", runs) == [(at("2027-03-28 01:00"), 1), (at("2027-03-29 00:30"), 2)]
    assert of("off", runs) == []


def test_an_hour_that_comes_twice_runs_once():
    runs = simulate(JOBS, at("2027-10-30 12:00"), at("2027-10-31 12:00"))

    assert of("nightly", runs) == [(at("2027-10-31 00:30"), 1)]


def test_the_start_is_left_out_and_the_end_is_not():
    berlin = ZoneInfo("Europe/Berlin")

    runs = simulate(JOBS, datetime(2027, 1, 1, 6, tzinfo=berlin), datetime(2027, 1, 1, 12, tzinfo=berlin))

    assert runs == [SimulatedRun("launch", at("2027-01-01 11:00"), 1)]
    assert runs[0].scheduled_for.tzinfo is UTC


def test_counts_may_begin_where_they_stand():
    runs = simulate(JOBS, at("2027-01-01"), at("2027-01-03"), executions={"launch": 2})

    assert of("launch", runs) == [(at("2027-01-01 05:00"), 3)]
    with pytest.raises(ValueError, match=r"no job `lunch`; did you mean `launch`\?"):
        simulate(JOBS, at("2027-01-01"), at("2027-01-03"), executions={"lunch": 2})


def test_a_text_a_path_and_what_was_loaded_are_the_same(tmp_path):
    path = tmp_path / "jobs.toml"
    path.write_text(JOBS)
    span = at("2027-01-01"), at("2027-01-02")

    runs = simulate(JOBS, *span)

    assert len(runs) == 4
    assert runs == simulate(path, *span) == simulate(str(path), *span)
    assert runs == simulate(load(str(path), environ={}), *span)
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.toml"]


def test_one_line_is_a_text_too():
    runs = simulate(
        'jobs.a = { callable = "shop:a", schedule = "@daily", timezone = "UTC" }',
        *(at("2027-01-01"), at("2027-01-02")),
    )

    assert runs == [("a", at("2027-01-02"), 1)]


def test_jobs_beside_their_functions_are_found(tmp_path):
    (tmp_path / "shop.py").write_text(
        "from cronjobs import job\n\n\n@job(schedule='@hourly', timezone='UTC')\ndef tidy(): ...\n"
    )
    (tmp_path / "jobs.toml").write_text('[cronjobs]\ndiscover = ["shop"]\n')

    runs = simulate(tmp_path / "jobs.toml", at("2027-01-01"), at("2027-01-01 01:00"))

    assert runs == [("tidy", at("2027-01-01 01:00"), 1)]


def test_a_whole_week_is_all_there():
    start = at("2027-02-01")

    runs = simulate(
        '[jobs.a]\ncallable = "a:a"\nschedule = "*/10 * * * *"\n', start, start + timedelta(days=7)
    )

    assert len(runs) == 7 * 24 * 6
    assert [run.execution_number for run in runs] == list(range(1, len(runs) + 1))


def test_mistakes_are_told_with_their_places():
    with pytest.raises(ConfigError) as caught:
        simulate(
            JOBS.replace("0 */6", "0 */x").replace("enabled", "enabld"), at("2027-01-01"), at("2027-01-02")
        )

    assert any(note.startswith("11:") for note in caught.value.__notes__)
    assert any("did you mean `enabled`?" in note for note in caught.value.__notes__)


def test_a_time_needs_a_zone():
    with pytest.raises(ValueError, match="start has no zone"):
        simulate(JOBS, datetime(2027, 1, 1), at("2027-01-02"))
    with pytest.raises(ValueError, match="end has no zone"):
        simulate(JOBS, at("2027-01-01"), datetime(2027, 1, 2))


def test_a_time_that_ends_before_it_begins_has_no_runs():
    assert simulate(JOBS, at("2027-01-02"), at("2027-01-01")) == []


def imported(program):
    show = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {show}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_tests_of_jobs_need_no_command_line_and_no_store():
    names = imported("import cronjobs.testing")

    assert {name.split(".")[0] for name in names} & {"click", "sqlalchemy", "sqlite3", "pytest"} == set()


def test_the_package_does_without_it():
    assert "cronjobs.testing" not in imported(
        "import cronjobs; cronjobs.job; cronjobs.workflow; cronjobs.step"
    )


USERS_OWN = """
from collections.abc import Iterator
from datetime import UTC, datetime

from cronjobs import Container
from cronjobs.testing import FakeClock, JobRun, Workflows, run_job, run_job_async, simulate


def count(size: int) -> int:
    return size


async def greet(container: Container) -> str:
    return "hello"


def database() -> Iterator[int]:
    yield 1


def test() -> None:
    done = run_job(count, args={"size": 1}, services={"a": 1}, factories={"b": database})
    number: int = done.result
    text: str = run_job(greet, clock=FakeClock(), workflows=Workflows(), should_stop=lambda: True).result
    same: JobRun[str] = run_job(greet)
    for run in simulate("jobs.toml", datetime.now(UTC), datetime.now(UTC)):
        print(run.job, run.scheduled_for.isoformat(), number, text, same)


async def test_async() -> None:
    text: str = (await run_job_async(greet)).result
    number: int = (await run_job_async(count, args={"size": 1})).result
    print(text, number)
"""


def test_users_tests_pass_mypy_and_their_mistakes_do_not(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "good.py").write_text(USERS_OWN)
    (tmp_path / "bad.py").write_text(
        "from cronjobs.testing import run_job\n\n\ndef f() -> int:\n    return 1\n\n\n"
        "text: str = run_job(f).result\nrun_job(f, service={})\n"
    )
    options = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--follow-imports=silent"]

    # Processes of their own: mypy changes the recursion limit of the one it runs in.
    good, bad = (
        subprocess.run(
            [sys.executable, "-m", "mypy", *options, str(tmp_path / name)],
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        for name in ("good.py", "bad.py")
    )

    assert good.returncode == 0, good.stdout
    assert "bad.py:8: error: Incompatible types in assignment" in bad.stdout
    assert "bad.py:9: error:" in bad.stdout
