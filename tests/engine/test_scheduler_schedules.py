"""What the scheduler makes of schedules that are more than one cron text."""

from factories import DAY, HOUR, MINUTE, NOON, a_job

from cronjobs.core.events import SchedulePrinted
from cronjobs.core.run import State, Trigger


def ran(world, job=None):
    """Return when runs were due, in seconds after noon."""
    return [run.scheduled_for - NOON for run in world.rows(job) if run.started_at is not None]


def elapsed(world):
    return world.clock.monotonic() - 100_000.0


def test_every_start_runs_what_is_due_at_a_start_and_counts_it(world):
    job = a_job(schedule="@reboot", number_of_executions=2)

    world.run(job, until=10)
    world.run(job, until=elapsed(world) + 10)
    world.run(job, until=elapsed(world) + 10)

    assert [(run.trigger, run.state, run.execution_number) for run in world.rows()] == [
        (Trigger.SCHEDULE, State.SUCCEEDED, 1),
        (Trigger.SCHEDULE, State.SUCCEEDED, 2),
    ]


def test_starts_within_one_second_are_one_occurrence_each(world):
    job = a_job("tidy", "@reboot", "* * * * *")

    for _ in range(3):
        world.run(job, until=elapsed(world) + 0.2)

    assert ran(world) == [0, 1, 2]
    assert {run.state for run in world.rows()} == {State.SUCCEEDED}


def test_a_start_is_not_forgotten_while_it_cannot_be_claimed(world):
    scheduler = world.scheduler(a_job(schedule="@reboot"))
    world.store.failures = {"claim": 90}
    world.executor.signal_at(120, 15)

    scheduler.run()

    assert ran(world) == [0]


def test_exit_when_done_does_not_wait_for_another_start(world):
    assert world.run(a_job(schedule="@reboot"), exit_when_done=True) == 0
    assert ran(world) == [0]


def test_a_disabled_job_is_not_due_at_a_start_and_the_schedule_says_when_others_are(world):
    world.run(a_job("off", "@reboot", enabled=False), a_job("on", "@reboot"), until=10)

    (printed,) = world.observer.of(SchedulePrinted)
    assert {coming.job: coming.why for coming in printed.coming} == {
        "off": "disabled",
        "on": "at every start of the scheduler",
    }
    assert ran(world, "off") == []


def test_a_start_and_a_time_of_day_are_one_schedule(world):
    world.run(a_job("tidy", "@reboot", "1 12 * * *"), until=2 * MINUTE)

    assert ran(world) == [0, 60]


def test_bounds_and_exclusions_are_kept(world):
    job = a_job(
        schedule="*/10 * * * *",
        starts_at=NOON + 20 * MINUTE,
        ends_at=NOON + 50 * MINUTE,
        exclude=("30-39 * * * *",),
    )

    world.run(job, until=2 * HOUR)

    assert ran(world) == [20 * MINUTE, 40 * MINUTE, 50 * MINUTE]


def test_exit_when_done_ends_with_the_last_moment(world):
    assert world.run(a_job(ends_at=NOON + 2 * MINUTE), exit_when_done=True) == 0
    assert ran(world) == [60, 120]


def test_what_is_excluded_is_neither_caught_up_with_nor_missed(world):
    job = a_job(schedule="*/10 * * * *", exclude=("0-49 13 * * *",))
    world.run(job, until=10)
    world.clock.pass_by(1.7 * HOUR)  # to 13:42

    world.run(job, until=elapsed(world) + 30)

    missed, caught_up = world.rows()
    assert (missed.state, missed.skipped_count) == (State.MISSED, 4)
    assert (caught_up.trigger, caught_up.scheduled_for - NOON) == (Trigger.CATCH_UP, 50 * MINUTE)


def test_a_job_whose_exclusions_change_owes_nothing_from_before(world):
    world.run(a_job(schedule="*/10 * * * *"), until=10)
    world.clock.pass_by(HOUR)

    world.run(a_job(schedule="*/10 * * * *", exclude=("2026-12-25",)), until=elapsed(world) + 30)

    assert world.rows() == []


def test_elapsed_time_goes_on_over_a_restart(world):
    job = a_job(schedule="@every 7m")

    world.run(job, until=10 * MINUTE)
    world.clock.pass_by(2 * MINUTE)
    world.run(job, until=elapsed(world) + 10 * MINUTE)

    assert ran(world) == [7 * MINUTE, 14 * MINUTE, 21 * MINUTE]


def test_a_hash_is_the_same_after_a_restart(world):
    job = a_job(schedule="H * * * *")

    world.run(job, until=2 * HOUR)
    world.run(job, until=elapsed(world) + DAY / 12)

    first, *others = ran(world)
    assert [instant - first for instant in others] == [HOUR, 2 * HOUR, 3 * HOUR]
