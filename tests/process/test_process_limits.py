"""Many runs at once, and a machine that has no room for them."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import limited_by, wait_until

WORK = """
import time
from notebook import note

def enters_and_leaves(name):
    note("+")
    time.sleep(0.2)
    note("-")

def notes_its_name(context):
    note(context.job_name)

def sleeps_a_little(context):
    note(context.job_name)
    time.sleep(0.5)
"""

PIDS_CGROUPS = Path("/sys/fs/cgroup/pids")


def jobs_of(count, function, **options):
    return {
        f"job-{number}": {"callable": f"work:{function}", "number_of_executions": 1, **options}
        for number in range(count)
    }


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_no_more_runs_than_max_parallel_run_at_once(site, isolation):
    site.define(
        jobs_of(6, "enters_and_leaves", args={"name": "x"}, isolation=isolation),
        settings={"max_parallel": 2},
        work=WORK,
    )

    site.run_until_done()

    inside = [0]
    for step in site.notes():
        inside.append(inside[-1] + (1 if step == "+" else -1))
    assert max(inside) == 2
    assert [row["state"] for row in site.history()] == ["succeeded"] * 6


def test_three_hundred_jobs_due_at_once_all_run_once(site):
    site.define(jobs_of(300, "notes_its_name"), work=WORK)

    site.run_until_done()

    assert sorted(site.notes()) == sorted(f"job-{number}" for number in range(300))
    rows = site.history()
    assert {row["state"] for row in rows} == {"succeeded"}
    assert len(rows) == 300


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_with_few_descriptors_everything_still_runs_in_the_end(site, isolation):
    site.define(jobs_of(30, "sleeps_a_little", isolation=isolation), work=WORK)

    scheduler = site.run_until_done(under=limited_by("-n 64"))

    assert sorted(site.notes()) == sorted(f"job-{number}" for number in range(30))
    assert {row["state"] for row in site.history()} == {"succeeded"}
    assert set(site.executions().values()) == {1}
    assert "Traceback" not in scheduler.errors


EXHAUST_DESCRIPTORS = """
import os
from cronjobs.processes import is_alive, own_identity
identity = own_identity()
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
answer = is_alive(identity)
os.close(taken.pop())
print(answer)
"""


def test_no_process_is_taken_for_dead_because_no_descriptor_is_left_to_look_at_it():
    # `forbid` and recovery would otherwise start a second run beside the one that lives.
    command = [*limited_by("-n 32"), sys.executable, "-c", EXHAUST_DESCRIPTORS]

    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (answer.stdout, answer.stderr) == ("True\n", "")


@contextmanager
def process_group_limit(name):
    """Give a control group in which the number of processes can be limited; skip where there is none."""
    group = PIDS_CGROUPS / name
    try:
        group.mkdir()
    except OSError as exc:
        pytest.skip(f"a limit on processes needs a pids control group: {exc}")
    try:
        yield group
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "the control group is empty")
        group.rmdir()


def test_where_no_process_can_be_made_at_the_start_the_scheduler_reads_its_file_itself(site):
    site.define({"job": {"callable": "work:notes_its_name", "enabled": False}}, work=WORK)
    with process_group_limit(f"cronjobs-test-{os.getpid()}") as group:
        (group / "pids.max").write_text("1")
        try:
            scheduler = site.run_until_done(
                under=["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
            )
        finally:
            site.close()
    assert scheduler.logged("next_run", job="job")
    assert scheduler.errors == ""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_while_no_process_can_be_made_runs_wait_and_then_run_once(site, isolation):
    site.define({"job": {"callable": "work:notes_its_name", "isolation": isolation}}, work=WORK)
    with process_group_limit(f"cronjobs-test-{os.getpid()}") as group:
        try:
            scheduler = site.start(under=["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"])
            scheduler.wait_for("run_finished", state="succeeded")
            wait_until(lambda: not is_probing(site), "the first look at the modules is over")

            (group / "pids.max").write_text("1")
            scheduler.wait_for("start_failed", job="job")
            (group / "pids.max").write_text("max")
            already = len(scheduler.logged("run_finished", state="succeeded"))
            scheduler.wait_for_all("run_finished", already + 2, state="succeeded")

            assert scheduler.stop() == 0
            rows = site.history()
        finally:
            site.close()
    assert {row["state"] for row in rows} <= {"succeeded", "skipped"}
    assert len(site.notes()) == [row["state"] for row in rows].count("succeeded")


def is_probing(site):
    return any("cronjobs.executors.probe" in process.arguments for process in site.processes())
