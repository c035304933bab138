"""Going on with a workflow that was begun before: after a crash, by hand, by others."""

import asyncio
import sys

import pytest
from workflow_parts import KEY, Container, Died, DyingJournal, JumpingClock, Logger, a_run, run, states

from cronjobs import StepFailedError, WorkflowFailedError, parallel, step, workflow
from cronjobs.core.errors import WorkflowChangedError, WorkflowLostError, WorkflowRefusedError
from cronjobs.core.workflow import Intent
from cronjobs.workflows.memory import MemoryJournal
from cronjobs.workflows.resume import resume


class Killed(BaseException):
    """The process is gone."""


class Shop:
    """Steps that tell what they do, killed where they are told to be."""

    def __init__(self):
        self.told = []
        self.killed_in = None

        @step(max_retries=2)
        def act(name, context):
            return self._tell(f"do {name}", context.attempt)

        @act.compensate
        def undo(compensation_input, context):
            return self._tell(f"undo {compensation_input}", context.attempt)

        self.act = act

    def _tell(self, what, attempt):
        self.told.append(what)
        if self.killed_in == f"{what} {attempt}":
            raise Killed
        return what.removeprefix("do ")

    def workflow(self, *names, fails=False):
        @workflow(name="acts")
        def acts():
            done = [self.act(name) for name in names]
            if fails:
                raise ValueError("after all")
            return done

        return acts


@pytest.fixture
def shop():
    return Shop()


def killed_in(shop, where, body, journal=None):
    """Run a workflow until its process is killed; return the journal as the next process has it."""
    journal = journal or MemoryJournal("first")
    shop.killed_in = where
    with pytest.raises(Killed):
        run(body, a_run(journal))
    shop.killed_in = None
    shop.told.clear()
    journal.die()
    return journal.as_owner("second")


# After a crash


def test_what_has_finished_is_not_done_again(shop):
    body = shop.workflow("a", "b", "c")
    journal = killed_in(shop, "do b 1", body)
    logger = Logger()

    result = run(body, a_run(journal, logger=logger))

    assert result.result == ["a", "b", "c"]
    assert shop.told == ["do b", "do c"]
    assert logger.lines == [("debug", f"workflow {KEY}/acts#1: goes on after 2 steps")]


def test_the_step_in_flight_is_done_once_more_as_the_same_attempt():
    attempts = []

    @step(max_retries=3)
    def act(context):
        attempts.append(context.attempt)
        if len(attempts) == 2:
            raise Killed
        if len(attempts) < 5:
            raise ValueError("no")
        return "done"

    @workflow
    def body():
        return act()

    journal = MemoryJournal("first")
    with pytest.raises(Killed):
        run(body, a_run(journal))
    journal.die()

    assert run(body, a_run(journal.as_owner("second"))).result == "done"
    assert attempts == [1, 2, 2, 3, 4]


def test_a_half_done_compensation_is_finished_without_the_body(shop):
    body = shop.workflow("a", "b", "c", fails=True)
    journal = killed_in(shop, "undo b 1", body)

    result = run(body, a_run(journal), raise_on_error=False)

    assert shop.told == ["undo b", "undo a"]
    assert str(result.transaction.state) == "reverted"
    assert [each.error.message for each in result.errors] == ["after all"]


def test_the_input_is_what_it_was_first_begun_with():
    seen = []

    @step
    def act(value):
        seen.append(value)
        if len(seen) == 1:
            raise Killed

    @workflow
    def body(input):
        act(input)

    journal = MemoryJournal("first")
    with pytest.raises(Killed):
        run(body, a_run(journal), {"day": 1})
    journal.die()
    run(body, a_run(journal.as_owner("second")), {"day": 2})

    assert seen == [{"day": 1}, {"day": 1}]


def test_a_failure_that_was_caught_is_seen_again_and_not_made_again():
    told = []

    @step
    def fail():
        told.append("fail")
        raise ValueError("no")

    @step
    def act():
        told.append("act")
        if told.count("act") == 1:
            raise Killed

    @workflow
    def body():
        try:
            fail()
        except StepFailedError as error:
            told.append((str(error), type(error.__cause__)))
        act()

    journal = MemoryJournal("first")
    with pytest.raises(Killed):
        run(body, a_run(journal))
    journal.die()
    run(body, a_run(journal.as_owner("second")))

    message = "step `fail` at 0 failed: ValueError: no"
    assert told == ["fail", (message, ValueError), "act", (message, type(None)), "act"]


def test_a_step_that_was_allowed_to_fail_is_noted_again():
    told = []

    @step(continue_on_failure=True)
    def fail():
        told.append("fail")
        raise ValueError("no")

    @step
    def act():
        told.append("act")
        if told.count("act") == 1:
            raise Killed

    @workflow
    def body():
        return [fail(), act()]

    journal = MemoryJournal("first")
    with pytest.raises(Killed):
        run(body, a_run(journal))
    journal.die()
    result = run(body, a_run(journal.as_owner("second")))
    concluded = run(body, a_run(journal.as_owner("third")))

    assert told == ["fail", "act", "act"]
    assert [each.error.message for each in result.errors] == ["no"]
    assert concluded.errors == result.errors


# The four rules


def test_a_workflow_that_has_succeeded_is_not_run_again(shop):
    body = shop.workflow("a")
    journal = MemoryJournal()
    first = run(body, a_run(journal), workflow_id="order-7")

    again = run(body, a_run(journal), workflow_id="order-7")

    assert shop.told == ["do a"]
    assert again == first


def test_a_workflow_that_was_undone_starts_afresh_under_its_next_name(shop):
    journal = MemoryJournal()
    run(shop.workflow("a", fails=True), a_run(journal), workflow_id="order-7", raise_on_error=False)

    again = run(shop.workflow("a"), a_run(journal), workflow_id="order-7")

    assert shop.told == ["do a", "undo a", "do a"]
    assert again.transaction.id == "order-7~2"


def test_a_workflow_that_has_failed_waits_for_somebody(shop):
    body = shop.workflow("a", fails=True)
    shop.act.options.max_retries = 0

    @shop.act.compensate
    def undo():
        raise ValueError("cannot")

    journal = MemoryJournal()
    run(body, a_run(journal), workflow_id="order-7", raise_on_error=False)

    with pytest.raises(WorkflowRefusedError, match="workflow order-7 has failed") as refusal:
        run(body, a_run(journal), workflow_id="order-7")

    assert "`cronjobs workflow retry order-7`" in refusal.value.hint


def test_a_workflow_that_another_run_has_is_refused(shop):
    body = shop.workflow("a")
    journal = MemoryJournal("tidy@2026-11-23T11:00:00Z")
    shop.killed_in = "do a 1"
    with pytest.raises(Killed):
        run(body, a_run(journal), workflow_id="order-7")

    with pytest.raises(WorkflowRefusedError, match="order-7 is running in the run tidy@2026-11-23T11:00:00Z"):
        run(body, a_run(journal.as_owner("other")), workflow_id="order-7")

    assert shop.told == ["do a"]


def test_a_second_run_of_one_id_in_the_same_process_is_refused():
    @step
    async def act(container):
        with pytest.raises(WorkflowRefusedError, match="order-7 is running in this process already"):
            await body(container).run(workflow_id="order-7")

    @workflow
    async def body():
        await act()

    container = a_run()
    run(body, container, workflow_id="order-7")

    assert states(container.journal) == {"0": "succeeded"}


# Changed code


def changed(old, new):
    """Return what is said where a killed workflow of `old` meets the code of `new`."""
    journal = MemoryJournal("first")
    with pytest.raises(Killed):
        run(old, a_run(journal), workflow_id="order-7")
    journal.die()
    after = journal.as_owner("second")
    with pytest.raises(WorkflowChangedError) as error:
        run(new, a_run(after), workflow_id="order-7")
    assert str(after.workflows()[0].state) == "running"
    return error.value


def bodies():
    """Return workflows of one name: killed in its third step, with another step, and with fewer."""

    @step
    def charge():
        return 1

    @step
    def send():
        return 2

    @step
    def die():
        raise Killed

    @workflow(name="order")
    def old():
        charge(), charge(), die()

    @workflow(name="order")
    def other():
        try:
            charge(), send()
        except Exception:
            return "not seen by the body"

    @workflow(name="order")
    def fewer():
        return charge()

    @workflow(name="order")
    def in_parallel():
        parallel(charge)

    return old, other, fewer, in_parallel


def test_another_step_at_a_position_is_an_error_that_names_both():
    old, other, _, _ = bodies()

    error = changed(old, other)

    assert str(error) == (
        "workflow `order` (order-7) was begun by other code:"
        " at position 1 it called the step `charge`, and now it calls `send`"
    )
    assert "bring the old code back" in error.hint
    assert "`cronjobs workflow cancel order-7`" in error.hint


def test_fewer_steps_are_an_error_at_the_end():
    old, _, fewer, _ = bodies()

    assert "at position 1 it called the step `charge`, and now it calls no step" in str(changed(old, fewer))


def test_a_parallel_where_a_step_was_is_an_error():
    old, _, _, in_parallel = bodies()

    assert "at position 0 it called the step `charge`, and now it calls `parallel`" in str(
        changed(old, in_parallel)
    )


def test_a_step_that_is_to_be_undone_and_is_not_there_is_an_error(shop):
    body = shop.workflow("a", "b", fails=True)
    journal = killed_in(shop, "undo a 1", body)
    (record,) = journal.workflows()
    gone = {key: each._replace(target="shop_that_moved:charge") for key, each in record.steps.items()}
    journal._keep(record._replace(steps=gone))

    with pytest.raises(
        WorkflowChangedError, match="step `shop_that_moved:charge`, which is to be undone"
    ) as error:
        run(body, a_run(journal))

    assert "bring it back" in error.value.hint
    assert str(journal.workflows()[0].state) == "running"
    assert shop.told == []


def test_a_body_that_fails_before_it_comes_to_old_steps_undoes_them_all_the_same(shop):
    journal = killed_in(shop, "do b 1", shop.workflow("a", "b"))

    @workflow(name="acts")
    def fails_early():
        raise ValueError("no service today")

    result = run(fails_early, a_run(journal), raise_on_error=False)

    assert shop.told == ["undo None", "undo a"]
    assert str(result.transaction.state) == "reverted"


# Asked to be cancelled


@pytest.mark.parametrize("is_async", [False, True])
def test_a_workflow_that_is_cancelled_stops_at_the_next_step_and_is_undone(is_async):
    told = []
    journal = MemoryJournal()

    @step
    def act(name):
        told.append(f"do {name}")
        if name == "b":
            journal.cancel("order-7")
        return name

    @act.compensate
    def undo(compensation_input):
        told.append(f"undo {compensation_input}")

    @workflow
    def body():
        return [act(name) for name in "abc"]

    @workflow
    async def body_async():
        return [await act(name) for name in "abc"]

    with pytest.raises(WorkflowFailedError, match="was cancelled") as failure:
        run(body_async if is_async else body, a_run(journal), workflow_id="order-7")

    assert told == ["do a", "do b", "undo b", "undo a"]
    assert str(failure.value.transaction.state) == "reverted"
    assert failure.value.errors[-1].error.type == "WorkflowCancelledError"


def test_a_step_that_has_not_begun_when_it_is_cancelled_is_not_called(shop):
    journal = MemoryJournal()
    record = journal.record

    def cancelled_before_the_second(key, step):
        if step.number == 2:
            journal.cancel("order-7")
        return record(key, step)

    journal.record = cancelled_before_the_second

    run(shop.workflow("a", "b"), a_run(journal), workflow_id="order-7", raise_on_error=False)

    assert shop.told == ["do a", "undo None", "undo a"]


def test_siblings_of_a_cancelled_workflow_end_their_step_and_begin_no_other():
    told = []
    journal = MemoryJournal()

    @step
    async def act(name):
        told.append(f"do {name}")
        if name == "b":
            journal.cancel("order-7")
        await asyncio.sleep(0)
        return name

    @act.compensate
    async def undo(compensation_input):
        told.append(f"undo {compensation_input}")

    @workflow
    async def body():
        async def branch(*names):
            for name in names:
                await act(name)

        await parallel(branch("a", "x"), branch("b", "y"))

    run(body, a_run(journal), workflow_id="order-7", raise_on_error=False)

    assert told == ["do a", "do b", "undo b", "undo a"]


# Lost


@pytest.mark.parametrize("is_async", [False, True])
def test_a_workflow_that_was_taken_over_stops_at_once_and_undoes_nothing(is_async):
    told = []
    journal = MemoryJournal("first")

    @step
    def act(name):
        told.append(name)
        if name == "b":
            journal.die()
        return name

    @act.compensate
    def undo(compensation_input):
        told.append(f"undo {compensation_input}")

    @workflow
    def body():
        try:
            return [act(name) for name in "abc"]
        except Exception:
            return "not seen by the body"

    @workflow
    async def body_async():
        try:
            return [await act(name) for name in "abc"]
        except Exception:
            return "not seen by the body"

    with pytest.raises(WorkflowLostError, match="has been taken over"):
        run(body_async if is_async else body, a_run(journal))

    assert told == ["a", "b"]
    assert states(journal) == {"0": "succeeded", "1": "running"}


# By hand


def by_hand(body, journal, intent, id="order-7"):
    begun = resume(body.target, id, Container(journal.as_owner("a person")), intent, clock=JumpingClock())
    return asyncio.run(awaited(begun)) if hasattr(begun, "__await__") else begun


async def awaited(begun):
    return await begun


def failed(shop, journal):
    """Leave a workflow that has failed since `b` could not be undone."""

    @shop.act.compensate
    def undo(compensation_input):
        shop.told.append(f"undo {compensation_input}")
        if compensation_input == "b" and not shop.told.count("mended"):
            raise ValueError("cannot")

    shop.act.options.max_retries = 0
    body = shop.workflow("a", "b", "c", fails=True)
    result = run(body, a_run(journal), workflow_id="order-7", raise_on_error=False)
    assert str(result.transaction.state) == "failed"
    return body


def test_what_could_not_be_undone_is_tried_again_by_hand(shop):
    journal = MemoryJournal()
    body = failed(shop, journal)
    shop.told[:] = ["mended"]

    result = by_hand(body, journal, Intent.RETRY)

    assert shop.told == ["mended", "undo b"]
    assert str(result.transaction.state) == "reverted"
    assert [each.error.message for each in result.errors] == ["after all"]


def test_what_still_cannot_be_undone_stays_failed(shop):
    journal = MemoryJournal()
    body = failed(shop, journal)
    shop.told.clear()

    result = by_hand(body, journal, Intent.RETRY)

    assert shop.told == ["undo b"]
    assert str(result.transaction.state) == "failed"
    assert [each.error.message for each in result.errors] == ["after all", "cannot"]


def test_a_left_workflow_is_gone_on_with_by_hand(shop):
    body = shop.workflow("a", "b")
    journal = MemoryJournal("first")
    shop.killed_in = "do b 1"
    with pytest.raises(Killed):
        run(body, a_run(journal), workflow_id="order-7")
    journal.die()
    shop.killed_in = None

    result = by_hand(body, journal, Intent.RETRY)

    assert result.result == ["a", "b"]
    assert shop.told == ["do a", "do b", "do b"]


def test_a_left_workflow_is_undone_by_hand_without_its_body(shop):
    body = shop.workflow("a", "b")
    journal = MemoryJournal("first")
    shop.killed_in = "do b 1"
    with pytest.raises(Killed):
        run(body, a_run(journal), workflow_id="order-7")
    journal.die()

    result = by_hand(body, journal, Intent.CANCEL)

    assert shop.told == ["do a", "do b", "undo None", "undo a"]
    assert str(result.transaction.state) == "reverted"
    assert [each.error.message for each in result.errors] == ["workflow `acts` was cancelled"]


def test_an_undone_workflow_is_begun_again_by_hand_with_its_input():
    seen = []

    @step
    async def act(value):
        seen.append(value)
        if len(seen) == 1:
            raise ValueError("no")
        return value

    @workflow(name="order")
    async def body(input):
        return await act(input)

    journal = MemoryJournal()
    run(body, a_run(journal), {"day": 1}, workflow_id="order-7", raise_on_error=False)

    result = by_hand(body, journal, Intent.RETRY)

    assert (result.transaction.id, result.result) == ("order-7~2", {"day": 1})


@pytest.mark.parametrize(
    ("intent", "complaint"),
    [
        (Intent.RETRY, "order-7 has succeeded: there is nothing to retry"),
        (Intent.CANCEL, "order-7 has succeeded: there is nothing to cancel"),
    ],
)
def test_a_workflow_that_has_succeeded_is_neither_retried_nor_cancelled(shop, intent, complaint):
    body, journal = shop.workflow("a"), MemoryJournal()
    run(body, a_run(journal), workflow_id="order-7")

    with pytest.raises(WorkflowRefusedError, match=complaint):
        by_hand(body, journal, intent)


def test_a_workflow_that_there_is_not_is_refused(shop):
    with pytest.raises(WorkflowRefusedError, match="there is no workflow nothing"):
        by_hand(shop.workflow("a"), MemoryJournal(), Intent.RETRY, "nothing")


def test_a_workflow_whose_code_is_gone_is_an_error_with_the_module_in_it():
    with pytest.raises(WorkflowChangedError, match=r"`shop_that_moved:order`.*no module `shop_that_moved`"):
        resume("shop_that_moved:order", "order-7", Container(MemoryJournal()), Intent.RETRY)


def test_the_modules_of_workflows_and_steps_are_imported_for_it(tmp_path, monkeypatch):
    (tmp_path / "far_shop.py").write_text(
        "from cronjobs import step, workflow\n"
        "from far_shop_steps import charge\n"
        "@workflow\n"
        "def order(): charge(); raise ValueError('no')\n"
    )
    (tmp_path / "far_shop_steps.py").write_text(
        "from cronjobs import step\n"
        "@step\n"
        "def charge(): raise KeyboardInterrupt\n"
        "@charge.compensate\n"
        "def refund(): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import far_shop

    journal = MemoryJournal("first")
    with pytest.raises(KeyboardInterrupt):
        run(far_shop.order, a_run(journal), workflow_id="order-7")
    journal.die()
    from cronjobs.workflows import step as steps
    from cronjobs.workflows import workflow as workflows

    del steps._STEPS["far_shop_steps:charge"], workflows._WORKFLOWS["far_shop:order"]
    del sys.modules["far_shop"], sys.modules["far_shop_steps"]

    result = by_hand(far_shop.order, journal, Intent.CANCEL)

    assert states(result) == {"0": "compensated"}


def steps_of_one_def(told, *names, **options):
    """Return a step for each name, all made by the same `def`."""

    def make(name):
        @step(**{key: value(name) for key, value in options.items()})
        def act():
            return name

        @act.compensate
        def undo(compensation_input):
            told.append(f"{name} undoes {compensation_input}")

        return act

    return [make(name) for name in names]


def test_each_step_of_one_def_is_undone_by_its_own_compensation():
    told = []
    first, second = steps_of_one_def(told, "first", "second")

    @workflow
    def both():
        first()
        second()
        raise ValueError("after all")

    run(both, a_run(), raise_on_error=False)

    assert told == ["second undoes second", "first undoes first"]


def half_undone(both):
    """Return the journal of a workflow whose process was killed as it began to undo it."""
    journal = MemoryJournal("process 1", clock=JumpingClock())
    with pytest.raises(Died):
        # Begun, two steps of two lines each, then that it is undone.
        run(both, a_run(DyingJournal(journal, 6, is_written=True)))
    journal.die()
    return journal.as_owner("process 2")


def test_another_process_undoes_no_step_that_it_cannot_tell_from_another():
    told = []
    first, second = steps_of_one_def(told, "first", "second")

    @workflow
    def both():
        first()
        second()
        raise ValueError("after all")

    with pytest.raises(WorkflowChangedError, match=r"several steps .*called `act`") as caught:
        run(both, a_run(half_undone(both)))

    assert told == []
    assert "@step(name=" in caught.value.hint


def test_another_process_tells_steps_of_one_def_apart_by_their_names():
    told = []
    first, second = steps_of_one_def(told, "first", "second", name=str)

    @workflow
    def both():
        first()
        second()
        raise ValueError("after all")

    run(both, a_run(half_undone(both)), raise_on_error=False)

    assert told == ["second undoes second", "first undoes first"]


def test_a_step_that_was_made_anew_is_the_one_that_is_undone():
    told = []
    [former] = steps_of_one_def(told, "former", name=lambda _: "anew")
    gone = [former]

    @workflow
    def one():
        gone[0]()
        gone[0]()
        raise ValueError("after all")

    journal = half_undone(one)
    [gone[0]] = steps_of_one_def(told, "latter", name=lambda _: "anew")
    del former
    run(one, a_run(journal), raise_on_error=False)

    assert told == ["latter undoes former", "latter undoes former"]
