"""Workflows as people see them on the command line: listed, shown, retried, cancelled."""

import json
import os
import signal
from typing import Any

import pytest
from harness import Site, children_of, is_running, wait_until

WORK = """
import os
import time

from notebook import NOTES, note

from cronjobs import step, workflow

FLAG = NOTES + "-flag"

@step
def pack(context):
    note("pack", context.idempotency_key)
    return {"box": 7}

@pack.compensate
def unpack(data, context):
    note("unpack", data["box"], context.step_idempotency_key)
    if os.path.exists(FLAG):
        raise OSError("the box is stuck")

@step
def ship(way, context):
    note("ship", way)
    if way == "hang" and not os.path.exists(FLAG):
        time.sleep(600)
    if way == "fail":
        raise ValueError("no such street")
    return "shipped"

@ship.compensate
def recall(data):
    note("recall", data)

@step
def tell():
    note("tell")

@workflow
def fulfil(input):
    pack()
    parcel = ship(input["way"])
    tell()
    return parcel

@step
async def tick(number, context):
    note("tick", number)
    import asyncio
    await asyncio.sleep(0.05)

@workflow
async def ticks():
    for number in range(10_000):
        await tick(number)

def hangs(container):
    return fulfil(container).run({"way": "hang"}, workflow_id="order-7").result

def fails(container):
    fulfil(container).run({"way": "fail"}, workflow_id="order-8")

def works(container):
    return fulfil(container).run({"way": "train"}).result

async def goes_on(container):
    await ticks(container).run(workflow_id="ticks")

def two(container):
    results = [fulfil(container).run({"way": way}).result for way in ("train", "ship")]
    again = fulfil(container).run({"way": "train"}, workflow_id="order-9")
    return [*results, again.result, again.transaction.id]
"""
NEVER = {"schedule": "0 3 29 2 *"}
JOBS = dict.fromkeys(["hangs", "fails", "works", "goes_on", "two"], NEVER)


def workflow(site: Site, *arguments: str) -> Any:
    answer = site.command("workflow", *arguments, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def left_hanging(site: Site) -> None:
    """Leave a workflow whose process was killed in the middle of its second step."""
    site.define(JOBS, work=WORK)
    with site.popen("trigger", "hangs") as trigger:
        wait_until(lambda: "ship hang" in site.notes(), "the second step is in flight")
        trigger.kill()
        trigger.communicate(timeout=60)
    wait_until(lambda: not site.processes(), "nothing survives")


def test_workflows_are_listed_and_shown(site: Site) -> None:
    site.define(JOBS, work=WORK)
    assert site.command("trigger", "works").returncode == 0
    assert site.command("trigger", "fails").returncode == 1

    failed, succeeded = workflow(site, "list")

    (run,) = site.history("works")
    assert (succeeded["id"], succeeded["name"], succeeded["job"], succeeded["run"], succeeded["state"]) == (
        f"{run['id']}/fulfil#1",
        "fulfil",
        "works",
        run["id"],
        "succeeded",
    )
    assert (failed["id"], failed["state"]) == ("order-8", "reverted")
    shown = workflow(site, "show", "order-8")
    assert shown["input"] == {"way": "fail"}
    assert [(step["name"], step["position"], step["state"]) for step in shown["steps"]] == [
        ("pack", "0", "compensated"),
        ("ship", "1", "compensated"),
    ]
    assert [(each["step"], each["type"], each["message"]) for each in shown["errors"]] == [
        ("ship", "ValueError", "no such street")
    ]
    assert workflow(site, "list", "--state", "succeeded") == [succeeded]
    assert workflow(site, "list", "--name", "fails") == [failed]
    people = site.command("workflow", "show", "order-8")
    assert "reverted" in people.stdout
    assert "error: ship at 1: ValueError: no such street" in people.stdout
    assert people.stdout.splitlines()[-1].split() == [
        *("1", "ship", "compensated", "undo", "1", "ValueError:", "no", "such", "street")
    ]


def test_two_calls_of_one_workflow_in_one_run_are_two(site: Site) -> None:
    site.define(JOBS, work=WORK)

    for _ in range(2):
        assert site.command("trigger", "two").returncode == 0

    first, second = site.history("two")
    assert first["result"] == second["result"] == ["shipped", "shipped", "shipped", "order-9"]
    ids = [each["id"].rpartition("/")[2] for each in reversed(workflow(site, "list"))]
    assert ids == ["fulfil#1", "fulfil#2", "order-9", "fulfil#1", "fulfil#2"]
    assert site.notes().count("tell") == 5


def test_a_workflow_left_half_done_is_retried_by_hand(site: Site) -> None:
    left_hanging(site)
    (site.directory / "notes-flag").touch()

    answer = site.command("workflow", "retry", "order-7")

    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (0, "order-7: succeeded")
    assert site.notes() == ["pack order-7/0", "ship hang", "ship hang", "tell"]
    assert [(row["trigger"], row["state"]) for row in site.history("hangs")] == [
        ("manual", "lost"),
        ("manual", "succeeded"),
    ]
    again = site.command("workflow", "retry", "order-7")
    assert (again.returncode, "has succeeded" in again.stderr) == (6, True)


def test_a_workflow_left_half_done_is_cancelled_by_hand(site: Site) -> None:
    left_hanging(site)

    answer = site.command("workflow", "cancel", "order-7")

    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (0, "order-7: reverted")
    assert site.notes()[2:] == ["recall None", "unpack 7 order-7/0"]
    again = site.command("workflow", "cancel", "order-7")
    assert again.returncode == 6


def test_a_workflow_that_could_not_be_undone_is_undone_when_that_is_possible(site: Site) -> None:
    site.define(JOBS, work=WORK)
    flag = site.directory / "notes-flag"
    flag.touch()
    assert site.command("trigger", "fails").returncode == 1
    assert workflow(site, "show", "order-8")["state"] == "failed"
    refused = site.command("trigger", "fails")
    assert "cronjobs workflow retry order-8" in refused.stderr
    still = site.command("workflow", "retry", "order-8")
    assert (still.returncode, still.stderr.splitlines()[-1]) == (1, "order-8: failed")
    flag.unlink()

    answer = site.command("workflow", "retry", "order-8")

    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (0, "order-8: reverted")
    assert site.notes() == [
        "pack order-8/0",
        "ship fail",
        "recall None",
        "unpack 7 order-8/0",
        "unpack 7 order-8/0",
        "unpack 7 order-8/0",
    ]


def test_a_workflow_that_was_undone_begins_afresh(site: Site) -> None:
    site.define(JOBS, work=WORK)
    site.command("trigger", "fails")

    answer = site.command("workflow", "retry", "order-8")

    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (1, "order-8~2: reverted")


def test_a_workflow_that_runs_is_told_to_stop_and_undoes_itself(site: Site) -> None:
    site.define({"goes_on": {}}, work=WORK)
    scheduler = site.start()
    wait_until(lambda: "tick 2" in site.notes(), "the workflow is under way")

    answer = site.command("workflow", "cancel", "ticks")

    assert (answer.returncode, "was told" in answer.stdout) == (0, True)
    row = site.wait_for_row("goes_on", "failed")
    assert (row["error"]["type"], "cancelled" in row["error"]["message"]) == ("WorkflowFailedError", True)
    assert workflow(site, "list", "--state", "reverted")[-1]["is_cancelled"] is True
    assert scheduler.stop() == 0


def test_a_second_run_of_the_same_id_is_refused_while_the_first_has_it(site: Site) -> None:
    site.define(JOBS | {"hangs": NEVER | {"concurrency": "allow"}}, work=WORK)
    with site.popen("trigger", "hangs") as first:
        wait_until(lambda: "ship hang" in site.notes(), "the second step is in flight")

        second = site.command("trigger", "hangs")
        by_hand = site.command("workflow", "retry", "order-7")

        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
    (run, *_) = site.history("hangs")
    assert second.returncode == 1
    assert f"WorkflowRefusedError: workflow order-7 is running in the run {run['id']}" in second.stderr
    assert by_hand.returncode == 1
    assert site.notes() == ["pack order-7/0", "ship hang"]


def test_a_run_killed_by_its_scheduler_leaves_its_workflow_to_the_next_run(site: Site) -> None:
    site.define({"hangs": {"number_of_executions": 2, "timeout": "1s", "kill_after": "100ms"}}, work=WORK)
    scheduler = site.start("--exit-when-done")
    wait_until(lambda: "ship hang" in site.notes(), "the second step is in flight")
    (site.directory / "notes-flag").touch()

    assert scheduler.wait() == 0

    states = [row["state"] for row in site.history("hangs") if row["state"] != "skipped"]
    assert states == ["timed_out", "succeeded"]
    assert site.notes() == ["pack order-7/0", "ship hang", "ship hang", "tell"]


def test_an_unknown_workflow_is_said_to_be_unknown(site: Site) -> None:
    site.define(JOBS, work=WORK)

    for command in ("show", "retry", "cancel"):
        answer = site.command("workflow", command, "order-9")
        assert (answer.returncode, "no workflow 'order-9'" in answer.stderr) == (4, True)
    assert workflow(site, "list") == []


def test_a_workflow_of_a_job_that_left_the_file_is_not_retried(site: Site) -> None:
    left_hanging(site)
    site.define({"works": NEVER}, work=WORK)

    answer = site.command("workflow", "retry", "order-7")

    assert (answer.returncode, "no job 'hangs'" in answer.stderr) == (4, True)
    assert workflow(site, "show", "order-7")["state"] == "running"


def test_a_run_that_is_killed_takes_nothing_of_its_workflow_along(site: Site) -> None:
    site.define({"hangs": {"number_of_executions": 2}}, work=WORK)
    scheduler = site.start("--exit-when-done")
    wait_until(lambda: "ship hang" in site.notes(), "the second step is in flight")
    (run,) = [child for zygote in site.zygotes(scheduler) for child in children_of(zygote)]
    (site.directory / "notes-flag").touch()

    os.kill(run.pid, signal.SIGKILL)

    (left,) = scheduler.wait_for_all("workflow_left", 1, job="hangs")
    assert "`cronjobs workflow retry order-7`" in left["message"]
    assert scheduler.wait() == 0
    assert len(scheduler.logged("workflow_left")) == 1  # the second run brought it to its end
    assert not is_running(run.pid)
    assert site.notes() == ["pack order-7/0", "ship hang", "ship hang", "tell"]


STRANGE = """
import sys

from cronjobs import step, workflow
from cronjobs.core.workflow import Begin, StepRecord, StepState

# More than JSON is read to; from 3.12 on, that does not hang on the limit of recursion.
DEEP = 3_000 if sys.version_info < (3, 12) else 50_000

@step(max_retries=1)
def act(input):
    print("acting", flush=True)
    return "x" * 9_000_000 if input == "large" else nested(DEEP)

@act.compensate
def undo(compensation_input):
    print("undoing", compensation_input, flush=True)

@workflow
def acts(input):
    return act(input)

@workflow
def answers():
    return "x" * 17_000_000

def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value

def strange_id(container):
    container.journal.begin(Begin("order-\\udcff", "acts", "work:acts", None))

def strange_key(container):
    container.journal.record(10**30, StepRecord("0", 1, "act", "work:act", StepState.RUNNING))

def deep(container):
    sys.setrecursionlimit(1_000_000)
    acts(container).run("deep", workflow_id="deep")

def large(container):
    acts(container).run("large", workflow_id="large")

def large_input(container):
    acts(container).run("x" * 17_000_000, workflow_id="input")

def large_result(container):
    answers(container).run(workflow_id="result")
"""


def test_a_scheduler_bears_whatever_its_runs_ask_to_be_written_down(site: Site) -> None:
    once = {"number_of_executions": 1}
    site.define(dict.fromkeys(["strange_id", "strange_key", "deep"], once), work=STRANGE)

    site.run_until_done()

    types = {row["job"]: (row["state"], row["error"]["type"]) for row in site.history()}
    assert types == {
        "strange_id": ("failed", "WorkflowError"),
        "strange_key": ("failed", "WorkflowError"),
        "deep": ("failed", "WorkflowFailedError"),
    }
    assert workflow(site, "show", "deep")["state"] == "reverted"


def test_a_value_that_is_too_large_for_the_journal_fails_its_step_and_is_undone(site: Site) -> None:
    site.define({"large": NEVER}, work=STRANGE)

    answer = site.command("trigger", "large")

    assert answer.returncode == 1
    told = [line for line in answer.stdout.splitlines() if not line.startswith("WARNING")]
    assert told == ["acting", "undoing None"]
    assert "what the step `act` returned cannot be written down" in answer.stderr
    found = workflow(site, "show", "large")
    assert (found["state"], found["steps"][0]["error"]["type"]) == ("reverted", "UnwritableError")


@pytest.mark.parametrize(
    ("job", "what"),
    [("large_input", "the input of workflow `acts`"), ("large_result", "workflow `answers` returned")],
)
def test_a_workflow_says_which_of_its_values_is_too_large(site: Site, job: str, what: str) -> None:
    site.define({job: NEVER}, work=STRANGE)

    answer = site.command("trigger", job)

    assert answer.returncode == 1
    assert what in answer.stderr
    assert [each["state"] for each in workflow(site, "list")] == ["reverted"] * (job == "large_result")


def test_a_workflow_that_was_told_to_be_undone_is_retried_as_one(site: Site) -> None:
    site.define(JOBS, work=WORK)
    with site.popen("trigger", "hangs") as trigger:
        wait_until(lambda: "ship hang" in site.notes(), "the second step is in flight")
        site.command("workflow", "cancel", "order-7")
        trigger.kill()
        trigger.communicate(timeout=60)
    wait_until(lambda: not site.processes(), "nothing survives")

    answer = site.command("workflow", "retry", "order-7")

    assert answer.returncode == 0, answer.stderr
    assert workflow(site, "show", "order-7")["state"] == "reverted"


@pytest.mark.parametrize("command", ["retry", "cancel"])
def test_a_workflow_of_a_job_that_is_gone_goes_on_once_the_job_is_back(site: Site, command: str) -> None:
    left_hanging(site)
    site.define({name: job for name, job in JOBS.items() if name != "hangs"}, work=WORK)

    answer = site.command("workflow", command, "order-7")

    assert answer.returncode == 4
    assert "and order-7 belongs to it" in answer.stderr
    site.define({**JOBS, "hangs": {**NEVER, "enabled": False}}, work=WORK)
    if command == "retry":
        (site.directory / "notes-flag").touch()
    assert site.command("workflow", command, "order-7").returncode == 0


def test_a_workflow_that_is_being_undone_is_not_told_to_be(site: Site) -> None:
    source = """
    import time
    from notebook import note
    from cronjobs import step, workflow

    @step
    def act(): raise ValueError("no")

    @act.compensate
    def undo(compensation_input):
        note("undoing")
        time.sleep(600)

    @workflow
    def acts(): act()

    def job(container): acts(container).run(workflow_id="order-7")
    """
    site.define({"job": {**NEVER, "callable": "slow:job"}}, slow=source)
    with site.popen("trigger", "job") as trigger:
        wait_until(site.notes, "it is being undone")

        answer = site.command("workflow", "cancel", "order-7")

        trigger.kill()
        trigger.communicate(timeout=60)
    assert answer.returncode == 0
    assert "is being undone already" in answer.stdout
