"""Whatever fails and whenever: counts are exact, no occurrence runs twice, and none is forgotten."""

from collections import Counter
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory

from factories import MEMORY, a_job
from fakes import Killed, Plan, World
from hypothesis import given, settings
from hypothesis import strategies as st

from cronjobs.core.errors import StateError
from cronjobs.core.job import Concurrency
from cronjobs.core.run import UNFINISHED, State

LIMIT = 7
JOBS = [
    a_job("limited", "*/10 * * * * *", number_of_executions=LIMIT),
    a_job("forbidding", "*/10 * * * * *"),
    a_job("allowing", "*/15 * * * * *", concurrency=Concurrency.ALLOW),
    a_job("timed", "*/20 * * * * *", timeout_seconds=3.0, kill_after_seconds=2.0),
]
PLANS = {
    "limited": Plan(seconds=4),
    "forbidding": Plan(seconds=25),
    "allowing": Plan(seconds=40, exit_code=1),
    "timed": Plan(seconds=None, heeds_sigterm=False),
}
LAST = 365  # two stalls of 100 s are over by then: what is due when the stop comes is not claimed any more
METHODS = ["claim", "wait", "start", "finish", "tick", "adopt", "define", "prune"]

anywhen = st.integers(1, 152)
any_job = st.sampled_from(sorted(PLANS))
troubles = st.fixed_dictionaries(
    {
        "failures": st.lists(st.tuples(anywhen, st.sampled_from(METHODS), st.integers(1, 6)), max_size=6),
        "unprepared": st.lists(st.tuples(anywhen, any_job, st.integers(1, 3)), max_size=3),
        "gone_early": st.lists(st.tuples(anywhen, any_job, st.integers(1, 3)), max_size=3),
        "stalls": st.lists(st.tuples(anywhen, st.integers(1, 100)), max_size=2),
        "crashes": st.lists(anywhen, max_size=3),
        "max_parallel": st.integers(1, 5),
        "max_armed": st.sampled_from([0, 1, 10]),
    }
)


def arrange(world, trouble):
    executor = world.executor
    executor.plans = dict(PLANS)

    for at, method, count in trouble["failures"]:
        executor.at(at, partial(fail, world, method, count))
    for at, job, count in trouble["unprepared"]:
        executor.at(at, partial(executor.unprepared.__setitem__, job, count))
    for at, job, count in trouble["gone_early"]:
        executor.at(at, partial(executor.gone_early.__setitem__, job, count))
    for at, seconds in trouble["stalls"]:
        executor.at(at, partial(world.clock.pass_by, seconds))
    for at in trouble["crashes"]:
        world.crash_at(at + 0.37)
    executor.signal_at(LAST, SIGTERM)


def fail(world, method, count):
    world.store.failures[method] = count


def schedule_until_the_end(world, trouble):
    """Start one scheduler after the other, as a supervisor would, until one ends because it was told to."""
    while True:
        with suppress(Killed, StateError):
            room = {name: trouble[name] for name in ("max_parallel", "max_armed")}
            return world.scheduler(*JOBS, **room).run()
        world.clock.pass_by(3)


def look_at_go(world, gone, launch):
    """See that the run is recorded as running, that its instant has come, and that it was told the truth."""
    gone.append(launch.run_id)
    (run,) = [run for run in world.rows(launch.job) if run.id == launch.run_id]
    assert run.state is State.RUNNING
    assert run.execution_number == launch.execution_number
    assert world.clock.now() >= run.scheduled_for


@settings(max_examples=40, deadline=None, derandomize=True)
@given(trouble=troubles)
def test_no_trouble_makes_counts_inexact_or_an_occurrence_run_twice_or_be_forgotten(trouble):
    with TemporaryDirectory(dir=MEMORY) as directory, closing(World(Path(directory) / "state.db")) as world:
        gone = []
        world.executor.on_go = partial(look_at_go, world, gone)
        arrange(world, trouble)

        assert schedule_until_the_end(world, trouble) == 0

        rows = {job.name: world.rows(job.name) for job in JOBS}
        executions = {job.name: world.executions(job.name) for job in JOBS}

    assert [run_id for run_id, times in Counter(gone).items() if times > 1] == []
    for job in JOBS:
        assert executions[job.name] == sum(run.execution_number is not None for run in rows[job.name])
        assert not [run for run in rows[job.name] if run.state in UNFINISHED]
    assert executions["limited"] <= LIMIT
    for name, every in (("forbidding", 10), ("allowing", 15), ("timed", 20)):
        assert sum(run.skipped_count or 1 for run in rows[name]) == LAST // every
