"""Retries, and what is undone when a workflow fails."""

import asyncio

import pytest
from workflow_parts import KEY, Died, JumpingClock, a_run, run, states

from cronjobs import (
    PermanentFailure,
    StepFailedError,
    StepResponse,
    WorkflowFailedError,
    parallel,
    step,
    workflow,
)


class Bench:
    """Steps that tell what they do, and fail where they are told to."""

    def __init__(self, is_async=False, **options):
        self.told = []
        self.failures = {}  # {(action, argument): how often it fails}

        def act(name, context):
            self._tell("do", name, context)
            return StepResponse(name.upper(), name)

        async def act_async(name, context):
            await asyncio.sleep(0)
            return act(name, context)

        def undo(compensation_input, context):
            self._tell("undo", compensation_input, context)

        self.act = step(**{"name": "act", **options})(act_async if is_async else act)
        self.act.compensate(undo)

    def _tell(self, action, name, context):
        self.told.append(f"{action} {name}" + (f" ({context.attempt})" if context.attempt > 1 else ""))
        left = self.failures.get((action, name), 0)
        if left:
            self.failures[action, name] = left - 1
            raise ValueError(f"cannot {action} {name}")

    def workflow(self, *names):
        @workflow(name="acts")
        def acts():
            return [self.act(name) for name in names]

        @workflow(name="acts")
        async def acts_async():
            return [await self.act(name) for name in names]

        return acts_async if self.act.parameters.is_async else acts


@pytest.fixture(params=[False, True], ids=["def", "async def"])
def is_async(request):
    return request.param


def test_a_step_is_tried_again_as_often_as_it_may(is_async):
    bench = Bench(is_async, max_retries=3)
    bench.failures = {("do", "a"): 3}

    result = run(bench.workflow("a"), a_run())

    assert bench.told == ["do a", "do a (2)", "do a (3)", "do a (4)"]
    assert result.result == ["A"]
    assert result.errors == ()


def test_a_step_that_always_fails_is_called_one_time_more_than_it_is_tried_again(is_async):
    bench = Bench(is_async, max_retries=3)
    bench.failures = {("do", "a"): 99}

    result = run(bench.workflow("a"), a_run(), raise_on_error=False)

    assert bench.told == ["do a", "do a (2)", "do a (3)", "do a (4)", "undo None"]
    assert result.transaction.steps[0].error.message == "cannot do a"


def test_retries_wait_longer_and_longer_where_they_are_told_to(is_async):
    bench = Bench(is_async, max_retries=3, retry_interval=2, retry_backoff=3)
    bench.failures = {("do", "a"): 3}
    clock = JumpingClock()

    run(bench.workflow("a"), a_run(), clock=clock)

    assert clock.waits == [2, 6, 18]


def test_a_failure_undoes_every_step_in_reverse_order_the_failed_one_first(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "c"): 1}

    with pytest.raises(WorkflowFailedError) as failure:
        run(bench.workflow("a", "b", "c", "d"), a_run())

    assert bench.told == ["do a", "do b", "do c", "undo None", "undo b", "undo a"]
    assert states(failure.value) == dict.fromkeys("012", "compensated")
    assert str(failure.value.transaction.state) == "reverted"
    (error,) = failure.value.errors
    assert (error.step, error.position, error.action) == ("act", "2", "invoke")
    assert (error.error.type, error.error.message) == ("ValueError", "cannot do c")
    assert str(failure.value) == (
        f"workflow `acts` ({KEY}/acts#1) failed and was undone: step `act` at 2: ValueError: cannot do c"
    )
    assert isinstance(failure.value.__cause__, StepFailedError)
    assert isinstance(failure.value.__cause__.__cause__, ValueError)


def test_the_errors_are_returned_where_they_are_not_to_be_raised(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "a"): 1}

    result = run(bench.workflow("a"), a_run(), raise_on_error=False)

    assert result.result is None
    assert [each.error.message for each in result.errors] == ["cannot do a"]
    assert str(result.transaction.state) == "reverted"


def test_what_has_no_compensation_is_passed_over(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "b"): 1}

    @step
    def note():
        return None

    @workflow
    def body():
        bench.act("a"), note(), bench.act("b")

    @workflow
    async def body_async():
        await bench.act("a"), await note(), await bench.act("b")

    result = run(body_async if is_async else body, a_run(), raise_on_error=False)

    assert states(result) == {"0": "compensated", "1": "succeeded", "2": "compensated"}


def test_compensations_are_tried_again_as_their_step_is(is_async):
    bench = Bench(is_async, max_retries=2, retry_interval=5)
    bench.failures = {("do", "b"): 99, ("undo", "a"): 2}
    clock = JumpingClock()

    result = run(bench.workflow("a", "b"), a_run(), clock=clock, raise_on_error=False)

    assert bench.told[-4:] == ["undo None", "undo a", "undo a (2)", "undo a (3)"]
    assert clock.waits == [5] * 4
    assert str(result.transaction.state) == "reverted"


def test_where_one_cannot_be_undone_the_others_are_and_the_workflow_has_failed(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "c"): 1, ("undo", "b"): 1}

    with pytest.raises(WorkflowFailedError) as failure:
        run(bench.workflow("a", "b", "c"), a_run())

    assert bench.told[-3:] == ["undo None", "undo b", "undo a"]
    assert states(failure.value) == {"0": "compensated", "1": "compensation_failed", "2": "compensated"}
    assert str(failure.value.transaction.state) == "failed"
    assert [(each.action, each.position, each.error.message) for each in failure.value.errors] == [
        ("invoke", "2", "cannot do c"),
        ("compensate", "1", "cannot undo b"),
    ]
    assert failure.value.hint == f"once that can work: `cronjobs workflow retry {KEY}/acts#1`"


def test_a_permanent_failure_is_not_tried_again_and_tells_its_compensation_what_was_done(is_async):
    seen = []

    @step(max_retries=5)
    def charge():
        seen.append("charge")
        raise PermanentFailure("card declined", {"hold": 7})

    @charge.compensate
    def release(compensation_input):
        seen.append(compensation_input)

    @workflow
    def body():
        charge()

    @workflow
    async def body_async():
        await charge()

    result = run(body_async if is_async else body, a_run(), raise_on_error=False)

    assert seen == ["charge", {"hold": 7}]
    assert (result.errors[0].error.type, result.errors[0].error.message) == (
        "PermanentFailure",
        "card declined",
    )


def test_a_plain_result_is_what_the_compensation_is_given():
    seen = []

    @step
    def book():
        return {"seat": 1}

    @book.compensate
    def cancel(compensation_input):
        seen.append(compensation_input)

    @workflow
    def body():
        book()
        raise RuntimeError("the body's own")

    result = run(body, a_run(), raise_on_error=False)

    assert seen == [{"seat": 1}]
    assert [(each.step, each.error.message) for each in result.errors] == [("", "the body's own")]


def test_a_step_may_fail_without_its_workflow(is_async):
    bench = Bench(is_async, continue_on_failure=True)
    bench.failures = {("do", "b"): 1}

    result = run(bench.workflow("a", "b", "c"), a_run())

    assert result.result == ["A", None, "C"]
    assert [(each.position, each.error.message) for each in result.errors] == [("1", "cannot do b")]
    assert states(result) == {"0": "succeeded", "1": "failed", "2": "succeeded"}


def test_what_was_allowed_to_fail_is_undone_where_the_workflow_fails_later():
    bench = Bench(continue_on_failure=True)
    bench.failures = {("do", "a"): 1}

    @workflow
    def body():
        bench.act("a")
        raise RuntimeError("later")

    result = run(body, a_run(), raise_on_error=False)

    assert bench.told == ["do a", "undo None"]
    assert [each.error.message for each in result.errors] == ["cannot do a", "later"]


def test_a_body_may_catch_a_failure_and_go_on(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "a"): 1}

    @workflow
    def body():
        try:
            bench.act("a")
        except StepFailedError as error:
            return [error.step, error.position, error.failure.message, bench.act("b")]

    @workflow
    async def body_async():
        try:
            await bench.act("a")
        except StepFailedError as error:
            return [error.step, error.position, error.failure.message, await bench.act("b")]

    result = run(body_async if is_async else body, a_run())

    assert result.result == ["act", "0", "cannot do a", "B"]
    assert result.errors == ()
    assert bench.told == ["do a", "do b"]


def test_a_compensation_that_names_what_there_is_not_cannot_be_called():
    bench = Bench()
    bench.failures = {("do", "a"): 1}

    @bench.act.compensate
    def undo(compensation_input, mailr):
        return None

    result = run(bench.workflow("a"), a_run(mailer="post"), raise_on_error=False)

    assert str(result.transaction.state) == "failed"
    assert "compensation of `act`: nothing gives the parameter `mailr`" in result.errors[-1].error.message


def test_a_service_that_cannot_be_made_is_a_failed_attempt(is_async):
    container = a_run(mailer="post")
    inject, failures = container.inject, [ValueError("no post today")]

    def inject_later(names):
        if failures:
            raise failures.pop()
        return inject(names)

    container.inject = inject_later

    @step(max_retries=1)
    def send(mailer):
        return mailer

    @workflow
    def body():
        return send()

    @workflow
    async def body_async():
        return await send()

    assert run(body_async if is_async else body, container).result == "post"


# Parallel branches


def test_siblings_finish_before_a_failure_is_seen_and_all_are_undone(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "b"): 1}

    @workflow
    def body():
        def branch(*names):
            return [bench.act(name) for name in names]

        return parallel(lambda: branch("b"), lambda: branch("c", "d"))

    @workflow
    async def body_async():
        async def branch(*names):
            return [await bench.act(name) for name in names]

        return await parallel(branch("b"), lambda: branch("c", "d"))

    result = run(body_async if is_async else body, a_run(), raise_on_error=False)

    assert sorted(bench.told) == ["do b", "do c", "do d", "undo None", "undo c", "undo d"]
    assert set(states(result)) == {"0.0.0", "0.1.0", "0.1.1"}
    assert set(states(result).values()) == {"compensated"}
    began = [each.position for each in result.transaction.steps]
    undone = bench.told[3:]
    of = {"0.0.0": "undo None", "0.1.0": "undo c", "0.1.1": "undo d"}
    assert undone == [of[position] for position in reversed(began)]


def test_the_first_failure_in_the_order_of_the_branches_is_raised_and_all_are_listed(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", name): 1 for name in "ac"}

    @workflow
    def body():
        parallel(*(lambda name=name: bench.act(name) for name in "abc"))

    @workflow
    async def body_async():
        await parallel(*(bench.act(name) for name in "abc"))

    with pytest.raises(WorkflowFailedError) as failure:
        run(body_async if is_async else body, a_run())

    assert failure.value.__cause__.failure.message == "cannot do a"
    assert sorted(each.error.message for each in failure.value.errors) == ["cannot do a", "cannot do c"]


def test_results_come_in_the_order_of_the_branches(is_async):
    bench = Bench(is_async)

    @workflow
    def body():
        return parallel(*(lambda name=name: bench.act(name) for name in "abc"))

    @workflow
    async def body_async():
        return await parallel(*(bench.act(name) for name in "abc"))

    each = body_async if is_async else body
    assert run(each, a_run()).result == ["A", "B", "C"]


def test_no_branches_are_no_trouble(is_async):
    @workflow
    def body():
        return parallel()

    @workflow
    async def body_async():
        return await parallel()

    assert run(body_async if is_async else body, a_run()).result == []


@pytest.mark.parametrize("branches", [1, 100])
def test_branches_may_be_many_and_in_branches(is_async, branches):
    bench = Bench(is_async)

    @workflow
    def body():
        def inner(number):
            return parallel(lambda: bench.act(f"{number}a"), lambda: bench.act(f"{number}b"))

        return parallel(*(lambda number=number: inner(number) for number in range(branches)))

    @workflow
    async def body_async():
        async def inner(number):
            return await parallel(bench.act(f"{number}a"), bench.act(f"{number}b"))

        return await parallel(*(inner(number) for number in range(branches)))

    result = run(body_async if is_async else body, a_run())

    assert result.result == [[f"{number}A", f"{number}B"] for number in range(branches)]
    inside = ["0", "1"] if is_async else ["0.0.0", "0.1.0"]  # coroutines are called before `parallel` is
    assert set(states(result)) == {f"0.{number}.{each}" for number in range(branches) for each in inside}


def test_branches_of_def_are_not_called_before():
    bench = Bench()

    @workflow
    def body():
        parallel(bench.act("a"))

    with pytest.raises(WorkflowFailedError, match="a value of type `str`"):
        run(body, a_run())


def test_branches_of_async_def_can_be_awaited_or_called():
    bench = Bench(is_async=True)

    @workflow
    async def body():
        await parallel(bench.act("a"), 7)

    with pytest.raises(
        WorkflowFailedError, match="a value of type `int`: it takes what can be awaited or called"
    ):
        run(body, a_run())


def test_gathered_steps_finish_before_a_failure_undoes_them():
    ends = []

    @step
    async def slow():
        await asyncio.sleep(0.01)
        ends.append("slow")

    @slow.compensate
    async def undo():
        ends.append("undo")

    @step
    async def fail():
        raise ValueError

    @workflow
    async def body():
        await asyncio.gather(slow(), fail())

    result = run(body, a_run(), raise_on_error=False)

    assert ends == ["slow", "undo"]
    assert states(result) == {"0": "compensated", "1": "failed"}


def test_what_a_body_begins_and_does_not_await_is_waited_for():
    tasks = []

    @step
    async def slow(is_failing):
        await asyncio.sleep(0.01)
        if is_failing:
            raise ValueError("unheard")

    @workflow
    async def body(input):
        tasks.append(asyncio.create_task(slow(input)))

    assert states(run(body, a_run(), False)) == {"0": "succeeded"}
    failed = run(body, a_run(), True, raise_on_error=False)
    assert [each.error.message for each in failed.errors] == ["unheard"]
    assert isinstance(tasks[1].exception(), StepFailedError)


def test_a_task_group_fails_as_its_steps_do():
    bench = Bench(is_async=True)
    bench.failures = {("do", "b"): 1}

    @workflow
    async def body():
        await bench.act("a")
        async with asyncio.TaskGroup() as group:
            group.create_task(bench.act("b"))

    result = run(body, a_run(), raise_on_error=False)

    assert bench.told == ["do a", "do b", "undo None", "undo a"]
    assert [each.error.message for each in result.errors] == ["cannot do b"]


def test_a_step_that_its_own_body_cancels_has_failed():
    @step
    async def forever():
        await asyncio.Event().wait()

    @workflow
    async def body():
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"

    result = run(body, a_run())

    assert result.result == "cancelled"
    assert states(result) == {"0": "failed"}


def test_a_step_after_the_end_of_its_workflow_is_an_error():
    later = []

    @step
    async def plain():
        return 1

    @workflow
    async def body():
        async def late():
            await go.wait()
            await plain()

        go = asyncio.Event()
        later.append((go, asyncio.create_task(late())))

    async def main():
        await body(a_run()).run()
        ((go, task),) = later
        go.set()
        with pytest.raises(Exception, match="has ended: no step can be called in it any more"):
            await task

    asyncio.run(main())


def test_a_workflow_in_a_workflow_is_undone_by_itself_only(is_async):
    bench = Bench(is_async)
    bench.failures = {("do", "b"): 1}
    inner = bench.workflow("x", "y")

    @workflow
    def body(container):
        inner(container).run()
        bench.act("b")

    @workflow
    async def body_async(container):
        await inner(container).run()
        await bench.act("b")

    container = a_run()
    run(body_async if is_async else body, container, raise_on_error=False)

    assert [str(each.state) for each in container.journal.workflows()] == ["reverted", "succeeded"]
    assert bench.told == ["do x", "do y", "do b", "undo None"]


def test_what_dies_in_a_branch_ends_the_others(is_async):
    bench = Bench(is_async)

    @step
    def die():
        raise Died

    @workflow
    def body():
        parallel(die, lambda: bench.act("a"))

    @workflow
    async def body_async():
        await parallel(die, bench.act("a"))

    container = a_run()
    with pytest.raises(Died):
        run(body_async if is_async else body, container)

    (record,) = container.journal.workflows()
    assert str(record.state) == "running"
    assert "compensat" not in str(states(container.journal))


def test_branches_that_never_begin_are_not_complained_of():
    """A coroutine that nobody awaits is a warning, and warnings are errors here."""
    bench = Bench(is_async=True)
    container = a_run()

    async def branch():
        return await bench.act("b")

    @workflow
    async def body():
        container.journal.cancel(f"{KEY}/body#1")
        try:
            await bench.act("a")
        finally:
            await parallel(branch(), branch())

    run(body, container, raise_on_error=False)

    assert bench.told == ["undo None"]
