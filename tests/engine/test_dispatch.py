"""One run from its claim to its record: room, go, time limits, and a state file that cannot be written."""

from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from factories import HOUR, MINUTE, NOON, a_job
from fakes import NO_PID, Killed, Plan

from cronjobs.core.errors import StateLostError
from cronjobs.core.events import Note, OutputLine, RunFinished, RunStarted
from cronjobs.core.failure import Failure
from cronjobs.core.job import Concurrency
from cronjobs.core.ports import Ended, Printed, Unprepared, Vanished
from cronjobs.core.run import Reason, State, Usage

EVERY_SECOND = "* * * * * *"
ONCE = {"number_of_executions": 1}


def due_together(how_many, **rest):
    return [a_job(f"job-{number}", **rest) for number in range(how_many)]


def names(launches):
    return [launch.job for launch in launches]


# Claim, running, go


def test_a_process_is_asked_for_after_the_claim_is_committed(world):
    scheduler = world.scheduler(a_job())
    world.store.failures["claim"] = 2
    world.executor.signal_at(90, SIGTERM)
    prepare, seen = world.executor.prepare, []

    def look_and_prepare(launches):
        seen.extend((launch.run_id, world.rows()[0].id, world.executions()) for launch in launches)
        prepare(launches)

    world.executor.prepare = look_and_prepare

    scheduler.run()

    assert seen == [("tidy@2026-11-23T12:01:00Z", "tidy@2026-11-23T12:01:00Z", 1)]


def test_running_is_committed_before_go(world):
    seen = []
    world.executor.on_go = lambda launch: seen.extend(world.rows(launch.job))

    world.run(*due_together(3), until=90)

    assert len(seen) == 3
    assert {run.state for run in seen} == {State.RUNNING}
    assert [run.started_at for run in seen] == pytest.approx([NOON + MINUTE] * 3, abs=0.01)
    assert [(run.pid, run.start_ticks) for run in seen] == [(NO_PID + number, 99) for number in (1, 2, 3)]


def test_a_run_is_told_what_it_is(world):
    world.run(a_job(number_of_executions=3), until=150)

    second = world.executor.gone[1]
    assert second[1:] == ("tidy", "tidy@2026-11-23T12:02:00Z", NOON + 2 * MINUTE, 1, 2, 1)


def test_starts_that_happen_together_are_committed_together(world):
    scheduler = world.scheduler(*due_together(50))
    world.store.failures["start"] = 1
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    assert world.store.refused == ["start"]
    assert len(world.executor.dropped) == 50
    assert len(world.executor.gone) == 50


# Room


def test_no_more_runs_live_than_there_is_room_for(world):
    world.run(*due_together(20, **ONCE), max_parallel=3, exit_when_done=True)

    assert world.executor.most_living == 3
    assert {run.state for run in world.rows()} == {State.SUCCEEDED}


def test_processes_are_asked_for_within_the_room_only(world):
    world.executor.plans = {job.name: Plan(seconds=None) for job in due_together(20)}

    world.run(*due_together(20), max_parallel=3, until=90)

    assert len(world.executor.prepared) == 3


def test_runs_without_room_are_written_as_waiting(world):
    seen = []
    world.executor.at(60.5, lambda: seen.extend(world.rows()))

    world.run(*due_together(5), max_parallel=2, until=90)

    assert [run.state for run in seen] == [State.RUNNING] * 2 + [State.WAITING] * 3
    assert {run.claimed_at for run in seen} == {seen[0].claimed_at}


def test_waiting_runs_keep_the_order_of_their_occurrences(world):
    jobs = [a_job("first", "1 * * * *"), *due_together(3, schedule="2 * * * *"), a_job("last", "3 * * * *")]
    world.executor.plans = {job.name: Plan(seconds=150) for job in jobs}

    world.run(*jobs, max_parallel=1, until=15 * MINUTE)

    assert names(world.executor.gone) == ["first", "job-0", "job-1", "job-2", "last"]


def test_a_waiting_run_is_in_its_jobs_way(world):
    world.executor.plans["long"] = Plan(seconds=150)

    world.run(a_job("long", **ONCE), a_job(), max_parallel=1, until=6 * MINUTE)

    assert [(run.state, run.scheduled_for - NOON) for run in world.rows("tidy")] == [
        (State.SUCCEEDED, 60),
        (State.SKIPPED, 180),
        (State.SUCCEEDED, 240),
        (State.SUCCEEDED, 300),
    ]


# Time limits


def test_a_run_over_its_time_is_ended_gently_first(world):
    world.executor.plans["tidy"] = Plan(seconds=None)

    world.run(a_job(timeout_seconds=5.0, **ONCE), exit_when_done=True)

    (run,) = world.rows()
    assert (run.state, run.reason, run.exit_code, run.signal) == (State.TIMED_OUT, None, None, "SIGTERM")
    assert run.finished_at - run.started_at == pytest.approx(5, abs=0.01)
    assert world.executor.signals == [(pytest.approx(65, abs=0.01), "tidy", SIGTERM)]


def test_a_run_that_does_not_heed_is_killed_after_its_respite(world):
    world.executor.plans["tidy"] = Plan(seconds=None, heeds_sigterm=False)

    world.run(a_job(timeout_seconds=5.0, kill_after_seconds=3.0, **ONCE), exit_when_done=True)

    (run,) = world.rows()
    assert (run.state, run.signal) == (State.TIMED_OUT, "SIGKILL")
    assert world.executor.signals == [
        (pytest.approx(65, abs=0.01), "tidy", SIGTERM),
        (pytest.approx(68, abs=0.01), "tidy", SIGKILL),
    ]


def test_a_run_that_leaves_in_its_respite_is_not_killed(world):
    world.executor.plans["tidy"] = Plan(seconds=6, heeds_sigterm=False)

    world.run(a_job(timeout_seconds=5.0, kill_after_seconds=3.0, **ONCE), until=2 * MINUTE)

    (run,) = world.rows()
    assert (run.state, run.exit_code) == (State.TIMED_OUT, 0)
    assert [signum for _, _, signum in world.executor.signals] == [SIGTERM]


def test_a_run_within_its_time_is_left_alone(world):
    world.executor.plans["tidy"] = Plan(seconds=4.9)

    world.run(a_job(timeout_seconds=5.0, **ONCE), until=2 * MINUTE)

    assert [run.state for run in world.rows()] == [State.SUCCEEDED]
    assert world.executor.signals == []


def test_the_time_of_one_run_is_not_that_of_the_next(world):
    world.executor.plans["tidy"] = Plan(seconds=50)

    world.run(a_job(timeout_seconds=70.0), until=5 * MINUTE)

    assert {run.state for run in world.rows()} == {State.SUCCEEDED}


def test_time_counts_from_go_and_not_from_the_claim(world):
    world.executor.plans["long"] = Plan(seconds=100)
    world.executor.plans["tidy"] = Plan(seconds=50)

    world.run(a_job("long", **ONCE), a_job(timeout_seconds=60.0, **ONCE), max_parallel=1, exit_when_done=True)

    assert {run.state for run in world.rows()} == {State.SUCCEEDED}


# What an executor says


@pytest.fixture
def run_of(world):
    """A run of `tidy` that is running for good, ready to be told something of: its number."""
    world.executor.plans["tidy"] = Plan(seconds=None)
    numbers = []
    world.executor.on_go = lambda launch: numbers.append(launch.number)

    def run(event, **options):
        world.executor.at(62, lambda: world.executor.tell(event(numbers[0])))
        world.run(a_job(**ONCE), exit_when_done=True, **options)
        return world.rows()[0]

    return run


def test_an_outcome_is_recorded_as_it_was_seen(run_of):
    error = Failure("ValueError", "no such cart", "Traceback ...")
    usage = Usage(0.5, 0.25, 1 << 25)

    run = run_of(lambda number: Ended(number, NOON + 61.75, 1, None, error, usage))

    assert (run.state, run.finished_at, run.exit_code, run.signal) == (State.FAILED, NOON + 61.75, 1, None)
    assert (run.error, run.usage) == (error, usage)


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGKILL"])
def test_a_run_that_a_signal_ended_has_failed(run_of, signal):
    run = run_of(lambda number: Ended(number, NOON + 61.75, None, signal, None, None))

    assert (run.state, run.exit_code, run.signal) == (State.FAILED, None, signal)


def test_a_run_whose_zygote_died_is_lost_and_not_run_again(world, run_of):
    run = run_of(Vanished)

    assert (run.state, run.reason) == (State.LOST, Reason.ZYGOTE)
    assert len(world.executor.gone) == world.executions() == 1


def test_a_runs_lines_are_passed_on(world, run_of):
    run_of(lambda number: Printed(number, "stderr", "careful"), until=100)

    (line,) = world.observer.of(OutputLine)
    assert (line.run.id, line.stream, line.text) == ("tidy@2026-11-23T12:01:00Z", "stderr", "careful")


def test_what_is_said_of_a_run_that_is_over_is_ignored(world):
    def say_it_again():
        for event in (Vanished(1), Printed(1, "stdout", "late"), Ended(1, 0, 1, None, None, None)):
            world.executor.tell(event)

    world.executor.at(80, say_it_again)

    world.run(a_job(), until=90)

    assert [run.state for run in world.rows()] == [State.SUCCEEDED]
    assert world.observer.of(OutputLine) == []


def test_a_run_that_cannot_be_imported_has_failed_and_counts(world):
    error = Failure("ModuleNotFoundError", "No module named 'shop'")
    prepare = world.executor.prepare

    def refuse(launches):
        prepare([])
        for launch in launches:
            world.executor.tell(Unprepared(launch.number, error.message, error))

    world.executor.prepare = refuse

    world.run(a_job(**ONCE), exit_when_done=True)

    (run,) = world.rows()
    assert (run.state, run.exit_code, run.error) == (State.FAILED, 1, error)
    assert world.executions() == 1
    assert world.executor.gone == []


def test_a_process_that_cannot_be_made_is_tried_again(world):
    world.executor.unprepared["tidy"] = 3

    world.run(a_job(**ONCE), until=90)

    (run,) = world.rows()
    assert (run.state, run.execution_number) == (State.SUCCEEDED, 1)
    assert run.started_at - run.scheduled_for == pytest.approx(3, abs=0.1)
    assert world.observer.notes().count("start_failed") == 3


def test_a_process_that_cannot_be_made_for_an_hour_is_given_up_with_its_count(world):
    world.executor.unprepared["tidy"] = 100_000

    world.run(a_job(schedule="1 12 * * *", **ONCE), until=HOUR + 5 * MINUTE)

    (run,) = world.rows()
    assert (run.state, run.reason) == (State.MISSED, Reason.TOO_LATE)
    assert world.executions() == 0


def test_a_process_that_is_gone_before_go_is_replaced_and_counted_once(world):
    world.executor.gone_early["tidy"] = 2

    world.run(a_job(**ONCE), until=90)

    (run,) = world.rows()
    assert (run.state, run.execution_number) == (State.SUCCEEDED, 1)
    assert len(world.executor.prepared) == 3
    assert len(world.observer.of(RunStarted)) == 1


# A state file that cannot be written


def test_a_claim_that_cannot_be_committed_starts_nothing_and_is_tried_again(world):
    scheduler = world.scheduler(a_job())
    world.store.failures["claim"] = 5
    world.executor.signal_at(90, SIGTERM)
    seen = []
    world.executor.at(64.5, lambda: seen.append((world.rows(), world.executor.prepared[:])))

    scheduler.run()

    assert seen == [([], [])]
    (run,) = world.rows()
    assert (run.state, run.scheduled_for - NOON) == (State.SUCCEEDED, 60)
    assert run.started_at - run.scheduled_for == pytest.approx(5, abs=0.1)
    assert world.observer.notes().count("claim_failed") == 1


def test_a_claim_that_cannot_be_committed_for_minutes_is_left_to_catch_up(world):
    scheduler = world.scheduler(a_job())
    world.store.failures["claim"] = 150
    world.executor.signal_at(4.5 * MINUTE, SIGTERM)

    scheduler.run()

    assert [(run.state, run.trigger.value, run.scheduled_for - NOON) for run in world.rows()] == [
        (State.MISSED, "catch_up", 120),
        (State.SUCCEEDED, "catch_up", 180),
        (State.SUCCEEDED, "schedule", 240),
    ]


def test_what_could_not_be_claimed_before_a_crash_is_owed_after_it(world):
    scheduler = world.scheduler(a_job(schedule="1 * * * *"))
    world.store.failures["claim"] = 100_000
    world.crash_at(5 * MINUTE)
    with pytest.raises(Killed):
        scheduler.run()

    world.run(a_job(schedule="1 * * * *"), until=6 * MINUTE)

    assert [(run.state, run.scheduled_for - NOON) for run in world.rows()] == [(State.SUCCEEDED, 60)]


def test_running_that_cannot_be_committed_drops_the_process_and_starts_another_later(world):
    scheduler = world.scheduler(a_job(**ONCE))
    world.store.failures["start"] = 2
    world.executor.signal_at(90, SIGTERM)
    seen = []
    world.executor.at(60.5, lambda: seen.extend(world.rows()))

    scheduler.run()

    assert [(run.state, run.started_at, run.pid) for run in seen] == [(State.CLAIMED, None, None)]
    assert names(world.executor.dropped) == ["tidy", "tidy"]
    assert len(world.executor.gone) == 1
    (run,) = world.rows()
    assert (run.state, run.execution_number, run.pid) == (State.SUCCEEDED, 1, NO_PID + 3)


def test_runs_put_off_together_keep_the_order_of_their_occurrences(world):
    scheduler = world.scheduler(*due_together(5), max_parallel=1)
    world.store.failures["start"] = 1
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    assert names(world.executor.gone) == [f"job-{number}" for number in range(5)]


def test_runs_that_were_to_start_together_keep_their_order_after_a_failed_commit(world):
    scheduler = world.scheduler(*due_together(5))
    world.store.failures["start"] = 1
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    assert names(world.executor.gone) == [f"job-{number}" for number in range(5)]


def test_an_outcome_that_cannot_be_committed_is_kept_and_tried_again(world):
    scheduler = world.scheduler(a_job(**ONCE))
    world.store.failures["finish"] = 5
    world.executor.signal_at(90, SIGTERM)
    seen = []
    world.executor.at(64, lambda: seen.extend(world.rows()))

    scheduler.run()

    assert [run.state for run in seen] == [State.RUNNING]
    (run,) = world.rows()
    assert run.state is State.SUCCEEDED
    assert run.finished_at - run.started_at == pytest.approx(1, abs=0.01)
    assert len(world.observer.of(RunFinished)) == 1


def test_a_run_whose_outcome_is_not_recorded_counts_as_running(world):
    scheduler = world.scheduler(a_job(schedule="*/5 * * * * *"))
    world.store.failures["finish"] = 6
    world.executor.signal_at(14, SIGTERM)

    scheduler.run()

    assert [(run.scheduled_for - NOON, run.state) for run in world.rows()] == [
        (5, State.SUCCEEDED),
        (10, State.SUCCEEDED),
    ]
    assert world.executor.most_living == 1
    assert world.rows()[1].claimed_at - NOON > 11


def test_exit_when_done_waits_for_the_last_record(world):
    scheduler = world.scheduler(a_job(**ONCE), exit_when_done=True)
    world.store.failures["finish"] = 20

    scheduler.run()

    assert [run.state for run in world.rows()] == [State.SUCCEEDED]


def test_an_unwritable_state_file_is_told_of_once_and_its_recovery_too(world):
    scheduler = world.scheduler(a_job(**ONCE))
    world.store.failures["finish"] = 5
    world.executor.signal_at(90, SIGTERM)

    scheduler.run()

    notes = [note.event for note in world.observer.of(Note)]
    assert (notes.count("state_unwritable"), notes.count("state_writable")) == (1, 1)


def test_waiting_that_cannot_be_committed_keeps_nothing_from_running(world):
    scheduler = world.scheduler(*due_together(3, **ONCE), max_parallel=1, exit_when_done=True)
    world.store.failures["wait"] = 1

    scheduler.run()

    assert [run.state for run in world.rows()] == [State.SUCCEEDED] * 3


def test_a_disk_that_fails_all_the_time_makes_nothing_spin_and_nothing_be_lost(world):
    scheduler = world.scheduler(*due_together(3, concurrency=Concurrency.ALLOW, schedule="*/10 * * * * *"))
    for method in ("claim", "wait", "start", "finish", "tick", "prune"):
        world.store.failures[method] = 12
    world.executor.signal_at(4 * MINUTE, SIGTERM)

    scheduler.run()

    assert {run.state for run in world.rows()} <= {State.SUCCEEDED, State.MISSED}
    for number in range(3):
        rows = world.rows(f"job-{number}")
        assert sum(run.skipped_count or 1 for run in rows) == 23
        assert world.executions(f"job-{number}") == sum(run.execution_number is not None for run in rows)


@pytest.mark.parametrize("method", ["claim", "start", "finish"])
def test_a_state_file_that_is_gone_ends_the_scheduler(world, method):
    scheduler = world.scheduler(a_job(schedule=EVERY_SECOND))
    world.store.before[method] = lambda: Path(world.path).unlink()

    with pytest.raises(StateLostError, match="was removed or replaced"):
        scheduler.run()
