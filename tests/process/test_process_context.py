"""What a run hears from its dispatcher, over the line between their processes."""

import json
import signal

import pytest
from harness import Site, wait_until

WORK = """
import json, os, signal, threading, time

import notebook

def remembers(context):
    last = context.last_success_at
    notebook.note(json.dumps([context.last_result, last and last.isoformat()]))
    return {"seen": (context.execution_number, "Tōkyō"), "none": None}

def returns_no_json():
    return {1, 2}

def returns_much():
    return "x" * 100_000

def returns_nothing():
    pass

def returns_badly():
    class Odd:
        def __repr__(self):
            raise ValueError("odd")
    return Odd()

def waits_to_be_stopped(context):
    notebook.note("started")
    while not context.should_stop:
        time.sleep(0.01)
    notebook.note("stopped by itself")
    return "partly done"

def looks_once(context):
    context.should_stop
    notebook.note("started")
    try:
        time.sleep(600)
    finally:
        notebook.note(f"cleaned up {context.should_stop}")

async def waits_in_a_loop(context):
    import asyncio

    notebook.note("started")
    while not context.should_stop:
        await asyncio.sleep(0.01)
    notebook.note("stopped by itself")

def asks_from_threads(context):
    found = []
    threads = [threading.Thread(target=lambda: found.append(context.should_stop)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notebook.note(json.dumps([found.count(False), context.last_result]))

def asks_from_a_fork(context):
    pid = os.fork()
    if pid == 0:
        try:
            context.last_result
        except Exception as exc:
            notebook.note(f"{type(exc).__name__}: {exc}")
        os._exit(0)
    os.waitpid(pid, 0)

JUNK = b"x", b"", b"[]", b'{"number": 1}', b'{"result": 7}', b"[" * 5000, b'{"number": 2, "question": 1}'

def scribbles(context):
    context.should_stop
    for descriptor in range(3, 20):
        for junk in JUNK:
            try:
                os.write(descriptor, junk)
            except OSError:
                pass

"""


TIMED_OUT = {"timeout": "1s", "kill_after": "60s"}
ONCE = {"number_of_executions": 1}


@pytest.fixture(params=["fork", "spawn"])
def isolation(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"isolation": request.param}


def test_a_run_knows_when_the_last_one_succeeded_and_what_it_returned(
    site: Site, isolation: dict[str, str]
) -> None:
    site.define({"remembers": {"number_of_executions": 2, **isolation}}, work=WORK)

    site.run_until_done()

    first, second = site.history("remembers")
    (nothing, never), (result, began) = map(json.loads, site.notes())
    assert (nothing, never) == (None, None)
    assert result == first["result"] == {"seen": [1, "Tōkyō"], "none": None}
    assert began[:19] == first["started_at"][:19]
    assert second["result"] == {"seen": [2, "Tōkyō"], "none": None}


def test_what_is_not_json_is_kept_as_its_repr_and_what_is_long_is_cut(site: Site) -> None:
    names = ["returns_no_json", "returns_much", "returns_nothing", "returns_badly"]
    site.define(dict.fromkeys(names, ONCE), work=WORK)

    site.run_until_done()

    results = {row["job"]: row["result"] for row in site.history()}
    assert results["returns_no_json"] == "{1, 2}"
    assert results["returns_much"] == "'" + "x" * 999 + "..."
    assert results["returns_nothing"] is None
    assert results["returns_badly"] == "<Odd, whose repr could not be made>"
    assert {row["state"] for row in site.history()} == {"succeeded"}


@pytest.mark.parametrize("name", ["waits_to_be_stopped", "waits_in_a_loop"])
def test_at_its_timeout_a_run_that_looks_stops_by_itself(
    site: Site, isolation: dict[str, str], name: str
) -> None:
    site.define({name: ONCE | TIMED_OUT | isolation}, work=WORK)

    site.run_until_done()

    (row,) = site.history()
    assert (row["state"], row["exit_code"], row["signal"]) == ("timed_out", 0, None)
    assert site.notes() == ["started", "stopped by itself"]


def test_when_the_scheduler_stops_a_run_that_looks_stops_by_itself_and_has_succeeded(site: Site) -> None:
    site.define({"waits_to_be_stopped": ONCE}, work=WORK)
    scheduler = site.start("--grace", "60s")
    wait_until(site.notes, "the run has begun")

    scheduler.process.terminate()

    assert scheduler.wait() == 0
    (row,) = site.history()
    assert (row["state"], row["reason"], row["result"]) == ("succeeded", None, "partly done")


def test_a_triggered_run_that_looks_stops_by_itself_on_ctrl_c(site: Site) -> None:
    site.define({"waits_to_be_stopped": {"kill_after": "60s"}}, work=WORK)
    with site.popen("trigger", "waits_to_be_stopped") as trigger:
        wait_until(site.notes, "the run has begun")
        trigger.send_signal(signal.SIGINT)
        trigger.communicate(timeout=60)

    (row,) = site.history()
    assert (row["state"], row["reason"], row["exit_code"]) == ("cancelled", "user", 0)
    assert site.notes() == ["started", "stopped by itself"]


def test_a_run_that_looked_once_and_hangs_is_terminated_all_the_same(site: Site) -> None:
    site.define({"looks_once": ONCE | {"timeout": "1s", "kill_after": "2s"}}, work=WORK)

    site.run_until_done()

    (row,) = site.history()
    assert (row["state"], row["signal"]) == ("timed_out", "SIGTERM")
    assert site.notes() == ["started", "cleaned up True"]


def test_a_run_may_ask_from_every_thread(site: Site) -> None:
    site.define({"asks_from_threads": ONCE}, work=WORK)

    site.run_until_done()

    assert site.notes() == ["[20, null]"]


def test_only_the_runs_own_process_may_ask(site: Site) -> None:
    site.define({"asks_from_a_fork": ONCE}, work=WORK)

    site.run_until_done()

    assert site.notes() == ["WorkflowLostError: only the run's own process reaches its dispatcher"]
    assert [row["state"] for row in site.history()] == ["succeeded"]


def test_a_run_that_writes_rubbish_to_its_line_harms_nobody(site: Site) -> None:
    site.define({"scribbles": ONCE, "remembers": {"number_of_executions": 3}}, work=WORK)

    site.run_until_done()

    assert [row["state"] for row in site.history("scribbles")] == ["succeeded"]
    assert [row["state"] for row in site.history("remembers")] == ["succeeded"] * 3
    assert site.integrity() == "ok"
