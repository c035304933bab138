"""Somebody sets the clock while the scheduler runs, or the machine sleeps."""

import pytest
from factories import DAY, HOUR, MINUTE, NOON, a_job
from fakes import Killed

from cronjobs.core.run import Reason, State, Trigger

FIXED = "30 12,13 * * *"


def set_clock(world, seconds, *, at):
    world.executor.at(at, lambda: world.clock.set_forward(seconds))


def started(world, job=None):
    runs = [run for run in world.rows(job) if run.started_at is not None]
    return sorted((run.scheduled_for - NOON, run.trigger) for run in runs)


def missed(world, job=None):
    return [
        (run.first_scheduled_for - NOON, run.scheduled_for - NOON, run.skipped_count, run.reason)
        for run in world.rows(job)
        if run.state is State.MISSED
    ]


def notes(world, *words):
    return [event for event in world.observer.events if getattr(event, "event", None) in words]


JUMPS = ("clock_forward", "clock_backward", "suspended", "stalled")


@pytest.mark.parametrize("far", [1.1 * HOUR, 3 * HOUR - 60])
def test_forward_by_up_to_three_hours_a_fixed_job_runs_once(world, far):
    set_clock(world, far, at=10)

    world.run(a_job(schedule="30 12 * * *"), until=60)

    assert started(world) == [(30 * MINUTE, Trigger.CATCH_UP)]
    (note,) = notes(world, *JUMPS)
    assert note.event == "clock_forward"


def test_of_several_skipped_times_the_latest_runs(world):
    set_clock(world, 2 * HOUR, at=10)

    world.run(a_job(schedule=FIXED), until=60)

    assert started(world) == [(90 * MINUTE, Trigger.CATCH_UP)]
    assert missed(world) == [(30 * MINUTE, 30 * MINUTE, 1, Reason.CLOCK)]


def test_forward_by_up_to_three_hours_a_wildcard_job_goes_on(world):
    set_clock(world, HOUR, at=10)

    world.run(a_job(), until=130)

    assert missed(world) == [(60, HOUR, 60, Reason.CLOCK)]
    assert started(world) == [(HOUR + 60, Trigger.SCHEDULE), (HOUR + 120, Trigger.SCHEDULE)]


def test_an_instant_that_was_waited_for_is_no_part_of_the_jump(world):
    set_clock(world, HOUR, at=59)

    world.run(a_job(), until=65)

    assert started(world) == [(HOUR + 60, Trigger.SCHEDULE)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("30 12 * * *", []),
        ("30 15 * * *", [(3.5 * HOUR, Trigger.CATCH_UP)]),
        ("*/30 * * * *", [(4 * HOUR, Trigger.CATCH_UP)]),
    ],
)
def test_forward_by_more_than_three_hours_is_left_to_catch_up(world, schedule, expected):
    set_clock(world, 4 * HOUR, at=10)

    world.run(a_job(schedule=schedule), until=60)

    assert started(world) == expected
    assert all(reason is Reason.TOO_LATE for *_, reason in missed(world))
    assert len(notes(world, *JUMPS)) == 1


def test_a_suspension_is_left_to_catch_up_and_called_what_it_is(world):
    world.executor.at(10, lambda: world.clock.suspend(2 * HOUR))

    world.run(a_job(), a_job("fixed", FIXED), until=60)

    assert started(world) == [(90 * MINUTE, Trigger.CATCH_UP), (2 * HOUR, Trigger.CATCH_UP)]
    assert [note.event for note in notes(world, *JUMPS)] == ["suspended"]


def test_a_stall_is_one_line_too(world):
    world.executor.at(10, lambda: world.clock.pass_by(10 * MINUTE))

    world.run(a_job(), until=11 * MINUTE)

    assert [note.event for note in notes(world, *JUMPS)] == ["stalled"]
    assert "9 min 40 s" in notes(world, "stalled")[0].message


@pytest.mark.parametrize("seconds", [59, -59])
def test_a_correction_is_no_jump(world, seconds):
    set_clock(world, seconds, at=10)

    world.run(a_job(schedule="0 * * * *"), until=60)

    assert notes(world, *JUMPS) == []


def test_after_it_was_set_back_a_job_rests_until_its_last_occurrence_is_past(world):
    set_clock(world, -10 * MINUTE, at=10 * MINUTE + 30)

    world.run(a_job(), until=25 * MINUTE + 5)

    assert [instant for instant, _ in started(world)] == [minute * MINUTE for minute in range(1, 16)]
    (note,) = notes(world, *JUMPS)
    assert note.event == "clock_backward"
    assert "rest until 2026-11-23T12:10:" in note.message


def test_set_back_before_the_start_what_never_ran_runs(world):
    set_clock(world, -HOUR, at=90)

    world.run(a_job(schedule="*/30 * * * *"), until=90 + HOUR)

    assert [instant for instant, _ in started(world)] == [-30 * MINUTE, 0]


def test_a_last_moment_that_is_ahead_again_is_not_run_twice_and_others_come_back(world):
    job = a_job(schedule="*/10 * * * *", ends_at=NOON + 20 * MINUTE)
    set_clock(world, -45 * MINUTE, at=30 * MINUTE)

    world.run(job, until=90 * MINUTE)

    assert [instant // MINUTE for instant, _ in started(world)] == [-10, 0, 10, 20]


def test_what_a_jump_owes_is_not_forgotten_while_it_cannot_be_claimed(world):
    scheduler = world.scheduler(a_job(schedule=FIXED))
    set_clock(world, HOUR, at=10)
    world.executor.at(9, lambda: world.store.failures.update(claim=20))
    world.executor.signal_at(120, 15)

    scheduler.run()

    assert started(world) == [(30 * MINUTE, Trigger.CATCH_UP)]


def test_what_a_jump_owes_is_not_forgotten_by_a_crash(world):
    scheduler = world.scheduler(a_job(schedule=FIXED))
    set_clock(world, HOUR, at=10)
    world.executor.at(9, lambda: world.store.failures.update(claim=1000))
    world.crash_at(70)
    with pytest.raises(Killed):
        scheduler.run()

    world.run(a_job(schedule=FIXED), until=world.clock.monotonic() - 100_000 + 10)

    assert started(world) == [(30 * MINUTE, Trigger.CATCH_UP)]


def test_a_limit_holds_whatever_the_clock_does(world):
    for at, seconds in [(100, HOUR), (200, -2 * HOUR), (300, 5 * HOUR), (400, -DAY), (500, DAY)]:
        set_clock(world, seconds, at=at)

    world.run(a_job(number_of_executions=7), until=HOUR)

    runs = [run for run in world.rows() if run.started_at is not None]
    assert sorted(run.execution_number for run in runs) == [1, 2, 3, 4, 5, 6, 7]
    assert len({run.scheduled_for for run in runs}) == 7
    assert [note.event for note in notes(world, *JUMPS)] == [
        *("clock_forward", "clock_backward", "clock_forward", "clock_backward", "clock_forward"),
    ]


def test_processes_made_for_an_instant_that_was_jumped_over_are_dropped(world):
    set_clock(world, 2 * HOUR, at=HOUR - 0.02)

    world.run(a_job(schedule="0 * * * *"), until=HOUR + 5, max_armed=10)

    assert len(world.executor.dropped) == len(world.executor.prepared) - len(world.executor.gone)
    assert len(started(world)) == len(world.executor.gone)


def test_a_stall_in_the_middle_of_a_turn_is_seen_too(world):
    scheduler = world.scheduler(a_job(schedule="*/10 * * * * *"))
    starts = iter(range(1, 1000))
    world.store.before = {"start": lambda: world.clock.pass_by(10 * MINUTE if next(starts) == 3 else 0)}
    world.executor.signal_at(11 * MINUTE, 15)

    scheduler.run()

    assert [note.event for note in notes(world, *JUMPS)] == ["stalled"]
