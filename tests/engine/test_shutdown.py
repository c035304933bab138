"""How a scheduler ends when it is told to: what waits is given back, what runs gets its time."""

from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM

import pytest
from factories import MINUTE, NOON, a_job
from fakes import Plan

from cronjobs.core.errors import StateError
from cronjobs.core.events import RunFinished
from cronjobs.core.run import Reason, State


def stopped_at(world):
    return world.clock.now() - NOON


@pytest.fixture
def endless(world):
    """A job whose runs end when they get SIGTERM."""
    world.executor.plans["tidy"] = Plan(seconds=None)
    return a_job()


@pytest.fixture
def stubborn(world):
    """A job whose runs end when they are killed."""
    world.executor.plans["tidy"] = Plan(seconds=None, heeds_sigterm=False)
    return a_job(kill_after_seconds=10.0)


@pytest.mark.parametrize("signum", [SIGTERM, SIGINT, SIGHUP])
def test_an_idle_scheduler_stops_at_once_with_0(world, signum):
    scheduler = world.scheduler(a_job())
    world.executor.signal_at(20, signum)

    assert scheduler.run() == 0
    assert stopped_at(world) == pytest.approx(20, abs=0.01)
    assert world.observer.notes()[-2:] == ["stopping", "stopped"]


def test_a_run_may_finish_within_the_grace(world):
    world.executor.plans["tidy"] = Plan(seconds=10)

    code = world.run(a_job(), until=65, grace=15)

    (run,) = world.rows()
    assert (code, run.state, run.reason) == (0, State.SUCCEEDED, None)
    assert world.executor.signals == []
    assert stopped_at(world) == pytest.approx(70, abs=0.2)


def test_a_run_that_outlasts_the_grace_gets_sigterm(world, endless):
    code = world.run(endless, until=65, grace=15)

    (run,) = world.rows()
    assert (code, run.state, run.reason, run.signal) == (0, State.CANCELLED, Reason.SHUTDOWN, "SIGTERM")
    assert world.executor.signals == [(pytest.approx(80, abs=0.01), "tidy", SIGTERM)]


def test_a_run_that_does_not_heed_is_killed_after_its_respite(world, stubborn):
    code = world.run(stubborn, until=65, grace=15)

    (run,) = world.rows()
    assert (code, run.state, run.reason, run.signal) == (0, State.CANCELLED, Reason.SHUTDOWN, "SIGKILL")
    assert world.executor.signals == [
        (pytest.approx(80, abs=0.01), "tidy", SIGTERM),
        (pytest.approx(90, abs=0.01), "tidy", SIGKILL),
    ]
    assert stopped_at(world) == pytest.approx(90, abs=0.2)


def test_without_a_grace_runs_get_sigterm_at_once(world, endless):
    world.run(endless, until=65, grace=0)

    assert world.executor.signals == [(pytest.approx(65, abs=0.01), "tidy", SIGTERM)]


@pytest.mark.parametrize("grace", [20, 300])
def test_a_long_grace_is_waited_for_and_not_spun_through(world, grace):
    world.executor.plans["tidy"] = Plan(seconds=None)

    world.run(a_job(schedule="1 12 * * *"), until=65, grace=grace)

    assert stopped_at(world) == pytest.approx(65 + grace, abs=0.01)
    assert len(world.executor.waits) < 60


def test_a_run_that_was_cancelled_counts(world, endless):
    world.run(endless, until=65)

    assert world.executions() == 1


def test_what_waits_for_room_is_cancelled_and_gives_its_count_back(world):
    jobs = [a_job(f"job-{number}", number_of_executions=1) for number in range(4)]
    world.executor.plans["job-0"] = Plan(seconds=10)

    world.run(*jobs, max_parallel=1, until=65)

    assert [(run.job, run.state, run.reason) for run in world.rows()] == [
        ("job-0", State.SUCCEEDED, None),
        *((f"job-{number}", State.CANCELLED, Reason.SHUTDOWN) for number in (1, 2, 3)),
    ]
    assert [world.executions(job.name) for job in jobs] == [1, 0, 0, 0]
    assert len(world.executor.gone) == 1


def test_what_gave_its_count_back_is_not_said_to_be_done(world):
    jobs = [a_job(f"job-{number}", number_of_executions=1) for number in range(2)]
    world.executor.plans["job-0"] = Plan(seconds=10)

    world.run(*jobs, max_parallel=1, until=65)

    done = [event.job for event in world.observer.events if getattr(event, "event", "") == "job_done"]
    assert done == ["job-0"]


def test_what_was_cancelled_before_it_began_runs_at_its_next_occurrence(world):
    jobs = [a_job(f"job-{number}", number_of_executions=1) for number in range(2)]
    world.executor.plans["job-0"] = Plan(seconds=10)
    world.run(*jobs, max_parallel=1, until=65)

    world.run(*jobs, until=150)

    assert [(run.state, run.scheduled_for - NOON) for run in world.rows("job-1")] == [
        (State.CANCELLED, 60),
        (State.SUCCEEDED, 120),
    ]


def test_what_has_not_got_go_is_dropped(world):
    world.executor.is_slow = True

    world.run(a_job(number_of_executions=1), until=65)

    (run,) = world.rows()
    assert (run.state, run.reason, run.started_at) == (State.CANCELLED, Reason.SHUTDOWN, None)
    assert [launch.job for launch in world.executor.dropped] == ["tidy"]
    assert world.executor.gone == []
    assert world.executions() == 0


def test_what_is_put_off_is_cancelled_too(world):
    world.executor.unprepared["tidy"] = 1000

    world.run(a_job(number_of_executions=1), until=70)

    assert [run.state for run in world.rows()] == [State.CANCELLED]
    assert world.executions() == 0


def test_nothing_is_claimed_while_it_stops(world, stubborn):
    world.run(stubborn, a_job("other"), until=119, grace=100)

    assert [run.scheduled_for - NOON for run in world.rows("other")] == [60]


def test_what_came_due_while_it_stopped_is_owed_at_the_next_start(world, stubborn):
    world.run(stubborn, a_job("other", "2 12 * * *"), until=119, grace=100)

    world.run(a_job("other", "2 12 * * *"), until=10 * MINUTE)

    assert [(run.trigger.value, run.scheduled_for - NOON) for run in world.rows("other")] == [
        ("catch_up", 120)
    ]


def test_the_respite_of_each_run_is_its_jobs_own(world):
    for name in ("short", "long"):
        world.executor.plans[name] = Plan(seconds=None, heeds_sigterm=False)

    world.run(
        a_job("short", kill_after_seconds=2.0), a_job("long", kill_after_seconds=60.0), until=65, grace=15
    )

    killed = [(at, job) for at, job, signum in world.executor.signals if signum == SIGKILL]
    assert killed == [(pytest.approx(82, abs=0.01), "short"), (pytest.approx(140, abs=0.01), "long")]


def test_a_run_that_timed_out_before_stays_timed_out(world, stubborn):
    world.run(stubborn._replace(timeout_seconds=3.0, kill_after_seconds=30.0), until=65, grace=1)

    (run,) = world.rows()
    assert (run.state, run.reason) == (State.TIMED_OUT, None)
    assert world.executor.signals[-1] == (pytest.approx(93, abs=0.01), "tidy", SIGKILL)


def test_a_run_whose_time_is_over_while_it_is_ended_stays_cancelled(world, stubborn):
    world.run(stubborn._replace(timeout_seconds=10.0, kill_after_seconds=30.0), until=65, grace=1)

    (run,) = world.rows()
    assert (run.state, run.reason) == (State.CANCELLED, Reason.SHUTDOWN)
    assert [signum for _, _, signum in world.executor.signals] == [SIGTERM, SIGKILL]


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ((SIGTERM, SIGTERM), 143),
        ((SIGINT, SIGINT), 130),
        ((SIGTERM, SIGINT), 130),
        ((SIGINT, SIGTERM), 143),
    ],
)
def test_a_second_signal_kills_at_once_and_gives_the_exit_code(world, stubborn, signals, code):
    scheduler = world.scheduler(stubborn, grace=15)
    world.executor.signal_at(65, signals[0])
    world.executor.signal_at(67, signals[1])

    assert scheduler.run() == code

    (run,) = world.rows()
    assert (run.state, run.reason, run.signal) == (State.CANCELLED, Reason.SHUTDOWN, "SIGKILL")
    assert world.executor.signals == [(pytest.approx(67, abs=0.01), "tidy", SIGKILL)]
    assert stopped_at(world) == pytest.approx(67, abs=0.2)


def test_a_second_signal_cuts_a_respite_short(world, stubborn):
    scheduler = world.scheduler(stubborn, grace=1)
    world.executor.signal_at(65, SIGTERM)
    world.executor.signal_at(70, SIGTERM)

    assert scheduler.run() == 143

    assert [signum for _, _, signum in world.executor.signals] == [SIGTERM, SIGKILL]
    assert stopped_at(world) == pytest.approx(70, abs=0.2)


def test_two_signals_that_come_together_are_two(world, stubborn):
    scheduler = world.scheduler(stubborn, a_job("waiting"), max_parallel=1)
    world.executor.signal_at(65, SIGINT)
    world.executor.signal_at(65, SIGINT)

    assert scheduler.run() == 130

    assert [(run.job, run.state) for run in world.rows()] == [
        ("tidy", State.CANCELLED),
        ("waiting", State.CANCELLED),
    ]
    assert (world.executions(), world.executions("waiting")) == (1, 0)


def test_signals_are_sent_to_what_got_go_only(world):
    world.executor.is_slow = True
    scheduler = world.scheduler(a_job())
    world.executor.signal_at(65, SIGINT)
    world.executor.signal_at(65, SIGINT)

    assert scheduler.run() == 130

    assert world.executor.signals == []
    assert [launch.job for launch in world.executor.dropped] == ["tidy"]


def test_a_second_signal_leaves_a_timed_out_run_timed_out(world, stubborn):
    scheduler = world.scheduler(stubborn._replace(timeout_seconds=3.0, kill_after_seconds=30.0))
    world.executor.signal_at(65, SIGTERM)
    world.executor.signal_at(66, SIGTERM)

    scheduler.run()

    (run,) = world.rows()
    assert (run.state, run.reason, run.signal) == (State.TIMED_OUT, None, "SIGKILL")


def test_every_outcome_is_recorded_before_the_end(world, endless):
    scheduler = world.scheduler(endless, grace=1)
    world.store.failures["finish"] = 5
    world.executor.signal_at(65, SIGTERM)

    assert scheduler.run() == 0

    assert [run.state for run in world.rows()] == [State.CANCELLED]
    assert len(world.observer.of(RunFinished)) == 1


def test_a_scheduler_may_be_stopped_before_it_has_done_anything(world):
    scheduler = world.scheduler(a_job())
    world.executor.signal_at(0, SIGTERM)

    assert scheduler.run() == 0


def test_a_stop_ends_an_exit_when_done_run_as_well(world, endless):
    assert world.run(endless, until=65, exit_when_done=True, grace=1) == 0

    assert [run.state for run in world.rows()] == [State.CANCELLED]


def test_a_state_file_that_stays_unwritable_ends_the_stop_with_an_error(world):
    scheduler = world.scheduler(a_job())
    world.executor.at(60.5, lambda: world.store.failures.update(finish=10_000))
    world.executor.signal_at(70, SIGTERM)

    with pytest.raises(StateError, match="outcomes of 1 runs could not be written"):
        scheduler.run()

    assert world.clock.now() - NOON < 70 + 15 + 2


def test_a_second_signal_does_not_wait_for_a_state_file_that_cannot_be_written(world):
    scheduler = world.scheduler(a_job())
    world.executor.at(60.5, lambda: world.store.failures.update(finish=10_000))
    world.executor.signal_at(70, SIGTERM)
    world.executor.signal_at(72, SIGTERM)

    with pytest.raises(StateError):
        scheduler.run()

    assert world.clock.now() - NOON < 74
