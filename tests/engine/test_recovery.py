"""What a scheduler finds of dispatchers that are gone: what it ends, resumes and gives up."""

from signal import SIGTERM

import pytest
from factories import HOUR, MINUTE, NOON, a_claim, a_job
from fakes import NO_PID, Killed, Plan, identity_of, kill

from cronjobs.core.errors import StateError
from cronjobs.core.events import RunFinished
from cronjobs.core.ports import Definition
from cronjobs.core.run import Reason, State, Trigger, advance
from cronjobs.engine.recovery import recover
from cronjobs.processes import Identity, own_identity

HOURLY = "0 * * * *"
GONE = Identity("another boot", 1, 1)


@pytest.fixture
def left(world):
    """A function that leaves a run behind: of a dispatcher that is gone, or of one that is named."""

    def leave(
        job="tidy",
        *,
        scheduled_for=NOON - MINUTE,
        state=State.CLAIMED,
        process=(NO_PID, 99),
        dispatcher=GONE,
        is_manual=False,
        limit=None,
    ):
        store = world.open_store(dispatcher)
        store.define([Definition(job, a_job(job, HOURLY).form)], NOON - 10 * HOUR)
        trigger = Trigger.MANUAL if is_manual else Trigger.SCHEDULE
        wanted = a_claim(job, scheduled_for, limit=limit, trigger=trigger)
        if is_manual:
            run = store.claim_manual(wanted, counted=False, now=scheduled_for)
        else:
            (run,), _ = store.claim([wanted], [], ticked_until=NOON, now=scheduled_for)
        if state is State.WAITING:
            store.wait([run])
            run = advance(run, state)
        if state is State.RUNNING:
            pid, start_ticks = process
            run = advance(run, state, started_at=scheduled_for, pid=pid, start_ticks=start_ticks)
            store.start([run])
        return run

    return leave


def states(world):
    return [(run.state, run.reason) for run in world.rows()]


def test_a_run_whose_process_is_gone_is_lost(world, left):
    run = left(state=State.RUNNING)

    world.run(a_job(schedule=HOURLY), until=10)

    (found,) = world.rows()
    assert found == run._replace(state=State.LOST, finished_at=found.finished_at)
    assert found.finished_at == pytest.approx(NOON, abs=0.01)
    assert [event.run for event in world.observer.of(RunFinished)] == [found]


def test_a_lost_run_is_not_run_again_and_stays_counted(world, left):
    left(state=State.RUNNING)

    world.run(a_job(schedule=HOURLY), until=10)

    assert world.executor.gone == []
    assert world.executions() == 1


def test_a_run_whose_process_still_lives_is_killed_first(world, left):
    dispatcher, process = world.body(), world.body()
    _, pid, ticks = identity_of(process)
    left(state=State.RUNNING, process=(pid, ticks), dispatcher=identity_of(dispatcher))
    kill(dispatcher)
    seen = []
    observe = world.observer.observe

    def look_and_observe(event):
        if isinstance(event, RunFinished):
            seen.append(process.poll())
        observe(event)

    world.observer.observe = look_and_observe

    world.run(a_job(schedule=HOURLY), until=10)

    assert states(world) == [(State.LOST, None)]
    assert process.wait(timeout=10) == -9
    assert seen == [-9]


def test_a_process_that_only_has_a_lost_runs_pid_is_left_alone(world, left):
    dispatcher, process = world.body(), world.body()
    _, pid, ticks = identity_of(process)
    left(state=State.RUNNING, process=(pid, ticks - 1000), dispatcher=identity_of(dispatcher))
    kill(dispatcher)

    world.run(a_job(schedule=HOURLY), until=10)

    assert states(world) == [(State.LOST, None)]
    assert process.poll() is None


def test_a_process_of_before_the_machines_last_start_is_left_alone(world, left):
    process = world.body()
    _, pid, ticks = identity_of(process)
    left(state=State.RUNNING, process=(pid, ticks), dispatcher=GONE)

    world.run(a_job(schedule=HOURLY), until=10)

    assert states(world) == [(State.LOST, None)]
    assert process.poll() is None


@pytest.mark.parametrize("state", [State.CLAIMED, State.WAITING])
@pytest.mark.parametrize("age", [1, MINUTE, HOUR - 1])
def test_a_claim_inside_the_window_starts_now_and_is_counted_once(world, left, state, age):
    left(scheduled_for=NOON - age, state=state)

    world.run(a_job(schedule=HOURLY), until=10)

    (run,) = world.rows()
    assert (run.state, run.scheduled_for, run.trigger) == (State.SUCCEEDED, NOON - age, Trigger.SCHEDULE)
    assert world.executions() == 1


def test_a_claim_that_is_taken_over_names_its_new_dispatcher(world, left):
    left()
    seen = []
    world.executor.on_go = lambda launch: seen.extend(
        world.read(lambda store: [store.dispatchers()[run.dispatcher] for run in store.unfinished()])
    )

    world.run(a_job(schedule=HOURLY), until=10)

    assert len(seen) == 1
    assert seen[0] != GONE


@pytest.mark.parametrize("state", [State.CLAIMED, State.WAITING])
def test_an_older_claim_is_missed_and_gives_its_count_back(world, left, state):
    left(scheduled_for=NOON - HOUR - 1, state=state, limit=1)

    world.run(a_job(schedule=HOURLY, number_of_executions=1), until=10)

    assert states(world) == [(State.MISSED, Reason.TOO_LATE)]
    assert world.executions() == 0


def test_a_job_whose_only_execution_came_back_runs_at_its_next_occurrence(world, left):
    left(scheduled_for=NOON - HOUR - 1, limit=1)

    world.run(a_job(schedule=HOURLY, number_of_executions=1), until=HOUR + 30)

    assert [(run.state, run.execution_number) for run in world.rows()] == [
        (State.MISSED, None),
        (State.SUCCEEDED, 1),
    ]


def test_a_manual_claim_is_not_started(world, left):
    left(is_manual=True)

    world.run(a_job(schedule=HOURLY), until=10)

    assert states(world) == [(State.MISSED, Reason.TOO_LATE)]
    assert world.executor.gone == []


@pytest.mark.parametrize("jobs", [[a_job("other")], [a_job(enabled=False)]], ids=["gone", "disabled"])
def test_a_claim_of_a_job_that_is_not_there_any_more_is_given_up_with_its_count(world, left, jobs):
    left()

    world.run(*jobs, until=10)

    assert states(world) == [(State.MISSED, Reason.TOO_LATE)]
    assert world.executions() == 0


@pytest.mark.parametrize("state", [State.CLAIMED, State.WAITING, State.RUNNING])
def test_a_run_of_a_living_dispatcher_is_left_alone(world, left, state):
    run = left(state=state, dispatcher=own_identity())

    world.run(a_job(schedule=HOURLY), until=10)

    assert world.rows() == [run]


def test_resumed_runs_come_oldest_first(world, left):
    for minutes in (3, 10, 5):
        left(f"job-{minutes}", scheduled_for=NOON - minutes * MINUTE)
    jobs = [a_job(f"job-{minutes}", HOURLY) for minutes in (3, 5, 10)]

    world.run(*jobs, max_parallel=1, until=10)

    assert [launch.job for launch in world.executor.gone] == ["job-10", "job-5", "job-3"]


def test_a_resumed_run_is_in_the_way_of_its_jobs_catch_up(world, left):
    left(scheduled_for=NOON - 30 * MINUTE)
    world.open_store().tick(ticked_until=NOON - 20 * MINUTE, now=NOON)

    world.run(a_job(schedule="*/15 * * * *"), until=10)

    assert [(run.state, run.scheduled_for - NOON) for run in world.rows()] == [
        (State.SUCCEEDED, -30 * MINUTE),
    ]


@pytest.mark.parametrize("method", ["adopt", "finish"])
def test_what_cannot_be_recorded_ends_the_start_and_is_found_again(world, left, method):
    left("claimed")
    left("running", state=State.RUNNING)
    jobs = [a_job("claimed", HOURLY), a_job("running", HOURLY)]
    scheduler = world.scheduler(*jobs)
    world.store.failures[method] = 1
    with pytest.raises(StateError, match="the disk is full"):
        scheduler.run()

    world.run(*jobs, until=10)

    assert {run.job: run.state for run in world.rows()} == {
        "claimed": State.SUCCEEDED,
        "running": State.LOST,
    }
    assert world.executions("claimed") == world.executions("running") == 1


def test_a_crash_loses_what_ran_and_resumes_what_had_not_begun(world):
    jobs = [a_job(f"job-{number}", "1 * * * *") for number in range(4)]
    world.executor.plans = {job.name: Plan(seconds=30) for job in jobs}
    scheduler = world.scheduler(*jobs, max_parallel=1)
    world.crash_at(65)
    with pytest.raises(Killed):
        scheduler.run()

    world.run(*jobs, until=5 * MINUTE)

    assert [(run.job, run.state) for run in world.rows()] == [
        ("job-0", State.LOST),
        ("job-1", State.SUCCEEDED),
        ("job-2", State.SUCCEEDED),
        ("job-3", State.SUCCEEDED),
    ]
    assert [world.executions(job.name) for job in jobs] == [1, 1, 1, 1]
    gone = [launch.run_id for launch in world.executor.gone]
    assert len(gone) == len(set(gone))


def test_a_crash_after_the_claim_and_before_the_start_costs_nothing(world):
    scheduler = world.scheduler(a_job(number_of_executions=1))
    world.executor.is_slow = True
    world.crash_at(61)
    with pytest.raises(Killed):
        scheduler.run()
    world.executor.is_slow = False

    world.run(a_job(number_of_executions=1), until=2 * MINUTE + 30)

    assert [(run.state, run.scheduled_for - NOON) for run in world.rows()] == [(State.SUCCEEDED, 60)]
    assert world.executions() == 1


def test_recovery_by_a_run_by_hand_leaves_other_jobs_claims_to_the_next_scheduler(world, left):
    other = left("other")
    left("tidy", state=State.RUNNING)

    found = recover(world.open_store(), {}, world.clock, job="tidy")

    assert [run.job for run in found.closed] == ["tidy"]
    assert other in world.rows()


def test_a_signal_during_recovery_is_not_lost(world, left):
    left()
    scheduler = world.scheduler(a_job(schedule=HOURLY))
    world.executor.signal_at(0, SIGTERM)

    assert scheduler.run() == 0

    assert world.rows()[0].state in (State.SUCCEEDED, State.CANCELLED)
