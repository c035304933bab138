"""An input goes to the first parameter that is the function's own: a body's, and a compensation's."""

import pytest
from workflow_parts import a_run, run

from cronjobs import StepResponse, WorkflowFailedError, parallel, step, workflow
from cronjobs.core.errors import WorkflowError


@pytest.mark.parametrize("returned", [7, StepResponse(7)], ids=["plain", "StepResponse"])
def test_without_a_compensation_input_a_compensation_is_given_the_result(returned):
    undone = []

    @step
    def act():
        return returned

    @act.compensate
    def undo(whatever, context):
        undone.append((whatever, context.attempt))

    @workflow
    def acts():
        act()
        raise ValueError("no more")

    run(acts, a_run(), raise_on_error=False)

    assert undone == [(7, 1)]


def test_a_compensation_without_a_parameter_of_its_own_is_given_what_it_names():
    undone = []

    @step
    def act():
        return 7

    @act.compensate
    def undo(context):
        undone.append(context.step_name)

    @workflow
    def acts():
        act()
        raise ValueError("no more")

    run(acts, a_run(), raise_on_error=False)

    assert undone == ["act"]


def test_a_body_may_call_its_input_what_it_likes():
    @workflow
    def doubles(container, order):
        assert container is not None
        return order * 2

    assert run(doubles, a_run(), input=4).result == 8


def test_siblings_that_failed_alike_are_told_once():
    @step
    def act(number):
        raise ValueError("no more")

    @workflow
    def acts():
        parallel(*(lambda number=number: act(number) for number in range(3)))

    with pytest.raises(WorkflowFailedError) as failure:
        run(acts, a_run())

    assert str(failure.value).count("no more") == 1
    assert len(failure.value.errors) == 3


@pytest.mark.parametrize("id", ["", "order-\udcff", 7])
def test_an_id_that_cannot_be_written_down_is_refused(id):
    @workflow
    def nothing():
        return None

    with pytest.raises(WorkflowError, match="is no id"):
        nothing(a_run()).run(workflow_id=id)
