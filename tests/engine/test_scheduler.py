"""What becomes of due occurrences: claims, limits, overlaps, and what was not looked at in time."""

from signal import SIGTERM, SIGUSR1

import pytest
from factories import DAY, HOUR, MINUTE, NOON, a_claim, a_job
from fakes import Killed, Plan

from cronjobs.core.errors import StateError
from cronjobs.core.events import RunFinished, RunSkipped, RunStarted, SchedulePrinted
from cronjobs.core.job import Concurrency
from cronjobs.core.ports import Definition
from cronjobs.core.run import Reason, State, Trigger
from cronjobs.processes import Identity

HOURLY = "0 * * * *"
EVERY_SECOND = "* * * * * *"
EVERY_TEN_SECONDS = "*/10 * * * * *"


def seconds_of(runs):
    return [run.scheduled_for - NOON for run in runs]


def test_a_job_runs_at_each_of_its_instants(world):
    world.run(a_job(), until=3.5 * MINUTE)

    rows = world.rows()
    assert seconds_of(rows) == [60, 120, 180]
    assert {(run.state, run.trigger, run.exit_code) for run in rows} == {
        (State.SUCCEEDED, Trigger.SCHEDULE, 0)
    }
    assert [run.started_at - run.scheduled_for for run in rows] == pytest.approx([0, 0, 0], abs=0.01)
    assert [run.finished_at - run.started_at for run in rows] == pytest.approx([1, 1, 1], abs=0.01)


def test_an_occurrence_at_the_instant_of_the_start_is_not_owed(world):
    world.run(a_job(schedule=HOURLY), until=10)

    assert world.rows() == []


def test_a_run_that_exits_with_an_error_has_failed(world):
    world.executor.plans["tidy"] = Plan(exit_code=3)

    world.run(a_job(), until=90)

    assert [(run.state, run.exit_code) for run in world.rows()] == [(State.FAILED, 3)]


def test_all_that_is_due_at_an_instant_is_claimed_in_one_transaction(world):
    jobs = [a_job(f"job-{number}") for number in range(20)]
    scheduler = world.scheduler(*jobs)
    world.store.failures["claim"] = 1
    world.executor.signal_at(75, SIGTERM)

    scheduler.run()

    assert world.store.refused == ["claim"]
    assert [run.job for run in world.rows()] == [job.name for job in jobs]
    assert len({run.claimed_at for run in world.rows()}) == 1


def test_the_coming_runs_are_printed_first(world):
    world.run(
        a_job("later", HOURLY),
        a_job("sooner", number_of_executions=3),
        a_job("off", enabled=False),
        until=10,
    )

    (printed,) = world.observer.of(SchedulePrinted)
    assert world.observer.events[0] == printed
    assert [
        (each.job, each.scheduled_for and each.scheduled_for - NOON, each.execution_number, each.why)
        for each in printed.coming
    ] == [("sooner", 60, 1, ""), ("later", 3600, 1, ""), ("off", None, 1, "disabled")]


def test_a_disabled_job_does_not_run(world):
    world.run(a_job(enabled=False), a_job("other"), until=90)

    assert [run.job for run in world.rows()] == ["other"]


def test_observers_are_told_of_start_and_end(world):
    world.run(a_job(number_of_executions=3), until=90)

    (started,), (finished,) = world.observer.of(RunStarted), world.observer.of(RunFinished)
    assert (started.run.id, started.run.state, started.number_of_executions) == (
        "tidy@2026-11-23T12:01:00Z",
        State.RUNNING,
        3,
    )
    assert (finished.run.id, finished.run.state) == ("tidy@2026-11-23T12:01:00Z", State.SUCCEEDED)


def test_a_job_that_is_due_soon_is_made_ready_for(world):
    world.run(a_job("soon"), a_job("later", HOURLY), until=70)

    assert world.executor.warmed[0] == (pytest.approx(55, abs=0.01), ["soon"])


def test_nothing_is_waited_for_longer_than_half_a_minute(world):
    world.run(a_job(schedule=HOURLY), until=10 * MINUTE)

    assert max(world.executor.waits) <= 30


# Limits


def test_a_job_never_runs_past_its_limit(world):
    world.run(a_job(number_of_executions=3), until=10 * MINUTE)

    assert seconds_of(world.rows()) == [60, 120, 180]
    assert [run.execution_number for run in world.rows()] == [1, 2, 3]
    assert world.executions() == 3


def test_a_limit_holds_over_restarts(world):
    for until in (90, 210, 330, 450):
        world.run(a_job(number_of_executions=3), until=until)

    assert world.executions() == len(world.rows()) == 3


def test_failed_runs_count(world):
    world.executor.plans["tidy"] = Plan(exit_code=1)

    world.run(a_job(number_of_executions=2), until=10 * MINUTE)

    assert [run.state for run in world.rows()] == [State.FAILED, State.FAILED]


def test_a_job_that_has_used_up_its_limit_says_so(world):
    world.run(a_job(number_of_executions=2), until=10 * MINUTE)

    said = [event for event in world.observer.events if getattr(event, "event", "") == "job_done"]
    assert [note.message.partition(":")[0] for note in said] == ["done 2/2"]
    assert said[0].job == "tidy"


def test_a_job_without_a_limit_says_nothing_of_the_kind(world):
    world.run(a_job(), until=10 * MINUTE)

    assert "job_done" not in world.observer.notes()


def test_a_used_up_job_is_listed_as_done(world):
    world.run(a_job(number_of_executions=1), until=90)

    world.run(a_job(number_of_executions=1), until=180)

    coming = world.observer.of(SchedulePrinted)[1].coming
    assert [(each.scheduled_for, each.why) for each in coming] == [(None, "done 1/1")]


def test_exit_when_done_ends_with_the_last_run(world):
    world.executor.plans["tidy"] = Plan(seconds=100)

    code = world.run(
        a_job(number_of_executions=2, schedule="*/5 * * * *"),
        a_job("other", number_of_executions=1),
        exit_when_done=True,
    )

    assert code == 0
    assert world.clock.now() - NOON == pytest.approx(10 * MINUTE + 100, abs=1)
    assert {run.state for run in world.rows()} == {State.SUCCEEDED}
    assert world.observer.notes()[-1] == "stopped"


def test_exit_when_done_ends_with_0_after_failures(world):
    world.executor.plans["tidy"] = Plan(exit_code=1)

    assert world.run(a_job(number_of_executions=1), exit_when_done=True) == 0


@pytest.mark.parametrize("jobs", [[], [a_job(enabled=False)]], ids=["no job", "a disabled one"])
def test_exit_when_done_ends_at_once_where_nothing_can_run(world, jobs):
    assert world.run(*jobs, exit_when_done=True) == 0
    assert world.clock.now() - NOON < 1


def test_exit_when_done_ends_after_a_restart_that_finds_all_done(world):
    world.run(a_job(number_of_executions=1), until=90)

    code = world.run(a_job(number_of_executions=1), exit_when_done=True)

    assert code == 0
    assert len(world.rows()) == 1


def test_without_exit_when_done_it_goes_on_until_a_signal(world):
    world.run(a_job(number_of_executions=1), until=2 * HOUR)

    assert world.clock.now() - NOON >= 2 * HOUR


# Overlaps


def test_forbid_skips_while_a_run_is_unfinished(world):
    world.executor.plans["tidy"] = Plan(seconds=150)

    world.run(a_job(), until=4.2 * MINUTE)

    assert [
        (run.state, run.reason, run.scheduled_for - NOON, run.skipped_count) for run in world.rows()[:2]
    ] == [(State.SUCCEEDED, None, 60, None), (State.SKIPPED, Reason.OVERLAP, 180, 2)]
    assert [event.run.skipped_count for event in world.observer.of(RunSkipped)] == [1, 2]
    assert seconds_of(world.rows()) == [60, 180, 240]


def test_a_skipped_occurrence_does_not_count(world):
    world.executor.plans["tidy"] = Plan(seconds=150)

    world.run(a_job(number_of_executions=2), until=10 * MINUTE)

    assert seconds_of(run for run in world.rows() if run.execution_number) == [60, 240]


def test_allow_starts_beside_an_unfinished_run(world):
    world.executor.plans["tidy"] = Plan(seconds=150)

    world.run(a_job(concurrency=Concurrency.ALLOW), until=3.9 * MINUTE)

    assert seconds_of(world.rows()) == [60, 120, 180]
    assert world.executor.most_living == 3


def test_a_run_by_hand_is_in_the_way_as_long_as_its_dispatcher_lives(world):
    by_hand = world.open_store()
    by_hand.define([Definition("tidy", "-")], NOON)
    by_hand.claim_manual(a_claim(trigger=Trigger.MANUAL), counted=False, now=NOON)

    world.run(a_job(), until=90)

    assert [(run.trigger, run.state) for run in world.rows()] == [
        (Trigger.MANUAL, State.CLAIMED),
        (Trigger.SCHEDULE, State.SKIPPED),
    ]


def test_a_run_by_hand_whose_dispatcher_is_gone_is_not_in_the_way(world):
    job = a_job()
    scheduler = world.scheduler(job)
    world.executor.signal_at(90, SIGTERM)

    def leave_a_run_behind():
        by_hand = world.open_store(Identity("another boot", 4711, 99))
        by_hand.claim_manual(a_claim(trigger=Trigger.MANUAL), counted=False, now=NOON)

    world.executor.at(30, leave_a_run_behind)

    scheduler.run()

    assert [(run.trigger, run.state, run.reason) for run in world.rows()] == [
        (Trigger.MANUAL, State.MISSED, Reason.TOO_LATE),
        (Trigger.SCHEDULE, State.SUCCEEDED, None),
    ]


def test_a_claim_whose_dispatcher_goes_while_this_one_runs_is_taken_over(world):
    """The lock of a scheduler that is killed is free a moment before its process is seen to be gone."""
    scheduler = world.scheduler(a_job())
    world.executor.signal_at(90, SIGTERM)

    def leave_a_claim_behind():
        other = world.open_store(Identity("another boot", 4711, 99))
        other.claim([a_claim(scheduled_for=NOON + 20)], [], ticked_until=NOON + 20, now=NOON + 20)

    world.executor.at(30, leave_a_claim_behind)

    scheduler.run()

    assert [(run.scheduled_for - NOON, run.state) for run in world.rows()] == [
        (20, State.SUCCEEDED),
        (60, State.SKIPPED),
    ]


# Too late


def stall(world, seconds, *, at):
    """Have the scheduler's process be stopped for a while."""
    world.executor.at(at, lambda: world.clock.pass_by(seconds))


@pytest.mark.parametrize(
    ("late_seconds", "trigger"),
    [(1, Trigger.SCHEDULE), (59, Trigger.SCHEDULE), (61, Trigger.CATCH_UP), (3599, Trigger.CATCH_UP)],
)
def test_an_occurrence_that_is_over_a_minute_late_is_left_to_catch_up(world, late_seconds, trigger):
    stall(world, late_seconds + 1, at=HOUR - 1)

    world.run(a_job(schedule="0 13 * * *"), until=HOUR + late_seconds + 10)

    assert [(run.scheduled_for - NOON, run.trigger, run.state) for run in world.rows()] == [
        (HOUR, trigger, State.SUCCEEDED)
    ]


def test_of_several_late_occurrences_the_latest_runs_and_the_others_share_a_row(world):
    stall(world, 5 * MINUTE, at=30)

    world.run(a_job(), until=345)

    assert [
        (run.state, run.trigger, run.first_scheduled_for and run.first_scheduled_for - NOON)
        for run in world.rows()
    ] == [(State.MISSED, Trigger.CATCH_UP, 60), (State.SUCCEEDED, Trigger.CATCH_UP, None)]
    missed, caught_up = world.rows()
    assert (missed.scheduled_for - NOON, missed.skipped_count) == (240, 4)
    assert caught_up.scheduled_for - NOON == 300


def test_an_occurrence_older_than_the_window_is_missed(world):
    stall(world, 3 * HOUR, at=30)

    world.run(a_job(schedule="30 12 * * *"), until=3 * HOUR + 60)

    assert [(run.state, run.reason, run.skipped_count) for run in world.rows()] == [
        (State.MISSED, Reason.TOO_LATE, 1)
    ]


def test_a_stall_does_not_count_what_it_missed(world):
    stall(world, 5 * MINUTE, at=30)

    world.run(a_job(number_of_executions=2), until=10 * MINUTE)

    assert [run.execution_number for run in world.rows()] == [None, 1, 2]


def test_a_job_that_is_late_does_not_make_others_late(world):
    stall(world, 5 * MINUTE, at=30)

    world.run(a_job("minutely"), a_job("five", "5 * * * *"), until=340)

    assert [(run.trigger, run.scheduled_for - NOON) for run in world.rows("five")] == [
        (Trigger.SCHEDULE, 300)
    ]


def test_many_jobs_that_are_late_together_are_dealt_with_in_one_turn(world):
    jobs = [a_job(f"job-{number}") for number in range(300)]
    stall(world, HOUR, at=30)

    world.run(*jobs, until=HOUR + 45)

    assert sum(run.state is State.MISSED for run in world.rows()) == 300
    assert sum(run.trigger is Trigger.CATCH_UP and run.started_at is not None for run in world.rows()) == 300


# Catching up at a start


def stop_for(world, seconds):
    """Let time pass in which no scheduler lives."""
    world.clock.pass_by(seconds)


def elapsed(world):
    return world.clock.monotonic() - 100_000.0


def restart(world, *jobs, lasting=30):
    return world.run(*jobs, until=elapsed(world) + lasting)


def test_the_latest_occurrence_without_a_scheduler_runs_at_the_start(world):
    world.run(a_job(schedule=HOURLY), until=10)
    stop_for(world, 3.5 * HOUR)

    restart(world, a_job(schedule=HOURLY))

    missed, caught_up = world.rows()
    assert (missed.state, missed.skipped_count) == (State.MISSED, 2)
    assert (missed.first_scheduled_for - NOON, missed.scheduled_for - NOON) == (HOUR, 2 * HOUR)
    assert (caught_up.trigger, caught_up.state, caught_up.scheduled_for - NOON) == (
        Trigger.CATCH_UP,
        State.SUCCEEDED,
        3 * HOUR,
    )


def test_what_is_older_than_the_window_is_missed_at_the_start(world):
    world.run(a_job(schedule="0 13 * * *"), until=10)
    stop_for(world, 3 * DAY)

    restart(world, a_job(schedule="0 13 * * *"))

    assert [(run.state, run.skipped_count) for run in world.rows()] == [(State.MISSED, 3)]


def test_a_new_state_file_owes_nothing(world):
    stop_for(world, 10 * MINUTE)

    world.run(a_job(schedule=HOURLY), until=elapsed(world) + 30)

    assert world.rows() == []


def test_a_new_job_owes_nothing(world):
    world.run(a_job("old", HOURLY), until=10)
    stop_for(world, 1.5 * HOUR)

    restart(world, a_job("old", HOURLY), a_job("new", HOURLY))

    assert [run.job for run in world.rows()] == ["old"]


@pytest.mark.parametrize(
    "edited",
    [
        a_job(schedule="0 */1 * * *"),
        a_job(schedule=HOURLY)._replace(timezone="Europe/Berlin"),
    ],
    ids=["schedule", "timezone"],
)
def test_an_edited_job_owes_nothing(world, edited):
    world.run(a_job(schedule=HOURLY), until=10)
    stop_for(world, 1.5 * HOUR)

    restart(world, edited)

    assert world.rows() == []


def test_a_job_that_was_enabled_again_owes_nothing(world):
    world.run(a_job(schedule=HOURLY, enabled=False), until=10)
    stop_for(world, 1.5 * HOUR)

    restart(world, a_job(schedule=HOURLY))

    assert world.rows() == []


def test_an_edit_of_other_keys_changes_nothing_of_what_is_owed(world):
    world.run(a_job(schedule=HOURLY), until=10)
    stop_for(world, 1.5 * HOUR)

    restart(world, a_job(schedule=HOURLY, timeout_seconds=10.0, concurrency=Concurrency.ALLOW))

    assert [run.trigger for run in world.rows()] == [Trigger.CATCH_UP]


def test_a_used_up_job_owes_nothing_but_a_missed_row(world):
    world.run(a_job(number_of_executions=1), until=90)
    stop_for(world, 10 * MINUTE)

    restart(world, a_job(number_of_executions=1))

    ran, missed = world.rows()
    assert (ran.state, missed.state, missed.started_at) == (State.SUCCEEDED, State.MISSED, None)
    assert world.executions() == 1


def test_catching_up_uses_an_execution(world):
    world.run(a_job(schedule=HOURLY, number_of_executions=1), until=10)
    stop_for(world, 3.5 * HOUR)

    restart(world, a_job(schedule=HOURLY, number_of_executions=1), lasting=3 * HOUR)

    assert [run.execution_number for run in world.rows()] == [None, 1]


def test_a_restart_catches_up_once(world):
    world.run(a_job(schedule=HOURLY), until=10)
    stop_for(world, 1.5 * HOUR)

    restart(world, a_job(schedule=HOURLY))
    restart(world, a_job(schedule=HOURLY))

    assert len(world.rows()) == 1


def test_how_far_it_looked_is_ignored_if_it_lies_in_the_future(world):
    world.run(a_job(schedule=HOURLY), until=10)
    world.open_store().tick(ticked_until=NOON + DAY, now=NOON + DAY)
    stop_for(world, 1.5 * HOUR)

    restart(world, a_job(schedule=HOURLY))

    assert [(run.trigger, run.scheduled_for - NOON) for run in world.rows()] == [(Trigger.CATCH_UP, HOUR)]


def test_after_the_clock_was_set_back_no_occurrence_runs_twice(world):
    world.run(a_job(), until=3.5 * MINUTE)
    ran = world.rows()
    world.clock.set_forward(-2 * MINUTE)

    restart(world, a_job(), lasting=4 * MINUTE)

    assert world.rows()[: len(ran)] == ran
    assert seconds_of(world.rows()) == sorted(set(seconds_of(world.rows())))


def test_a_catch_up_that_cannot_be_claimed_ends_the_start_and_is_not_forgotten(world):
    world.run(a_job(schedule=HOURLY), until=10)
    stop_for(world, 1.5 * HOUR)
    scheduler = world.scheduler(a_job(schedule=HOURLY))
    world.store.failures["claim"] = 1
    with pytest.raises(StateError, match="the disk is full"):
        scheduler.run()

    restart(world, a_job(schedule=HOURLY))

    assert [(run.trigger, run.scheduled_for - NOON) for run in world.rows()] == [(Trigger.CATCH_UP, HOUR)]


def test_occurrences_after_the_last_tick_before_a_crash_are_owed(world):
    scheduler = world.scheduler(a_job(schedule=EVERY_TEN_SECONDS))
    world.crash_at(35)
    with pytest.raises(Killed):
        scheduler.run()
    stop_for(world, 10)

    restart(world, a_job(schedule=EVERY_TEN_SECONDS), lasting=3)

    assert seconds_of(world.rows()) == [10, 20, 30, 40]


# What others write to the state file


def reset(world):
    world.open_store().reset("tidy")


def test_a_reset_brings_a_finished_job_back_when_a_signal_says_so(world):
    world.executor.at(200, lambda: reset(world))
    world.executor.signal_at(201, SIGUSR1)

    world.run(a_job(number_of_executions=1), until=250)

    assert [(run.scheduled_for - NOON, run.execution_number) for run in world.rows()] == [(60, 1), (240, 1)]


def test_a_reset_is_seen_within_half_a_minute_without_a_signal(world):
    world.executor.at(200, lambda: reset(world))

    world.run(a_job(number_of_executions=1), until=250)

    assert seconds_of(world.rows()) == [60, 240]


def test_a_reset_is_seen_however_busy_the_scheduler_is(world):
    world.executor.at(200, lambda: reset(world))

    world.run(a_job(number_of_executions=1), a_job("busy", EVERY_TEN_SECONDS), until=250)

    assert seconds_of(world.rows("tidy")) == [60, 240]


def test_a_signal_that_comes_with_due_occurrences_is_not_forgotten(world):
    def reset_and_wake():
        reset(world)
        world.executor.signal_at(240, SIGUSR1)

    world.executor.at(239.9, reset_and_wake)

    world.run(a_job(schedule=EVERY_SECOND, number_of_executions=1), a_job("busy", EVERY_SECOND), until=245)

    assert len(world.rows("tidy")) == 2


def test_exit_when_done_ends_although_a_job_was_reset_too_late(world):
    code = world.run(a_job(number_of_executions=1), exit_when_done=True)

    reset(world)

    assert code == 0
    assert world.executions() == 0


# Housekeeping


@pytest.mark.parametrize("schedule", [HOURLY, EVERY_TEN_SECONDS], ids=["an idle one", "a busy one"])
def test_a_scheduler_shows_that_it_lives_twice_a_minute(world, schedule):
    seen = []
    for seconds in range(60, 600, 10):
        world.executor.at(seconds, lambda: seen.append(world.clock.now() - ticked_at(world)))

    world.run(a_job(schedule=schedule), until=10 * MINUTE)

    assert max(seen) <= 31


def ticked_at(world):
    return world.read(lambda store: store.ticked_at())


@pytest.mark.parametrize("schedule", ["0 0 * * *", EVERY_TEN_SECONDS], ids=["an idle one", "a busy one"])
def test_rows_of_more_than_a_month_ago_are_forgotten(world, schedule):
    store = world.open_store()
    store.define([Definition("old", "-")], NOON)
    old = [NOON - 31 * DAY, NOON - 29 * DAY]
    claims = [a_claim("old", instant) for instant in old]
    runs, _ = store.claim(claims, [], ticked_until=NOON, now=NOON)
    store.finish([run._replace(state=State.LOST) for run in runs])

    world.run(a_job(schedule=schedule), until=10)
    scheduled = {run.scheduled_for for run in world.rows("old")}
    stop_for(world, 2 * DAY)
    restart(world, a_job(schedule=schedule), lasting=2 * MINUTE)

    assert scheduled == {NOON - 29 * DAY}
    assert world.rows("old") == []
