"""Processes that are made a moment ahead of their instant, and what becomes of those that nobody claims."""

from signal import SIGTERM

from factories import MINUTE, NOON, a_job
from fakes import Plan

from cronjobs.core.ports import Unprepared
from cronjobs.core.run import State

ARMED = {"max_armed": 10}


def due_together(how_many, **rest):
    return [a_job(f"job-{number}", **rest) for number in range(how_many)]


def test_a_process_is_made_ahead_and_gets_go_at_the_instant(world):
    prepared_at, went_at = [], []
    prepare = world.executor.prepare
    world.executor.prepare = lambda launches: (
        prepared_at.append(world.clock.now() - NOON),
        prepare(launches),
    )
    world.executor.on_go = lambda launch: went_at.append(world.clock.now() - NOON)

    world.run(a_job(), until=90, **ARMED)

    assert len(prepared_at) == len(went_at) == 1
    assert MINUTE - 1 < prepared_at[0] < MINUTE
    assert MINUTE <= went_at[0] < MINUTE + 0.1
    assert [row.state for row in world.rows()] == [State.SUCCEEDED]


def test_nothing_is_claimed_ahead(world):
    seen = []
    prepare = world.executor.prepare
    world.executor.prepare = lambda launches: (
        seen.append((world.rows(), world.executions())),
        prepare(launches),
    )

    world.run(a_job(), until=90, **ARMED)

    assert seen == [([], 0)]


def test_running_is_committed_before_an_armed_process_gets_go(world):
    seen = []
    world.executor.on_go = lambda launch: seen.extend(world.rows(launch.job))

    world.run(*due_together(3), until=90, **ARMED)

    assert [run.state for run in seen] == [State.RUNNING] * 3


def test_no_more_processes_are_made_ahead_than_may_run(world):
    scheduler = world.scheduler(*due_together(5), max_parallel=2, **ARMED)
    made_ahead = []
    prepare = world.executor.prepare

    def look_and_prepare(launches):
        if world.clock.now() < NOON + MINUTE:
            made_ahead.extend(launches)
        prepare(launches)

    world.executor.prepare = look_and_prepare
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    assert len(made_ahead) == 2
    assert [row.state for row in world.rows()] == [State.SUCCEEDED] * 5
    assert world.executor.most_living == 2


def test_a_process_that_was_told_another_number_is_dropped_and_made_again(world):
    scheduler = world.scheduler(a_job(number_of_executions=5), **ARMED)
    other = world.open_store()
    world.executor.at(MINUTE - 0.01, lambda: count_one(other))
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    assert [launch.execution_number for launch in world.executor.prepared] == [1, 2]
    assert [launch.execution_number for launch in world.executor.dropped] == [1]
    assert [launch.execution_number for launch in world.executor.gone] == [2]
    assert world.executions() == 2


def count_one(store):
    from cronjobs.core.ports import Claim
    from cronjobs.core.run import Outcome, Trigger, finish

    run = store.claim_manual(Claim("tidy", NOON, Trigger.MANUAL, 5), counted=True, now=NOON)
    store.finish([finish(run._replace(state=State.RUNNING, started_at=NOON), Outcome(State.SUCCEEDED, NOON))])


def test_a_job_whose_run_is_unfinished_gets_no_process_ahead(world):
    world.executor.plans["tidy"] = Plan(seconds=90.0)

    world.run(a_job(), until=170, **ARMED)

    assert len(world.executor.prepared) == 1
    assert [row.state for row in world.rows()] == [State.SUCCEEDED, State.SKIPPED]


def test_an_armed_process_that_ends_early_is_made_again_at_the_instant(world):
    scheduler = world.scheduler(a_job(), **ARMED)
    world.executor.at(MINUTE - 0.01, lambda: world.executor.tell(Unprepared(1, "its process ended")))
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    assert [launch.number for launch in world.executor.gone] == [2]
    assert [row.state for row in world.rows()] == [State.SUCCEEDED]


def test_a_stop_drops_what_is_armed_and_claims_nothing(world):
    scheduler = world.scheduler(a_job(), **ARMED)
    world.executor.signal_at(MINUTE - 0.01, SIGTERM)

    assert scheduler.run() == 0

    assert len(world.executor.dropped) == 1
    assert world.executor.gone == []
    assert world.rows() == []


def test_a_clock_that_is_set_back_drops_what_is_armed(world):
    scheduler = world.scheduler(a_job(), **ARMED)
    world.executor.at(MINUTE - 0.01, lambda: world.clock.set_forward(-30))
    world.executor.signal_at(120, SIGTERM)

    scheduler.run()

    assert len(world.executor.dropped) == 1
    assert [launch.scheduled_for for launch in world.executor.gone] == [NOON + MINUTE]
