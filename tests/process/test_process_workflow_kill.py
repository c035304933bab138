"""KILL of a run, or of its scheduler, in a workflow: what is done stays done, what is owed is done."""

import json
import os
import random
import signal
import time
from itertools import groupby

from harness import DEADLINE_SECONDS, Scheduler, Site, is_running, wait_until

ROUNDS = int(os.environ.get("CRONJOBS_KILL_ROUNDS", "25"))
SEED = 20261124
LONGEST_SECONDS = 0.8
SHARE_OF_SCHEDULERS = 0.25  # that are killed, instead of a run alone

# Orders, one after the other; each is a workflow with an id of its own, and every other one fails at its end.
# Steps tell when they begin, so that the notes of an order say what was called, and in which order.
WORK = """
import asyncio
import os
import random

from notebook import NOTES, note

from cronjobs import PermanentFailure, StepResponse, parallel, step, workflow

POINTER = NOTES + "-pointer"

async def work():
    await asyncio.sleep(random.uniform(0.002, 0.02))

@step
async def charge(order, context):
    note(context.workflow_id, "charge", os.getpid())
    await work()
    return {"paid": order}

@charge.compensate
async def refund(data, context):
    note(context.workflow_id, "refund", data and data["paid"])
    await work()

@step(max_retries=1, retry_interval=0.01)
async def pack(order, box, context):
    note(context.workflow_id, f"pack-{box}")
    await work()
    if box == 1 and context.attempt == 1:
        raise ValueError("the tape is out")
    return StepResponse(box, {"box": box})

@pack.compensate
async def unpack(data, context):
    note(context.workflow_id, f"unpack-{context.position}", data and data["box"])
    await work()

@step
def ship(order, context):
    note(context.workflow_id, "ship")
    if order % 2:
        raise PermanentFailure("no such street", {"parcel": order})
    return order

@ship.compensate
def recall(data, context):
    note(context.workflow_id, "recall", data and data["parcel"])

@workflow
async def fulfil(input):
    order = input["order"]
    paid = await charge(order)
    boxes = await parallel(*(pack(order, box) for box in range(3)))
    return {"paid": paid["paid"], "boxes": boxes, "shipped": await ship(order)}

async def fulfils(container, context):
    note("begun", os.getpid())
    while not context.should_stop:
        order = int(open(POINTER).read()) if os.path.exists(POINTER) else 0
        await fulfil(container).run({"order": order}, workflow_id=f"order-{order}", raise_on_error=False)
        with open(POINTER + ".new", "w") as file:
            file.write(str(order + 1))
        os.rename(POINTER + ".new", POINTER)
"""


def test_no_kill_repeats_what_a_workflow_has_done_or_leaves_anything_undone(site: Site) -> None:
    site.define({"fulfils": {}}, work=WORK)
    moments = random.Random(SEED)
    scheduler = site.start()
    killed = 0
    for _ in range(ROUNDS):
        pid = living_run(site)
        # Not for luck: a random moment is what the test is about.
        time.sleep(moments.uniform(0, LONGEST_SECONDS))
        if moments.random() < SHARE_OF_SCHEDULERS:
            scheduler.kill()
            wait_until(lambda: not site.processes(), f"nothing survives: {site.processes()}")
            scheduler = site.start()
        else:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: not is_running(pid), "the run is gone")
        killed += 1
    finish(site, scheduler)

    assert killed == ROUNDS
    assert site.integrity() == "ok"
    workflows = json.loads(site.command("workflow", "list", "--limit", "100000", "--json").stdout)
    assert {each["state"] for each in workflows} == {"succeeded", "reverted"}
    calls = calls_by_workflow(site)
    assert {each["id"] for each in workflows} == calls.keys()
    for each in workflows:
        is_odd = int(each["id"].partition("~")[0].removeprefix("order-")) % 2
        assert each["state"] == ("reverted" if is_odd else "succeeded")
        check(each["id"], calls[each["id"]], is_undone=bool(is_odd))
    assert repeated(calls) <= killed


def living_run(site: Site) -> int:
    """Return the pid of a run that lives; wait for one."""

    def found() -> int | None:
        begun = [int(line.split()[1]) for line in site.notes() if line.startswith("begun ")]
        living = {process.pid for process in site.processes()}
        return begun[-1] if begun and begun[-1] in living else None

    pid: int = wait_until(found, "a run lives", seconds=2 * DEADLINE_SECONDS)
    return pid


def finish(site: Site, scheduler: Scheduler) -> None:
    """Have the last order come to its end, then everything."""
    living_run(site)
    before = len(site.notes())
    wait_until(lambda: len(site.notes()) > before + 20, "orders are fulfilled again")
    assert scheduler.stop() == 0


def calls_by_workflow(site: Site) -> dict[str, list[str]]:
    """Return {workflow's id: what was called for it, in order}, with what it was given."""
    calls: dict[str, list[str]] = {}
    for line in site.notes():
        id, _, call = line.partition(" ")
        if id != "begun":
            calls.setdefault(id, []).append(call)
    return calls


def check(id: str, calls: list[str], *, is_undone: bool) -> None:
    """Check that each phase is over before the next begins: what is in flight is all that may be repeated."""
    phases = [phase for phase, _ in groupby(calls, key=phase_of)]
    undoing = ["recall", "unpack", "refund"] if is_undone else []
    assert phases == ["charge", "pack", "ship", *undoing], f"{id}: {calls}"
    assert {call for call in calls if call.startswith("pack")} == {"pack-0", "pack-1", "pack-2"}, id
    if is_undone:
        unpacked = [call for call, _ in groupby(each for each in calls if each.startswith("unpack"))]
        assert unpacked == ["unpack-3 2", "unpack-2 1", "unpack-1 0"], f"{id}: {calls}"
        order = id.partition("~")[0].removeprefix("order-")
        assert set(calls) >= {f"recall {order}", f"refund {order}"}, f"{id}: {calls}"


def phase_of(call: str) -> str:
    return call.split()[0].split("-")[0]


def repeated(calls: dict[str, list[str]]) -> int:
    """Return how many times a step or a compensation that is called once was called again."""
    once = ("charge", "ship", "recall", "refund", "unpack")
    found = 0
    for each in calls.values():
        names = [call.split()[0] for call in each if call.startswith(once)]
        found += len(names) - len(set(names))
    return found
