"""What a command imports: who only looks waits for no more than he needs."""

import subprocess
import sys

import pytest
from commands import environment

PROBE = """
import sys
from cronjobs.__main__ import main
sys.argv = ["cronjobs", *sys.argv[1:]]
code = main()
print(code, *sys.modules, file=sys.stderr)
"""
HEAVY = {"asyncio", "croniter", "dateutil", "sqlite3", "tomli_w", "logging", "subprocess", "ctypes"}
SCHEDULER = {"cronjobs.engine", "cronjobs.executors", "cronjobs.observers", "cronjobs.processes"}


def imported(place, *words):
    """Return the modules that a command has imported when it ends well."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words],
        cwd=place.directory,
        env=environment({}),
        capture_output=True,
        text=True,
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0"
    return set(modules)


def test_the_version_needs_no_click(place):
    assert imported(place, "--version") & {"click", "re", "typing", *HEAVY} == set()


def test_the_help_needs_no_command(place):
    modules = imported(place, "--help")

    assert modules & HEAVY == set()
    assert [name for name in modules if name.startswith("cronjobs.cli.")] == ["cronjobs.cli.main"]


@pytest.mark.parametrize(
    "words", [["next"], ["next", "--json"], ["status"], ["status", "--json"], ["history"]]
)
def test_who_looks_without_a_state_file_needs_nothing_heavy(place, words):
    assert imported(place, *words) & (HEAVY | SCHEDULER) == set()


def test_validate_needs_nothing_heavy(place):
    assert imported(place, "validate") & (HEAVY - {"ctypes"}) == set()


def test_a_time_in_iso_8601_needs_no_dateutil(place):
    assert "dateutil" not in imported(place, "next", "--from", "2027-01-04T00:00")
    assert "dateutil" in imported(place, "next", "--from", "4 January 2027")


def test_what_reads_the_file_is_gone_when_the_scheduler_runs(place):
    place.define('[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\nenabled = false\n')

    modules = imported(place, "run", "--exit-when-done")

    assert "cronjobs.engine.scheduler" in modules
    assert {"click", "tomllib", "cronjobs.cli.main", "cronjobs.config"} & modules == set()


@pytest.mark.parametrize("words", [["next"], ["status"], ["history"]])
def test_a_state_file_needs_sqlite_and_nothing_else_that_is_heavy(place, words):
    place.type("trigger", "greet")

    assert imported(place, *words) & HEAVY == {"sqlite3"}


def test_jobs_in_utc_need_no_zone_data(place):
    place.define('[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\ntimezone = "UTC"\n')

    assert "zoneinfo" not in imported(place, "next")
    assert "zoneinfo" not in imported(place, "status")
