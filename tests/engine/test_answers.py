"""What runs ask is answered once it is written down, and asking to stop comes before ending."""

from signal import SIGKILL, SIGTERM

import pytest
from factories import NOON, a_claim, a_job
from fakes import NO_PID, Plan

from cronjobs.core.ports import Asked, Definition
from cronjobs.core.questions import AskLastSuccess, Record, said
from cronjobs.core.run import State, advance
from cronjobs.core.workflow import Begin, StepRecord, StepState
from cronjobs.processes import Identity

GONE = Identity("another boot", 1, 1)
BEGIN = Begin("order-7", "ship", "shop.flows:ship", {"x": 1})


def asking(world, *questions):
    """Have each run ask these at once, when it gets go."""

    def ask(launch):
        for ticket, question in enumerate(questions, start=1):
            world.executor.tell(Asked(launch.number, ticket, said(question)))

    world.executor.on_go = ask


def test_a_run_hears_when_its_job_last_succeeded_and_what_it_returned(world):
    asking(world, AskLastSuccess())
    store = world.open_store()
    world.run(a_job(), until=65)
    first = store.last_success("tidy")

    world.run(a_job(), until=125)

    assert world.executor.answers == [
        ("tidy", 1, ["LastSucceeded", None, None]),
        ("tidy", 1, ["LastSucceeded", first.started_at, None]),
    ]


def test_questions_are_answered_in_their_order_and_each_by_its_ticket(world):
    step = StepRecord("0", 1, "pack", "shop.flows:pack", StepState.RUNNING)
    asking(world, BEGIN, AskLastSuccess(), Record(1, step))

    world.run(a_job(), until=65)

    assert [(ticket, answer[0]) for _, ticket, answer in world.executor.answers] == [
        (1, "Admitted"),
        (2, "LastSucceeded"),
        (3, "Recorded"),
    ]
    assert world.open_store().workflow("order-7").steps[0].step == step


def test_nonsense_is_told_so(world):
    world.executor.on_go = lambda launch: world.executor.tell(Asked(launch.number, 1, ["Drop", "all"]))

    world.run(a_job(), until=65)

    ((_, _, answer),) = world.executor.answers
    assert answer[0] == "Nonsense"
    assert [run.state for run in world.rows()] == [State.SUCCEEDED]


def test_a_run_that_asks_while_the_disk_is_full_is_answered_when_it_can_be_written(world):
    asking(world, BEGIN)
    scheduler = world.scheduler(a_job())
    world.store.failures["journal"] = 3
    world.executor.plans["tidy"] = Plan(seconds=20)
    world.executor.signal_at(90, SIGTERM)

    assert scheduler.run() == 0

    assert world.store.refused == ["journal"] * 3
    assert [answer[0] for _, _, answer in world.executor.answers] == ["Admitted"]
    assert "state_unwritable" in world.observer.notes()


def test_the_workflow_of_a_run_whose_dispatcher_is_gone_is_taken_over(world):
    def die_and_ask(launch):
        leave_behind(world)
        world.executor.tell(Asked(launch.number, 1, said(BEGIN)))

    world.executor.on_go = die_and_ask

    world.run(a_job(), until=65)

    ((_, _, answer),) = world.executor.answers
    assert answer[:3] == ["Admitted", 1, "order-7"]
    assert [run.state for run in world.rows("left")] == [State.LOST]


def leave_behind(world):
    """Have a dispatcher begin a run with a workflow, and be gone."""
    store = world.open_store(GONE)
    store.define([Definition("left", "hourly")], NOON)
    runs, _ = store.claim([a_claim("left")], (), ticked_until=NOON, now=NOON)
    running = advance(runs[0], State.RUNNING, started_at=NOON, pid=NO_PID, start_ticks=1)
    store.start([running])
    store.journal([(running, BEGIN)], now=NOON)


def test_a_run_is_asked_to_stop_as_soon_as_the_scheduler_is(world):
    world.executor.plans["tidy"] = Plan(seconds=None, heeds_requests=True)

    code = world.run(a_job(), until=65, grace=15)

    (run,) = world.rows()
    assert world.executor.stop_requests == [(pytest.approx(65, abs=0.01), "tidy")]
    assert world.executor.signals == []
    assert (code, run.state) == (0, State.SUCCEEDED)


def test_at_its_timeout_a_run_that_looks_may_stop_by_itself(world):
    world.executor.plans["tidy"] = Plan(seconds=None, heeds_requests=True)

    world.run(a_job(timeout_seconds=5), until=90)

    (run,) = world.rows()
    assert world.executor.stop_requests == [(pytest.approx(65, abs=0.01), "tidy")]
    assert world.executor.signals == []
    assert (run.state, run.exit_code) == (State.TIMED_OUT, 0)


def test_a_run_that_looks_and_goes_on_is_terminated_after_half_of_its_patience_then_killed(world):
    world.executor.plans["tidy"] = Plan(seconds=None, looks=True, heeds_sigterm=False)

    world.run(a_job(timeout_seconds=5, kill_after_seconds=10), until=90)

    assert world.executor.signals == [
        (pytest.approx(70, abs=0.01), "tidy", SIGTERM),
        (pytest.approx(75, abs=0.01), "tidy", SIGKILL),
    ]


def test_a_run_that_does_not_look_is_terminated_at_its_timeout(world):
    world.executor.plans["tidy"] = Plan(seconds=None)

    world.run(a_job(timeout_seconds=5), until=90)

    assert world.executor.signals == [(pytest.approx(65, abs=0.01), "tidy", SIGTERM)]


def test_after_the_grace_a_run_that_was_asked_is_terminated_at_once(world):
    world.executor.plans["tidy"] = Plan(seconds=None, looks=True)

    world.run(a_job(), until=65, grace=15)

    assert world.executor.signals == [(pytest.approx(80, abs=0.01), "tidy", SIGTERM)]
