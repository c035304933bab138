"""The exam that every `Store` must pass as the journal of workflows: one owner, and nothing forgotten."""

import pytest
from factories import DAY, MINUTE, NOON, a_claim

from cronjobs.core.failure import Failure
from cronjobs.core.ports import Definition
from cronjobs.core.questions import Compensate, End, Lost, Nonsense, Record, Recorded
from cronjobs.core.run import Outcome, State, advance, finish
from cronjobs.core.workflow import (
    Admitted,
    Begin,
    Concluded,
    Intent,
    Refused,
    StepRecord,
    StepState,
    WorkflowFailure,
    WorkflowState,
    cancelled,
)

PRICES = {"customers": [1, 2], "price": 9.5, "name": "Tōkyō"}


def a_run(store, *, minute=0):
    """Return a run that is running."""
    store.define([Definition("tidy", "hourly")], NOON)
    instant = NOON + minute * MINUTE
    runs, _ = store.claim([a_claim(scheduled_for=instant)], (), ticked_until=instant, now=instant)
    running = advance(runs[0], State.RUNNING, started_at=instant, pid=4711, start_ticks=99)
    store.start([running])
    return running


def over(store, run, state=State.LOST):
    store.finish([finish(run, Outcome(state, NOON + 5))])


def begin(store, run, *, id="order-7", now=NOON, **rest):
    wish = Begin(id, "ship", "shop.flows:ship", PRICES, **rest)
    (reply,) = store.journal([(run, wish)], now=now)
    return reply


def write(store, run, entry, *, now=NOON):
    (reply,) = store.journal([(run, entry)], now=now)
    return reply


def a_step(position="0", number=1, state=StepState.RUNNING, **rest):
    return StepRecord(position, number, "pack", "shop.flows:pack", state, **rest)


def succeed(store, run, key, result=None):
    assert write(store, run, End(key, WorkflowState.SUCCEEDED, result, ())) == Recorded()


def test_a_new_workflow_is_the_one_who_asks_first(store):
    admitted = begin(store, a_run(store))

    assert admitted == Admitted(admitted.key, "order-7", PRICES, NOON)


def test_a_workflow_that_a_living_run_has_is_refused_to_others(store):
    first, second = a_run(store), a_run(store, minute=1)
    begin(store, first)

    assert begin(store, second) == Refused("order-7", WorkflowState.RUNNING, first.id)


@pytest.mark.parametrize("state", [State.LOST, State.FAILED, State.TIMED_OUT, State.SUCCEEDED])
def test_a_workflow_whose_run_is_over_goes_on_where_it_stood(store, open_store, state):
    first, second = a_run(store), a_run(store, minute=1)
    key = begin(store, first).key
    done = a_step(state=StepState.SUCCEEDED, output={"parcel": 3}, compensation_input=[3])
    write(store, first, Record(key, a_step()))
    write(store, first, Record(key, done))
    over(store, first, state)

    admitted = begin(open_store(), second, now=NOON + DAY)

    assert admitted == Admitted(key, "order-7", PRICES, NOON, False, (done,))


def test_what_a_run_that_lost_its_workflow_writes_is_refused(store):
    first, second = a_run(store), a_run(store, minute=1)
    key = begin(store, first).key
    over(store, first)
    begin(store, second)

    assert isinstance(write(store, first, Record(key, a_step())), Lost)
    assert isinstance(write(store, first, End(key, WorkflowState.SUCCEEDED, 1, ())), Lost)
    assert store.workflow("order-7").steps == ()


def test_the_same_run_may_take_up_its_own_workflow_again(store):
    run = a_run(store)
    first = begin(store, run)

    assert begin(store, run).key == first.key


def test_a_workflow_that_succeeded_returns_what_it_returned(store):
    first, second = a_run(store), a_run(store, minute=1)
    key = begin(store, first).key
    succeed(store, first, key, {"sent": 2})

    assert begin(store, second) == Concluded("order-7", {"sent": 2}, ())


def test_a_workflow_that_was_undone_begins_afresh_under_the_next_number(store):
    run = a_run(store)
    for id in ("order-7", "order-7~2"):
        admitted = begin(store, run)
        assert admitted.id == id
        write(store, run, Compensate(admitted.key, [cancelled()]))
        write(store, run, End(admitted.key, WorkflowState.REVERTED, None, [cancelled()]))

    assert begin(store, run).id == "order-7~3"
    assert [each.id for each in store.workflows()] == ["order-7~3", "order-7~2", "order-7"]


def test_a_workflow_that_was_undone_is_begun_again_by_hand_with_its_own_input(store):
    run = a_run(store)
    key = begin(store, run).key
    write(store, run, Compensate(key, ()))
    write(store, run, End(key, WorkflowState.REVERTED, None, ()))
    wish = Begin("order-7", "ship", "shop.flows:ship", None, None, Intent.RETRY)

    (admitted,) = store.journal([(run, wish)], now=NOON)

    assert (admitted.id, admitted.input) == ("order-7~2", PRICES)


def test_a_workflow_that_failed_is_refused_until_somebody_wants_it_retried(store):
    first, second = a_run(store), a_run(store, minute=1)
    error = WorkflowFailure("pack", "0", "compensate", Failure("OSError", "no tape"))
    key = begin(store, first).key
    write(store, first, Record(key, a_step()))
    write(store, first, Compensate(key, [error]))
    write(store, first, End(key, WorkflowState.FAILED, None, [error]))

    assert begin(store, second) == Refused("order-7", WorkflowState.FAILED)
    assert begin(store, second, intent=Intent.RETRY) == Admitted(
        key, "order-7", PRICES, NOON, True, (a_step(),), (error,)
    )


@pytest.mark.parametrize("intent", [Intent.RETRY, Intent.CANCEL])
def test_what_was_never_begun_can_be_neither_retried_nor_cancelled(store, intent):
    assert begin(store, a_run(store), intent=intent) == Refused(
        "order-7", WorkflowState.RUNNING, is_known=False
    )


def test_a_cancelled_workflow_that_nobody_has_is_taken_over_to_be_undone(store):
    first, second = a_run(store), a_run(store, minute=1)
    key = begin(store, first).key
    write(store, first, Record(key, a_step()))
    over(store, first)

    admitted = begin(store, second, intent=Intent.CANCEL)

    assert (admitted.is_compensating, admitted.errors) == (True, (cancelled(),))
    assert begin(store, second).is_compensating


def test_whoever_has_a_workflow_hears_that_it_is_to_be_cancelled(store):
    run = a_run(store)
    key = begin(store, run).key

    assert write(store, run, Record(key, a_step())) == Recorded(False)
    assert store.request_workflow_cancel("order-7")
    assert write(store, run, Record(key, a_step(attempt=2))) == Recorded(True)


def test_a_cancel_that_nobody_heard_holds_for_the_next_who_takes_the_workflow(store):
    first, second = a_run(store), a_run(store, minute=1)
    begin(store, first)
    assert store.request_workflow_cancel("order-7")
    over(store, first)

    assert begin(store, second).is_compensating


def test_a_workflow_that_nobody_has_cannot_be_asked_to_stop(store):
    run = a_run(store)
    begin(store, run)
    over(store, run)

    assert not store.request_workflow_cancel("order-7")
    assert not store.request_workflow_cancel("order-8")


def test_a_step_keeps_its_place_and_changes_by_the_table_only(store):
    run = a_run(store)
    key = begin(store, run).key
    failure = Failure("OSError", "no tape", "Traceback ...")
    write(store, run, Record(key, a_step("0", 1)))
    write(store, run, Record(key, a_step("1.0", 2)))
    write(store, run, Record(key, a_step("0", 1, attempt=2, error=failure)), now=NOON + 9)

    found = store.workflow("order-7")

    assert [line.step for line in found.steps] == [a_step("0", 1, attempt=2, error=failure), a_step("1.0", 2)]
    assert (found.steps[0].started_at, found.steps[0].changed_at) == (NOON, NOON + 9)
    refused = write(store, run, Record(key, a_step("0", 1, state=StepState.COMPENSATED)))
    assert isinstance(refused, Nonsense)


def test_what_several_runs_write_at_once_is_one_transaction(store):
    first, second = a_run(store), a_run(store, minute=1)
    wish = Begin("a", "ship", "shop.flows:ship", None)

    replies = store.journal([(first, wish), (second, wish), (second, wish._replace(id="b"))], now=NOON)

    assert [type(reply) for reply in replies] == [Admitted, Refused, Admitted]


def test_the_owner_is_the_run_that_has_it_as_long_as_both_are_unfinished(store):
    run = a_run(store)
    key = begin(store, run).key

    assert store.workflow_owner("order-7").id == run.id
    succeed(store, run, key)
    assert store.workflow_owner("order-7") is None
    assert store.workflow_owner("order-8") is None


def test_workflows_are_found_by_state_job_and_id(store):
    run = a_run(store)
    succeed(store, run, begin(store, run, id="a").key, 5)
    begin(store, run, id="b")

    assert [each.id for each in store.workflows()] == ["b", "a"]
    assert [each.id for each in store.workflows(state="succeeded")] == ["a"]
    assert store.workflows(job="other") == []
    found = store.workflow("a")
    assert (found.name, found.target, found.job, found.run_id) == ("ship", "shop.flows:ship", "tidy", run.id)
    assert (found.input, found.result, found.finished_at) == (PRICES, 5, NOON)
    assert store.workflow("c") is None


def test_an_id_that_ends_like_a_repetition_is_found_too(store):
    run = a_run(store)
    begin(store, run, id="cart~2")

    assert store.workflow("cart~2").id == "cart~2"


def test_workflows_are_forgotten_when_their_time_is_over(store):
    run = a_run(store)
    for id, retention in (("short", 60.0), ("long", 40 * DAY), ("usual", None)):
        key = begin(store, run, id=id, retention_seconds=retention).key
        write(store, run, Record(key, a_step()))
        succeed(store, run, key)
    begin(store, run, id="running")

    store.prune_workflows(now=NOON + 61, keep_seconds=30 * DAY)
    after_a_minute = [each.id for each in store.workflows()]
    store.prune_workflows(now=NOON + 31 * DAY, keep_seconds=30 * DAY)

    assert after_a_minute == ["running", "usual", "long"]
    assert [each.id for each in store.workflows()] == ["running", "long"]
    assert len(store.workflow("long").steps) == 1


def test_a_workflow_that_could_not_be_undone_is_never_forgotten(store):
    run = a_run(store)
    key = begin(store, run).key
    write(store, run, Compensate(key, ()))
    write(store, run, End(key, WorkflowState.FAILED, None, ()))

    store.prune_workflows(now=NOON + 1000 * DAY, keep_seconds=0)

    assert store.workflow("order-7").state is WorkflowState.FAILED


def test_a_workflow_left_half_done_belongs_to_no_run_that_comes_after_its_own_is_forgotten(store):
    first = a_run(store)
    begin(store, first)
    over(store, first)
    store.prune(before=NOON + DAY, rows_a_job=1)
    stranger, other = a_run(store, minute=1), a_run(store, minute=2)

    assert store.workflow_owner("order-7") is None
    assert not store.request_workflow_cancel("order-7")
    assert isinstance(begin(store, other), Admitted)
    assert stranger.row != first.row
