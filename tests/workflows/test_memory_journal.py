"""The journal in memory keeps the rules that a durable one keeps."""

from itertools import product

import pytest
from workflow_parts import JumpingClock

from cronjobs.core.errors import WorkflowLostError
from cronjobs.core.failure import Failure
from cronjobs.core.workflow import (
    STEP_TRANSITIONS,
    WORKFLOW_TRANSITIONS,
    Admitted,
    Begin,
    Concluded,
    Intent,
    Refused,
    StepRecord,
    StepState,
    WorkflowFailure,
    WorkflowState,
)
from cronjobs.workflows.memory import MemoryJournal

BEGIN = Begin("order-7", "order", "shop:order", {"day": 1}, 60.0)
STEP = StepRecord("0", 1, "charge", "shop:charge", StepState.RUNNING)
FAILURE = WorkflowFailure("charge", "0", "invoke", Failure("ValueError", "no"))


@pytest.fixture
def journal():
    return MemoryJournal("first", clock=JumpingClock(now=1000.0))


def test_a_workflow_is_begun_with_what_it_is_given(journal):
    assert journal.begin(BEGIN) == Admitted(1, "order-7", {"day": 1}, 1000.0)


def test_its_owner_may_go_on_with_it(journal):
    journal.begin(BEGIN)
    journal.record(1, STEP)

    assert journal.begin(BEGIN._replace(input=None)) == Admitted(
        1, "order-7", {"day": 1}, 1000.0, steps=(STEP,)
    )


def test_another_owner_may_go_on_with_it_once_the_first_is_gone(journal):
    journal.begin(BEGIN)
    other = journal.as_owner("second")

    assert other.begin(BEGIN) == Refused("order-7", WorkflowState.RUNNING, "first")
    journal.die()
    assert isinstance(other.begin(BEGIN), Admitted)
    with pytest.raises(WorkflowLostError):
        journal.record(1, STEP)


def test_one_that_has_succeeded_is_concluded(journal):
    journal.begin(BEGIN)
    journal.record(1, STEP)
    journal.end(1, WorkflowState.SUCCEEDED, result=[1], errors=[FAILURE])

    assert journal.begin(BEGIN) == Concluded("order-7", [1], (STEP,), (FAILURE,))


def test_one_that_was_undone_begins_again_and_again(journal):
    ids = []
    for _ in range(3):
        admitted = journal.begin(BEGIN)
        ids.append(admitted.id)
        journal.end(admitted.key, WorkflowState.REVERTED)

    assert ids == ["order-7", "order-7~2", "order-7~3"]


def test_one_that_is_begun_again_by_hand_keeps_its_input(journal):
    journal.begin(BEGIN)
    journal.end(1, WorkflowState.REVERTED)

    assert journal.begin(BEGIN._replace(input=None, intent=Intent.RETRY)).input == {"day": 1}


def test_one_that_has_failed_is_gone_on_with_by_hand_only(journal):
    journal.begin(BEGIN)
    journal.compensate(1, [FAILURE])
    journal.end(1, WorkflowState.FAILED, errors=[FAILURE])

    assert journal.begin(BEGIN) == Refused("order-7", WorkflowState.FAILED)
    again = journal.begin(BEGIN._replace(intent=Intent.RETRY))
    assert (again.is_compensating, again.errors) == (True, (FAILURE,))


def test_one_that_is_left_is_undone_where_it_is_to_be_cancelled(journal):
    journal.begin(BEGIN)
    journal.die()

    assert journal.as_owner("by hand").begin(BEGIN._replace(intent=Intent.CANCEL)).is_compensating


def test_there_must_be_one_to_go_on_with_by_hand(journal):
    refused = journal.begin(BEGIN._replace(intent=Intent.RETRY))

    assert isinstance(refused, Refused)
    assert not refused.is_known


def test_whoever_writes_is_told_that_it_is_to_be_cancelled(journal):
    journal.begin(BEGIN)

    assert journal.record(1, STEP) is False
    journal.as_owner("second").cancel("order-7")
    assert journal.record(1, STEP) is True


@pytest.mark.parametrize(("before", "after"), list(product(StepState, repeat=2)))
def test_a_step_goes_where_the_table_lets_it(journal, before, after):
    journal.begin(BEGIN)
    record = journal.workflows()[0]
    journal._keep(record._replace(steps={"0": STEP._replace(state=before)}))

    if after in STEP_TRANSITIONS.get(before, ()):
        journal.record(1, STEP._replace(state=after))
        assert journal.workflows()[0].steps["0"].state is after
    else:
        with pytest.raises(ValueError, match=f"at 0 is {before}, and cannot become {after}"):
            journal.record(1, STEP._replace(state=after))


def test_a_step_begins_as_running(journal):
    journal.begin(BEGIN)

    with pytest.raises(ValueError, match="at 0 begins as succeeded"):
        journal.record(1, STEP._replace(state=StepState.SUCCEEDED))


@pytest.mark.parametrize(("before", "after"), list(product(WorkflowState, repeat=2)))
def test_a_workflow_ends_where_the_table_lets_it(journal, before, after):
    journal.begin(BEGIN)
    journal._keep(journal.workflows()[0]._replace(state=before))

    if after in WORKFLOW_TRANSITIONS.get(before, ()):
        journal.end(1, after)
        assert journal.workflows()[0].state is after
    else:
        with pytest.raises(ValueError, match=f"is {before} cannot become {after}"):
            journal.end(1, after)


def test_what_is_kept_is_a_copy(journal):
    given = {"day": [1]}
    admitted = journal.begin(BEGIN._replace(input=given))
    given["day"].append(2)
    admitted.input["day"].append(3)

    assert journal.begin(BEGIN).input == {"day": [1]}
