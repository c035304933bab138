"""Workflows of any shape, with any failures, whose processes die at any moments."""

from crashes import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cronjobs import StepFailedError, parallel, workflow

NAMES = "abcd"
# A body's plan: a step by its name, one that may fail ("try"), one whose failure is caught, or branches.
STEPS = st.one_of(
    st.sampled_from(NAMES).map(lambda name: ("act", name)),
    st.sampled_from(NAMES).map(lambda name: ("try", name)),
    st.sampled_from(NAMES).map(lambda name: ("catch", name)),
)
PLANS = st.recursive(
    st.lists(STEPS, max_size=4),
    lambda plans: st.lists(
        st.one_of(
            STEPS, st.lists(plans, min_size=1, max_size=3).map(lambda branches: ("parallel", branches))
        ),
        max_size=4,
    ),
    max_leaves=6,
)
FAILING = st.dictionaries(
    st.sampled_from([f"{action} {name}" for action in ("do", "undo") for name in NAMES]),
    st.integers(min_value=1, max_value=2),
    max_size=4,
)
DEATHS = st.lists(st.tuples(st.integers(min_value=1, max_value=25), st.booleans()), max_size=4)


def synchronous(world, plan):
    def follow(plan):
        return [one(kind, what) for kind, what in plan]

    def one(kind, what):
        if kind == "parallel":
            return parallel(*(lambda branch=branch: follow(branch) for branch in what))
        if kind == "try":
            return world.try_to_act(what)
        try:
            return world.act(what)
        except StepFailedError:
            if kind == "catch":
                return "caught"
            raise

    return workflow(name="any")(lambda: follow(plan))


def asynchronous(world, plan):
    async def follow(plan):
        return [await one(kind, what) for kind, what in plan]

    async def one(kind, what):
        if kind == "parallel":
            return await parallel(*(follow(branch) for branch in what))
        if kind == "try":
            return await world.try_to_act_async(what)
        try:
            return await (world.act_async if ord(what) % 2 else world.act)(what)
        except StepFailedError:
            if kind == "catch":
                return "caught"
            raise

    @workflow(name="any")
    async def body():
        return await follow(plan)

    return body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([synchronous, asynchronous]), PLANS, FAILING, DEATHS)
def test_deaths_change_nothing_about_how_a_workflow_ends(kind, plan, failing, deaths):
    whole = World(failing)
    expected, _ = whole.run(kind(whole, plan))
    assert len(set(whole.done)) == len(whole.done)

    world = World(failing)
    ended, _ = world.run(kind(world, plan), *deaths)

    assert ended == expected
    assert set(world.done) == set(whole.done)
    assert len(world.done) <= len(whole.done) + len(deaths) * most_at_once(plan)


@settings(max_examples=100, deadline=None)
@given(PLANS, FAILING)
def test_whatever_was_begun_is_undone_once_where_the_workflow_fails(plan, failing):
    world = World({**failing, "do z": 2})

    (_, _, (state, steps)), _ = world.run(synchronous(world, [*plan, ("act", "z")]))

    undone = [key for what, key, attempt in world.done if what.startswith("undo") and attempt == 1]
    assert sorted(undone) == sorted(f"tidy@2026-11-23T12:00:00Z/any#1/{each}/compensation" for each in steps)
    assert set(steps.values()) <= {"compensated", "compensation_failed"}
    assert state == ("failed" if "compensation_failed" in steps.values() else "reverted")


def most_at_once(plan):
    """Return how many steps can be in flight at one time."""
    return max((sum(map(most_at_once, what)) if kind == "parallel" else 1 for kind, what in plan), default=0)
