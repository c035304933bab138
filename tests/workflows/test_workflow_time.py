"""Limits of time, and how a workflow is ended from outside. Nothing here waits for long, or for luck."""

import asyncio
import os
import signal
import threading

import pytest
from workflow_parts import KEY, JumpingClock, a_run, run, states

from cronjobs import WorkflowFailedError, parallel, step, workflow
from cronjobs.workflows.memory import MemoryJournal

SHORT = 0.2  # seconds: long enough for a step to begin on a busy machine
NEVER = 60  # seconds: whoever waits for so long has not been cut


def wait_in_python():
    """Wait in a way that an exception can be raised in: bytecode by bytecode."""
    done = threading.Event()
    for _ in range(int(NEVER / 0.001)):
        done.wait(0.001)
    raise AssertionError("nothing has cut this")


async def wait_in_loop():
    await asyncio.sleep(NEVER)
    raise AssertionError("nothing has cut this")


def waiting_step(kind, told, **options):
    """Return a step that waits for too long, and a workflow of its kind that calls it."""

    def wait(context):
        told.append(f"wait {context.attempt}")
        wait_in_python()

    async def wait_async(context):
        told.append(f"wait {context.attempt}")
        await wait_in_loop()

    waiting = step(**options)(wait_async if kind == "async step" else wait)

    @waiting.compensate
    def undo(compensation_input, context):
        told.append(f"undo {compensation_input}")

    @workflow(name="body")
    def in_main():
        waiting()

    @workflow(name="body")
    def in_branch():
        parallel(waiting)

    @workflow(name="body")
    async def in_loop():
        await waiting()

    return waiting, {"main": in_main, "branch": in_branch}.get(kind, in_loop)


KINDS = pytest.mark.parametrize("kind", ["main", "branch", "thread", "async step"])


@pytest.mark.parametrize("kind", ["main", "branch", "thread"])
def test_a_step_that_makes_something_else_of_being_cut_has_taken_too_long_all_the_same(kind):
    def wait():
        try:
            wait_in_python()
        except BaseException:
            raise RuntimeError("release unlocked lock") from None

    waiting = step(timeout=SHORT)(wait)

    @workflow(name="body")
    def in_main():
        waiting()

    @workflow(name="body")
    def in_branch():
        parallel(waiting)

    @workflow(name="body")
    async def in_loop():
        await waiting()

    body = {"main": in_main, "branch": in_branch, "thread": in_loop}[kind]

    with pytest.raises(WorkflowFailedError) as failure:
        run(body, a_run())

    (error,) = failure.value.errors
    assert error.error.type == "TimeoutError"


def test_a_body_that_makes_something_else_of_being_cut_has_taken_too_long_all_the_same():
    @workflow(name="body", timeout=SHORT)
    def body():
        try:
            wait_in_python()
        except BaseException:
            raise RuntimeError("release unlocked lock") from None

    with pytest.raises(WorkflowFailedError) as failure:
        run(body, a_run())

    (error,) = failure.value.errors
    assert error.error.type == "TimeoutError"


@KINDS
def test_a_step_that_takes_too_long_is_cut_tried_again_and_undone(kind):
    told = []
    _, body = waiting_step(kind, told, timeout=SHORT, max_retries=1)
    handler = signal.getsignal(signal.SIGALRM)

    with pytest.raises(WorkflowFailedError) as failure:
        run(body, a_run())

    assert told == ["wait 1", "wait 2", "undo None"]
    (error,) = failure.value.errors
    assert error.error.type == "TimeoutError"
    assert "took longer than 0.2s" in error.error.message
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_step_in_a_workflow_of_another_thread_is_cut_too():
    told, errors = [], []
    _, body = waiting_step("main", told, timeout=SHORT)

    def work():
        errors.extend(run(body, a_run(), raise_on_error=False).errors)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert told == ["wait 1", "undo None"]
    assert [each.error.type for each in errors] == ["TimeoutError"]


def test_a_timer_of_the_users_own_goes_on_afterwards():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.setitimer(signal.ITIMER_REAL, NEVER)
    try:
        _, body = waiting_step("main", [], timeout=SHORT)
        run(body, a_run(), raise_on_error=False)

        assert NEVER / 2 < signal.getitimer(signal.ITIMER_REAL)[0] < NEVER
        os.kill(os.getpid(), signal.SIGALRM)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_step_in_a_thread_is_not_undone_while_it_still_runs():
    told, may_end = [], threading.Event()

    @step(timeout=SHORT)
    def stubborn():
        may_end.wait(NEVER)  # one piece of C code: nothing is raised in it
        told.append("ended")

    @stubborn.compensate
    def undo():
        told.append("undone")

    @workflow
    async def body():
        asyncio.get_running_loop().call_later(4 * SHORT, may_end.set)
        await stubborn()

    run(body, a_run(), raise_on_error=False)

    assert told[-1] == "undone"
    assert "ended" not in told[told.index("undone") :]


@KINDS
def test_a_compensation_that_takes_too_long_has_failed(kind):
    told = []
    waiting, _ = waiting_step(kind, told, timeout=SHORT)

    def act():
        raise ValueError("no")

    async def act_async():
        raise ValueError("no")

    acting = step(timeout=SHORT)(act_async if kind == "async step" else act)
    acting.compensate(waiting.function)

    @workflow
    def body():
        acting()

    @workflow
    async def body_async():
        await acting()

    result = run(body if kind in ("main", "branch") else body_async, a_run(), raise_on_error=False)

    assert [(each.action, each.error.type) for each in result.errors] == [
        ("invoke", "ValueError"),
        ("compensate", "TimeoutError"),
    ]
    assert str(result.transaction.state) == "failed"


@KINDS
def test_a_workflow_that_takes_too_long_is_cut_in_its_step_and_undone(kind):
    told = []
    _, body = waiting_step(kind, told, max_retries=5)
    body.options.timeout_seconds = SHORT

    with pytest.raises(WorkflowFailedError) as failure:
        run(body, a_run())

    assert told == ["wait 1", "undo None"]
    assert failure.value.errors[-1].step == ""
    assert failure.value.errors[-1].error.type == "TimeoutError"
    assert failure.value.errors[-1].error.message == "workflow `body` took longer than 0.2s"
    assert str(failure.value.transaction.state) == "reverted"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_body_that_takes_too_long_is_cut_between_its_steps(is_async):
    undone = []

    @step
    def act():
        return 1

    @act.compensate
    def undo():
        undone.append(1)

    @workflow(timeout=SHORT)
    def body():
        act()
        wait_in_python()

    @workflow(timeout=SHORT)
    async def body_async():
        await act()
        await wait_in_loop()

    result = run(body_async if is_async else body, a_run(), raise_on_error=False)

    assert undone == [1]
    assert [each.error.type for each in result.errors] == ["TimeoutError"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_body_that_will_not_be_cut_is_stopped_at_its_next_step(is_async):
    acts = []

    @step
    def act():
        acts.append(1)

    @workflow(timeout=SHORT)
    def body():
        try:
            wait_in_python()
        except BaseException:
            act()

    @workflow(timeout=SHORT)
    async def body_async():
        try:
            await wait_in_loop()
        except BaseException:
            await act()

    result = run(body_async if is_async else body, a_run(), raise_on_error=False)

    assert acts == []
    assert str(result.transaction.state) == "reverted"


@pytest.mark.parametrize("is_async", [False, True])
def test_the_time_of_a_workflow_counts_from_its_first_attempt(is_async):
    clock = JumpingClock()
    journal = MemoryJournal(clock=clock)
    calls = []

    @step(max_retries=9, retry_interval=40)
    def act():
        calls.append(1)
        if len(calls) < 9:
            raise ValueError("not yet")

    @workflow(timeout=100)
    def body():
        act()

    @workflow(timeout=100)
    async def body_async():
        await act()

    result = run(body_async if is_async else body, a_run(journal), clock=clock, raise_on_error=False)

    assert len(calls) == 3  # after 0, 40 and 80 seconds
    assert result.errors[-1].error.message.startswith("workflow `body")
    assert "took longer than 100s" in result.errors[-1].error.message


def test_an_attempt_that_begins_too_late_goes_no_further():
    clock = JumpingClock()
    dead = MemoryJournal("first", clock=clock)

    @step
    def act():
        raise KeyboardInterrupt

    @workflow(timeout=100)
    def body():
        act()

    with pytest.raises(KeyboardInterrupt):
        run(body, a_run(dead), clock=clock)
    dead.die()
    clock.time += 100

    result = run(body, a_run(dead.as_owner("second")), clock=clock, raise_on_error=False)

    assert str(result.transaction.state) == "reverted"
    assert result.errors[-1].error.type == "TimeoutError"


def test_a_workflow_inside_one_that_takes_too_long_is_undone_with_it():
    told = []
    for kind in ("main", "async step"):
        _, inner = waiting_step(kind, told)

        @workflow(name="outer", timeout=SHORT)
        def outer(container):
            inner(container).run()  # noqa: B023  # it is called in this turn

        @workflow(name="outer", timeout=SHORT)
        async def outer_async(container):
            await inner(container).run()  # noqa: B023  # as above

        container = a_run()
        with pytest.raises(WorkflowFailedError):
            run(outer if kind == "main" else outer_async, container)

        assert [str(each.state) for each in container.journal.workflows()] == ["reverted", "reverted"]
    assert told == ["wait 1", "undo None"] * 2


# Ended from outside


class Terminated(SystemExit):
    """As a run's SIGTERM raises it."""


@pytest.fixture
def terminating():
    """Return a function that sends this process the signal that ends runs."""

    def raise_terminated(signum, frame):
        raise Terminated(128 + signum)

    before = signal.signal(signal.SIGTERM, raise_terminated)
    yield lambda: os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)


def assert_left(container, *, steps):
    """Assert that the workflow can be gone on with: nothing is undone."""
    (record,) = container.journal.workflows()
    assert (str(record.state), record.is_compensating) == ("running", False)
    assert states(container.journal) == steps


@KINDS
def test_a_run_that_is_terminated_leaves_its_workflow_to_the_next_attempt(kind, terminating):
    undone, threads = [], threading.active_count()

    def wait():
        timer = threading.Timer(SHORT, terminating)
        timer.start()
        wait_in_python()

    async def wait_async():
        asyncio.get_running_loop().call_later(SHORT, terminating)
        await wait_in_loop()

    waiting = step(wait_async if kind == "async step" else wait)

    @waiting.compensate
    def undo():
        undone.append(1)

    @workflow
    def body():
        waiting()

    @workflow
    def body_in_branches():
        parallel(waiting)

    @workflow
    async def body_async():
        await waiting()

    container = a_run()
    with pytest.raises(Terminated):
        run({"main": body, "branch": body_in_branches}.get(kind, body_async), container)

    assert_left(container, steps={"0.0.0" if kind == "branch" else "0": "running"})
    assert undone == []
    assert threading.active_count() <= threads + 1  # the timer may be about to end


@pytest.mark.parametrize("is_in_branch", [False, True])
def test_a_wait_for_the_next_attempt_ends_when_the_run_is_terminated(terminating, is_in_branch):
    @step(max_retries=1, retry_interval=NEVER)
    def fail():
        threading.Timer(SHORT, terminating).start()
        raise ValueError

    @workflow
    def body():
        if is_in_branch:
            parallel(fail)
        else:
            fail()

    container = a_run()
    with pytest.raises(Terminated):
        body(container).run()

    assert_left(container, steps={"0.0.0" if is_in_branch else "0": "running"})


def test_what_cancels_the_task_around_a_workflow_leaves_it_as_it_is():
    began, ends = [], []

    @step
    async def wait():
        try:
            began.append(1)
            await wait_in_loop()
        finally:
            ends.append("cancelled")

    @step
    def wait_in_thread():
        try:
            began.append(2)
            wait_in_python()
        finally:
            ends.append("cut")

    @workflow
    async def body():
        await parallel(wait(), wait_in_thread())

    async def main():
        task = asyncio.create_task(body(container).run())
        while len(began) < 2:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    container = a_run()
    asyncio.run(main())

    assert_left(container, steps={"0": "running", "1": "running"})
    assert sorted(ends) == ["cancelled", "cut"]


def test_a_limit_around_a_workflow_is_from_outside():
    @step
    async def wait():
        await wait_in_loop()

    @workflow
    async def body():
        await wait()

    async def main():
        async with asyncio.timeout(SHORT):
            await body(container).run()

    container = a_run()
    with pytest.raises(TimeoutError):
        asyncio.run(main())

    assert_left(container, steps={"0": "running"})


@pytest.mark.parametrize("is_async", [False, True])
def test_an_interruption_of_a_compensation_leaves_it_to_the_next_attempt(is_async):
    told = []

    @step
    def act(number):
        told.append(f"act {number}")
        if number == 1:
            raise ValueError("no")
        return number

    @act.compensate
    def undo(compensation_input):
        told.append(f"undo {compensation_input}")
        if told.count("undo 0") == 1:
            raise KeyboardInterrupt

    @workflow(name="body")
    def body():
        act(0), act(1)

    @workflow(name="body")
    async def body_async():
        await act(0), await act(1)

    journal = MemoryJournal()
    with pytest.raises(KeyboardInterrupt):
        run(body_async if is_async else body, a_run(journal))
    assert str(journal.workflows()[0].state) == "running"
    journal.die()
    result = run(body_async if is_async else body, a_run(journal.as_owner("next")), raise_on_error=False)

    assert told == ["act 0", "act 1", "undo None", "undo 0", "undo 0"]
    assert result.transaction.id == f"{KEY}/body#1"
    assert str(result.transaction.state) == "reverted"
    assert [each.error.message for each in result.errors] == ["no"]
