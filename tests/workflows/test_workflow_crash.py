"""A process may die at any moment: what it had finished is not done again, what it owed is done."""

import pytest
from crashes import World

from cronjobs import StepFailedError, parallel, workflow


def in_a_row(world):
    @workflow(name="row")
    def body():
        return [world.act(name) for name in "abc"]

    return body


def in_a_row_async(world):
    @workflow(name="row")
    async def body():
        return [await world.act_async("a"), await world.act("b"), await world.act_async("c")]

    return body


def in_branches(world):
    @workflow(name="branches")
    def body():
        def branch(*names):
            return [world.act(name) for name in names]

        return [world.act("a"), parallel(lambda: branch("b", "c"), lambda: branch("d")), world.act("e")]

    return body


def in_branches_async(world):
    @workflow(name="branches")
    async def body():
        async def branch(*names):
            return [await world.act_async(name) for name in names]

        middle = await parallel(branch("b", "c"), branch("d"), world.act("x"))
        return [await world.act_async("a"), middle, await world.act_async("e")]

    return body


def one_in_another(world):
    inner = in_a_row(world)

    @workflow(name="outer")
    def body(container):
        return [world.act("x"), inner(container).run().result, world.act("y")]

    return body


def one_in_another_async(world):
    inner = in_branches_async(world)

    @workflow(name="outer")
    async def body(container):
        return [await world.act_async("x"), (await inner(container).run()).result, await world.act_async("y")]

    return body


def with_failures_that_are_borne(world):
    @workflow(name="borne")
    def body():
        try:
            world.act("a")
        except StepFailedError as error:
            return [str(error), world.try_to_act("b"), world.act("c")]

    return body


SHAPES = [in_a_row, in_a_row_async, in_branches, in_branches_async, with_failures_that_are_borne]
NESTS = [one_in_another, one_in_another_async]
FAILURES = {
    "nothing fails": {},
    "a step fails once": {"do c": 1},
    "a step fails": {"do c": 2},
    "two steps fail": {"do b": 2, "do c": 2},
    "the first step fails": {"do a": 2},
    "the last step fails": {"do e": 2, "do y": 2},
    "a compensation fails once": {"do c": 2, "undo a": 1, "undo b": 1},
    "a compensation fails": {"do c": 2, "undo a": 2},
    "much fails": {"do a": 2, "do b": 2, "do c": 2, "undo a": 2, "undo b": 2, "undo x": 2},
}


@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("shape", SHAPES)
def test_whenever_a_process_dies_the_next_one_ends_what_it_has_begun(shape, failing):
    assert_survives_each_death(shape, failing)


@pytest.mark.parametrize("failing", [{}, {"do c": 1}, {"do y": 2, "undo x": 1}, {"do y": 2, "undo x": 2}])
@pytest.mark.parametrize("shape", NESTS)
def test_a_workflow_in_a_workflow_is_gone_on_with_where_it_stood(shape, failing):
    assert_survives_each_death(shape, failing)


def assert_survives_each_death(shape, failing):
    whole = World(failing)
    expected, calls = whole.run(shape(whole))
    assert len(set(whole.done)) == len(whole.done)

    for dies_at in range(1, calls + 1):
        for is_written in (False, True):
            world = World(failing)
            ended, _ = world.run(shape(world), (dies_at, is_written))

            assert ended == expected, (dies_at, is_written)
            assert {str(each.state) for each in world.journal.workflows()} == {
                str(each.state) for each in whole.journal.workflows()
            }
            assert set(world.done) == set(whole.done), (dies_at, is_written)


@pytest.mark.parametrize("shape", SHAPES)
def test_processes_may_die_one_after_the_other(shape):
    failing = {"do c": 2, "undo a": 1}
    whole = World(failing)
    expected, calls = whole.run(shape(whole))

    for step in (2, 3):
        world = World(failing)
        ended, _ = world.run(shape(world), *[(step, True)] * calls)

        assert ended == expected
        assert set(world.done) == set(whole.done)


def test_each_process_that_dies_right_after_a_call_does_nothing_twice():
    """Where the death is not between a step's begin and its end, nothing at all is done twice."""
    whole = World({"do c": 2})
    expected, calls = whole.run(in_a_row(whole))

    for dies_at in range(1, calls + 1):
        world = World({"do c": 2})
        ended, _ = world.run(in_a_row(world), (dies_at, True))

        assert ended == expected
        # A process that dies once a step's beginning is written has not called it yet.
        assert sorted(world.done) == sorted(whole.done)
