"""A job by hand, beside a scheduler or without one, and counts that are set back."""

import signal
import time

import pytest
from harness import is_running, wait_until

NEVER = "0 0 0 29 2 *"

WORK = """
import os, sys, time
from notebook import NOTES, note

def succeeds():
    print("to the one")
    print("to the other", file=sys.stderr)
    note("ran")

def fails():
    sys.exit(7)

def raises():
    raise ValueError("no beans")

def waits_for_a_word():
    note("begun", os.getpid())
    while "end" not in open(NOTES).read().split():
        time.sleep(0.01)

def writes_on_and_on():
    note("begun", os.getpid())
    for number in range(200):
        print(number)
        time.sleep(0.01)
    note("written")

def ticks():
    note("tick")
"""


@pytest.fixture
def by_hand(site):
    """A site whose jobs are due in some February only."""
    names = ["succeeds", "fails", "raises", "waits_for_a_word", "writes_on_and_on"]
    site.define({name: {"schedule": NEVER} for name in names}, work=WORK)
    return site


@pytest.mark.parametrize(
    ("name", "code", "state", "exit_code"),
    [
        ("succeeds", 0, "succeeded", 0),
        ("fails", 1, "failed", 7),
        ("raises", 1, "failed", 1),
    ],
)
@pytest.mark.parametrize("is_scheduled", [False, True], ids=["alone", "beside a scheduler"])
def test_a_trigger_answers_with_how_its_run_ended_and_records_it(
    by_hand, is_scheduled, name, code, state, exit_code
):
    if is_scheduled:
        by_hand.start().wait_for("next_run")

    answer = by_hand.command("trigger", name)

    assert answer.returncode == code, answer.stderr
    (row,) = by_hand.history()
    assert (row["trigger"], row["state"], row["exit_code"]) == ("manual", state, exit_code)
    assert row["id"].endswith("~1")
    assert by_hand.executions()[name] == 0


def test_a_trigger_passes_output_on_where_it_was_written(by_hand):
    answer = by_hand.command("trigger", "succeeds")

    assert (answer.stdout, answer.stderr) == ("to the one\n", "to the other\n")


def test_a_trigger_is_refused_while_a_run_that_forbids_others_is_not_finished(by_hand):
    first = by_hand.popen("trigger", "waits_for_a_word")
    with first:
        wait_until(by_hand.notes, "the first run has begun")

        second = by_hand.command("trigger", "waits_for_a_word")

        (by_hand.directory / "notes").write_text("end\n")
        first.communicate(timeout=60)
    assert second.returncode == 6
    assert "forbid" in second.stderr
    assert first.returncode == 0
    assert [row["state"] for row in by_hand.history()] == ["succeeded"]


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_trigger_that_is_told_to_end_ends_its_run_and_records_it(by_hand, signum, code):
    with by_hand.popen("trigger", "waits_for_a_word") as trigger:
        wait_until(by_hand.notes, "the run has begun")

        trigger.send_signal(signum)
        trigger.communicate(timeout=60)

    assert trigger.returncode == code
    assert [(row["state"], row["reason"]) for row in by_hand.history()] == [("cancelled", "user")]
    assert by_hand.processes() == []


def test_a_trigger_whose_output_nobody_reads_any_more_still_runs_to_the_end_and_records(by_hand):
    with by_hand.popen("trigger", "writes_on_and_on") as trigger:
        trigger.stdout.readline()

        trigger.stdout.close()
        trigger.wait(60)

    assert by_hand.notes()[-1] == "written"
    assert [row["state"] for row in by_hand.history()] == ["succeeded"]


def test_a_killed_trigger_blocks_no_later_occurrence(site):
    site.define({"waits_for_a_word": {"schedule": NEVER}, "other": {"callable": "work:ticks"}}, work=WORK)
    with site.popen("trigger", "waits_for_a_word") as trigger:
        wait_until(site.notes, "the run has begun")
        trigger.kill()
    run = int(site.notes()[0].split()[1])
    site.define({"waits_for_a_word": {}}, work=WORK)

    scheduler = site.start()

    scheduler.wait_for("run_started", job="waits_for_a_word")
    wait_until(lambda: not is_running(run), "the run of the killed trigger has ended")
    first = site.history()[0]
    assert (first["state"], first["trigger"]) == ("lost", "manual")


def test_a_trigger_that_is_killed_beside_a_scheduler_blocks_no_later_occurrence(site):
    # Due every second: the one triggered by hand keeps its occurrences from starting.
    site.define({"waits_for_a_word": {"schedule": NEVER}}, work=WORK)
    with site.popen("trigger", "waits_for_a_word") as trigger:
        wait_until(site.notes, "the run has begun")
        site.define({"waits_for_a_word": {}}, work=WORK)
        scheduler = site.start()
        scheduler.wait_for("run_skipped", reason="overlap")

        trigger.kill()

    scheduler.wait_for("run_started", job="waits_for_a_word")
    first = site.history()[0]
    assert (first["state"], first["trigger"]) == ("lost", "manual")
    assert scheduler.wait_for("run_finished", state="lost")["trigger"] == "manual"


def test_a_reset_wakes_a_scheduler_whose_job_had_used_up_its_limit(site):
    site.define({"ticks": {"number_of_executions": 1}}, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("job_done")

    answer = site.command("reset", "ticks", "--yes")

    scheduler.wait_for_all("run_finished", 2, job="ticks", state="succeeded")
    assert "the running scheduler was told" in answer.stdout
    assert [row["execution_number"] for row in site.history()] == [1, 1]


def test_a_reset_is_heeded_though_it_comes_at_the_moment_at_which_another_job_is_due(site):
    site.define({"ticks": {"number_of_executions": 1}, "busy": {"callable": "work:ticks"}}, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("job_done")
    scheduler.wait_for_all("run_finished", len(scheduler.logged("run_finished", job="busy")) + 1, job="busy")
    # Stopped between two occurrences, it finds the signal and the next occurrence together.
    scheduler.signal(signal.SIGSTOP)
    site.command("reset", "ticks", "--yes")
    resume_at = int(time.time()) + 1
    wait_until(lambda: time.time() > resume_at, "the next occurrence is due")

    scheduler.signal(signal.SIGCONT)

    scheduler.wait_for_all("run_finished", 2, job="ticks", state="succeeded")


def test_what_another_process_wrote_is_seen_within_30_s_though_a_job_runs_every_second(site):
    site.define({"ticks": {"number_of_executions": 1}, "busy": {"callable": "work:ticks"}}, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("job_done")

    # From a namespace of its own, `reset` cannot see the scheduler's process.
    answer = site.command("reset", "ticks", "--yes", under=["unshare", "--pid", "--fork", "--mount-proc"])

    if answer.returncode and "unshare" in answer.stderr:
        pytest.skip(f"a PID namespace needs root: {answer.stderr.strip()}")
    assert "within 30 s" in answer.stdout
    scheduler.wait_for_all("run_finished", 2, job="ticks", state="succeeded", seconds=60)
