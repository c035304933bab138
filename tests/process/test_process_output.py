"""What runs write, however much and whatever it is, and a log that nobody reads."""

import os
import signal

import pytest
from harness import Scheduler, peak_memory_bytes, wait_until

MEGABYTE = 1 << 20
BOUND_BYTES = 150 * MEGABYTE

WORK = """
import os, sys, time
from notebook import NOTES, note

MEGABYTE = 1 << 20

def writes_long_line():
    for _ in range(50):
        os.write(1, b"x" * MEGABYTE)
    os.write(1, b"\\n")
    note("long line")

def floods():
    line = b"y" * 1023 + b"\\n"
    for _ in range(20 * MEGABYTE // 1024):
        os.write(1, line)
    note("flood")

def writes_oddities():
    os.write(1, b"invalid \\xff\\xfe\\n")
    os.write(1, b"a nul \\0 here\\n")
    print("surrogate \\udc80")
    print("caf\\u00e9")
    os.write(1, b"\\r\\n")
    os.write(2, b"no end")

def ticks():
    print("tick")
    note("tick")
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("name", ["writes_long_line", "floods"])
def test_a_flood_of_output_blocks_no_job_and_fills_no_memory(site, name, isolation):
    site.define(
        {name: {"number_of_executions": 1, "isolation": isolation}, "ticks": {"concurrency": "allow"}},
        work=WORK,
    )
    scheduler = site.start()

    # Not from the log: a reader that is too slow for a flood does not get all of it.
    site.wait_for_row(name, "succeeded", seconds=60)

    wait_until(lambda: site.notes().count("tick") >= 2, "its sibling has run twice")
    peak = peak_memory_bytes(scheduler.pid)
    assert scheduler.stop() == 0
    assert {row["state"] for row in site.history("ticks")} == {"succeeded"}
    assert peak < BOUND_BYTES
    assert scheduler.unreadable == []


def test_whatever_a_job_writes_is_logged_as_text(site):
    site.define({"writes_oddities": {"number_of_executions": 1}}, work=WORK)

    scheduler = site.run_until_done()

    assert scheduler.output("writes_oddities") == [
        "invalid \\xff\\xfe",
        "a nul \0 here",
        "surrogate \\udc80",
        "café",
        "",
    ]
    assert scheduler.output("writes_oddities", "stderr") == ["no end"]


def test_jobs_run_though_the_reader_of_the_log_is_gone(site):
    site.define({"ticks": {}}, work=WORK)
    reading, writing = os.pipe()
    scheduler = site.start(stdout=writing)
    os.close(writing)
    os.close(reading)

    wait_until(lambda: len(site.notes()) >= 3, "the job has run three times")

    assert scheduler.stop() == 0
    assert {row["state"] for row in site.history()} == {"succeeded"}


def test_jobs_run_though_nobody_reads_the_log(site):
    site.define({"floods": {}, "ticks": {}}, work=WORK)
    reading, writing = os.pipe()
    try:
        scheduler = site.start(stdout=writing)
        os.close(writing)

        wait_until(lambda: site.notes().count("flood") >= 2, "the flood has come twice", seconds=60)
        wait_until(lambda: site.notes().count("tick") >= 2, "its sibling has run")
        peak = peak_memory_bytes(scheduler.pid)

        assert scheduler.stop() == 0
        assert peak < BOUND_BYTES
    finally:
        os.close(reading)


def test_a_log_whose_reader_falls_behind_is_json_to_the_last_line_and_says_what_is_missing(site):
    site.define({"floods": {"number_of_executions": 1}}, work=WORK)
    reading, writing = os.pipe()
    scheduler = site.start(stdout=writing)
    os.close(writing)
    site.wait_for_row("floods", "succeeded", seconds=60)
    # From here on it is read, so that what was kept comes, and what comes after it.
    late = Scheduler(scheduler.process, reading, site.directory / "stderr-0")
    scheduler.signal(signal.SIGTERM)

    code = late.wait()

    os.close(reading)
    assert code == 0
    assert late.unreadable == []
    assert late.logged("stopped")
    assert "dropped" in " ".join(line["message"] for line in late.events if line["event"] != "output")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_scheduler_started_without_standard_descriptors_runs_and_ends_as_any_other(site, closed):
    site.define({"ticks": {}}, work=WORK)
    scheduler = site.start(under=["sh", "-c", f'exec "$@" {closed}', "sh"])
    wait_until(lambda: len(site.notes()) >= 2, "the job has run twice")

    code = scheduler.stop()

    assert code == 0
    assert {row["state"] for row in site.history()} == {"succeeded"}


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_trigger_started_without_standard_descriptors_runs_and_records(site, closed):
    site.define({"ticks": {}}, work=WORK)

    answer = site.command("trigger", "ticks", under=["sh", "-c", f'exec "$@" {closed}', "sh"])

    assert answer.returncode == 0, answer.stderr
    assert site.notes() == ["tick"]
    assert [row["state"] for row in site.history()] == ["succeeded"]
