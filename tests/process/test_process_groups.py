"""What runs leave behind, and what becomes of runs when the process that they were forked from dies."""

import os
import signal

import pytest
from harness import is_running, limited_by, wait_until

WORK = """
import os, signal, subprocess, sys, time
from notebook import note

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(); time.sleep(600)"

def waits_for_stubborn():
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    child.stdout.readline()
    note(child.pid)
    time.sleep(600)

def waits_for_obedient():
    note(subprocess.Popen(["sleep", "600"]).pid)
    time.sleep(600)

def ignores_with_obedient():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(subprocess.Popen(["sleep", "600"]).pid)
    while True:
        time.sleep(600)

def leaves_pipe_holder():
    note(subprocess.Popen(["sleep", "600"]).pid)
    print("left one behind")

def leaves_flood():
    note(subprocess.Popen(["yes"]).pid)

def sleeps():
    note(os.getpid())
    time.sleep(600)

def ticks():
    pass
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_the_whole_group_of_a_timed_out_run_ends(site, isolation):
    names = ["waits_for_stubborn", "waits_for_obedient", "ignores_with_obedient"]
    policy = {"timeout": "3s", "kill_after": "500ms", "number_of_executions": 1, "isolation": isolation}
    site.define(dict.fromkeys(names, policy) | {"ticks": {}}, work=WORK)
    scheduler = site.start()

    for name in names:
        scheduler.wait_for("run_finished", job=name, state="timed_out")

    grandchildren = [int(pid) for pid in site.notes()]
    assert len(grandchildren) == 3
    wait_until(lambda: not any(map(is_running, grandchildren)), "the grandchildren have ended")


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_grandchild_that_holds_the_pipes_open_does_not_keep_a_run_running(site, isolation):
    site.define({"leaves_pipe_holder": {"number_of_executions": 2, "isolation": isolation}}, work=WORK)

    scheduler = site.run_until_done()

    assert [row["state"] for row in site.history()] == ["succeeded"] * 2
    assert scheduler.output("leaves_pipe_holder") == ["left one behind"] * 2
    assert all(is_running(int(pid)) for pid in site.notes())


def test_a_grandchild_that_goes_on_writing_does_not_hold_up_the_scheduler(site):
    site.define({"leaves_flood": {"number_of_executions": 1}, "ticks": {}}, work=WORK)
    # So that a scheduler which reads for ever ends before the machine does.
    scheduler = site.start(under=limited_by("-v 2000000"))

    finished = scheduler.wait_for("run_finished", job="leaves_flood")

    scheduler.wait_for_all(
        "run_finished", len(scheduler.logged("run_finished", job="ticks")) + 1, job="ticks"
    )
    assert finished["state"] == "succeeded"
    assert scheduler.stop() == 0


def test_the_runs_of_a_killed_zygote_are_lost_and_the_next_occurrence_is_served(site):
    site.define({"sleeps": {}}, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("run_started", job="sleeps")
    (run,) = map(int, wait_until(site.notes, "the job has begun"))

    for zygote in site.zygotes(scheduler):
        os.kill(zygote, signal.SIGKILL)

    lost = scheduler.wait_for("run_finished", job="sleeps")
    scheduler.wait_for_all("run_started", 2, job="sleeps")
    wait_until(lambda: not is_running(run), "the run has ended")
    assert (lost["state"], lost["reason"]) == ("lost", "zygote")
    row = site.history()[0]
    assert (row["state"], row["reason"], row["exit_code"], row["signal"]) == ("lost", "zygote", None, None)


def test_a_run_that_kills_its_zygote_harms_nothing_but_that_zygote_s_runs(site):
    work = """
    import os, signal
    def kills_its_parent():
        os.kill(os.getppid(), signal.SIGKILL)
    def ticks():
        pass
    """
    site.define(
        {"kills_its_parent": {"number_of_executions": 3}, "ticks": {"number_of_executions": 5}}, work=work
    )

    site.run_until_done()

    rows = site.history()
    killers = [row for row in rows if row["job"] == "kills_its_parent" and row["state"] != "skipped"]
    assert [(row["state"], row["reason"]) for row in killers] == [("lost", "zygote")] * 3
    assert site.executions() == {"kills_its_parent": 3, "ticks": 5}
    assert {row["state"] for row in rows} <= {"lost", "succeeded", "skipped"}
