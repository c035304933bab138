"""What a step is given, where it may be called, and what comes back."""

import asyncio
import functools
import subprocess
import sys

import pytest
from workflow_parts import KEY, Container, Logger, a_run, run, states

from cronjobs import StepContext, StepResponse, injected, parallel, step, workflow
from cronjobs.core.errors import WorkflowError, WorkflowFailedError
from cronjobs.workflows.memory import MemoryJournal


@step
def double(number):
    return number * 2


@step
async def add(first, second=10):
    return first + second


@workflow
async def sums(input):
    return [await add(number, second=await double(number)) for number in input]


@workflow
def doubles(input):
    return [double(number) for number in input]


def test_a_workflow_returns_what_its_body_returns():
    assert run(sums, a_run(), [1, 2]).result == [3, 6]
    assert run(doubles, a_run(), [1, 2]).result == [2, 4]


def test_the_result_tells_how_each_step_went():
    result = run(doubles, a_run(), [1, 2])

    assert result.errors == ()
    assert result.transaction.id == f"{KEY}/doubles#1"
    assert str(result.transaction.state) == "succeeded"
    assert [(each.position, each.number, each.name, each.output) for each in result.transaction.steps] == [
        ("0", 1, "double", 2),
        ("1", 2, "double", 4),
    ]


def test_a_step_and_a_workflow_may_be_named():
    @step(name="charge-card")
    def charge():
        return 1

    @workflow(name="order")
    def body():
        return charge()

    result = run(body, a_run())

    assert result.transaction.id == f"{KEY}/order#1"
    assert result.transaction.steps[0].name == "charge-card"
    assert result.transaction.steps[0].target.endswith("charge")


# What steps are given


def test_a_step_is_given_what_its_call_leaves_out_by_name():
    @step
    def send(customer, mailer, container, subject="news"):
        return f"{customer} {subject} by {mailer} {container is run_container}"

    @workflow
    def body(input, logger):
        return [send(input), send(input, subject="x"), send(input, "its own"), logger]

    run_container = a_run(mailer="post", logger=None)

    assert run(body, run_container, "Ann").result == [
        "Ann news by post True",
        "Ann x by post True",
        "Ann news by its own True",
        None,
    ]


@pytest.mark.parametrize("is_async", [True, False])
def test_the_context_tells_a_step_of_itself_and_of_its_run(is_async):
    seen = []

    def look(context):
        seen.append(context)

    async def look_async(context: StepContext = injected):
        seen.append(context)

    looking = step(name="look")(look_async if is_async else look)

    @workflow
    async def body():
        await looking()

    container = a_run()
    run(body, container)

    (context,) = seen
    assert (context.workflow_id, context.step_name, context.position) == (f"{KEY}/body#1", "look", "0")
    assert (context.attempt, context.idempotency_key) == (1, f"{KEY}/body#1/0")
    assert (context.job_name, context.run_id, context.scheduled_for) == ("tidy", KEY, "noon")
    assert context.should_stop is False
    assert context.container is container


def test_outside_of_runs_a_step_has_a_context_without_a_run():
    @step
    def look(context):
        return [context.job_name, context.run_id, context.scheduled_for, context.should_stop]

    @workflow
    def body():
        return look()

    assert run(body, Container()).result == [None, None, None, False]


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((), {}, "step `charge`: nothing gives the parameter `amount` a value"),
        ((1, 2), {}, "step `charge` takes 1 arguments, and was given 2"),
        ((1,), {"amuont": 2}, "step `charge` has no parameter `amuont`; did you mean `amount`?"),
        ((1,), {"amount": 2}, "step `charge` was given `amount` twice"),
    ],
)
def test_a_call_that_does_not_fit_says_so_and_is_never_made(arguments, keywords, message):
    calls = []

    @step
    def charge(amount):
        calls.append(amount)

    @workflow
    def body():
        charge(*arguments, **keywords)

    with pytest.raises(WorkflowFailedError) as failure:
        run(body, a_run())

    assert message in str(failure.value)
    assert calls == []


def test_a_parameter_that_is_marked_as_injected_and_cannot_be_is_missed():
    @step
    def charge(mailr=injected):
        return 1

    @workflow
    def body():
        charge()

    with pytest.raises(WorkflowFailedError, match="parameter `mailr` a value; did you mean `mailer`"):
        run(body, a_run(mailer="post"))


def test_functions_that_are_wrapped_and_partials_are_steps_too():
    def twice(function):
        @functools.wraps(function)
        async def wrapper(*arguments, **keywords):
            return 2 * await function(*arguments, **keywords)

        return wrapper

    @step
    @twice
    async def count(number, context):
        return number + context.attempt

    @workflow
    async def body():
        return await count(1)

    assert run(body, a_run()).result == 4


# Where steps may be called


def test_a_step_outside_of_a_workflow_names_the_way_to_its_function():
    with pytest.raises(WorkflowError, match=r"outside of a workflow's body.*`double.function\(...\)`"):
        double(1)

    assert double.function(1) == 2


def test_parallel_outside_of_a_workflow_is_an_error():
    with pytest.raises(WorkflowError, match=r"parallel\(\) was called outside"):
        parallel()


@pytest.mark.parametrize("is_async", [True, False])
def test_a_step_does_not_call_steps(is_async):
    @step
    def outer():
        return double(1)

    @workflow
    def body():
        outer()

    @workflow
    async def body_async():
        await outer()

    with pytest.raises(WorkflowFailedError, match="step `double` was called inside the step `outer`"):
        run(body_async if is_async else body, a_run())


def test_an_asynchronous_step_in_a_workflow_that_is_not_is_an_error():
    @workflow
    def body():
        return add(1)

    with pytest.raises(
        WorkflowFailedError, match="step `add` is `async def`, and the workflow around it is not"
    ):
        run(body, a_run())


def test_a_step_for_threads_is_awaited_in_an_asynchronous_workflow():
    @workflow
    async def body():
        return [await double(1), await double.awaitable(2)]

    assert run(body, a_run()).result == [2, 4]
    with pytest.raises(WorkflowError, match="outside of a workflow"):
        double.awaitable(1)


def test_a_workflow_is_called_with_a_container():
    with pytest.raises(WorkflowError, match="was called with a value of type `list`"):
        doubles([1])


# Positions


def test_positions_are_taken_when_steps_are_called_not_when_they_are_awaited():
    @step
    async def name(letter):
        return letter

    @workflow
    async def body():
        first, second = name("a"), name("b")
        return [await second, await first]

    result = run(body, a_run())

    assert {each.position: each.output for each in result.transaction.steps} == {"0": "a", "1": "b"}
    assert [each.position for each in result.transaction.steps] == ["1", "0"]  # as they began


def test_a_key_is_the_same_in_each_attempt_of_a_step_and_another_in_its_compensation():
    keys = []

    @step(max_retries=2)
    def fail(context):
        keys.append(context.idempotency_key)
        raise ValueError

    @fail.compensate
    def undo(context):
        keys.append(context.idempotency_key)

    @workflow
    def body():
        double(1)
        fail()

    run(body, a_run(), raise_on_error=False)

    id = f"{KEY}/body#1"
    assert keys == [f"{id}/1"] * 3 + [f"{id}/1/compensation"]


# Ids


def test_the_default_id_counts_the_calls_of_a_workflow_in_its_run():
    container = a_run()

    ids = [run(each, container, [1]).transaction.id for each in (doubles, doubles, sums)]

    assert ids == [f"{KEY}/doubles#1", f"{KEY}/doubles#2", f"{KEY}/sums#1"]


def test_containers_of_one_journal_count_together():
    journal = MemoryJournal()

    ids = [run(doubles, a_run(journal), [1]).transaction.id for _ in range(2)]

    assert ids == [f"{KEY}/doubles#1", f"{KEY}/doubles#2"]


def test_outside_of_runs_each_id_is_another_one_and_the_container_keeps_its_journal():
    container = Container()

    ids = {run(doubles, container, [1]).transaction.id for _ in range(3)}
    first = run(doubles, container, [1], workflow_id="mine")
    again = run(doubles, container, [2], workflow_id="mine")

    assert len(ids) == 3
    assert first.result == again.result == [2]


def test_a_workflow_in_a_workflow_is_named_after_its_place():
    @step
    def outer(container):
        return doubles(container).run([3]).transaction.id

    @workflow
    def parent(container):
        return [
            doubles(container).run([1]).transaction.id,
            outer(),
            doubles(container).run([2]).transaction.id,
        ]

    id = f"{KEY}/parent#1"
    assert run(parent, a_run()).result == [f"{id}/doubles#0", f"{id}/1/doubles#1", f"{id}/doubles#2"]


# Values


def test_values_go_through_json_at_once():
    @step
    def give():
        return {"pair": (1, 2), 3: "three"}

    @workflow
    def body(input):
        return [input, give()]

    container = a_run()

    result = run(body, container, {"ids": (1,)})

    assert result.result == [{"ids": [1]}, {"pair": [1, 2], "3": "three"}]


def test_what_a_body_does_to_a_result_does_not_change_the_record():
    @step
    def give():
        return []

    @workflow
    def body():
        given = give()
        given.append(1)
        return given

    result = run(body, a_run())

    assert (result.result, result.transaction.steps[0].output) == ([1], [])


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (float("nan"), "it is nan"),
        ([1, {"a": float("inf")}], "it[1]['a'] is inf"),
        ({"when": object()}, "it['when'] is of type `object`"),
        ({(1, 2): 3}, "it has a key of type `tuple`"),
        (StepResponse(1, {2}), "it is of type `set`"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
def test_what_is_not_json_fails_the_step_for_good_and_is_undone_without_input(is_async, value, complaint):
    seen = []

    @step(max_retries=3)
    def give(context):
        seen.append(context.attempt)
        return value

    @give.compensate
    def undo(compensation_input):
        seen.append(compensation_input)

    @workflow
    def body():
        give()

    @workflow
    async def body_async():
        await give()

    result = run(body_async if is_async else body, a_run(), raise_on_error=False)

    (error,) = result.errors
    assert error.error.message == f"step `give` returned what is not JSON: {complaint}" + (
        ", and JSON has no such number" if "n" in complaint and "type" not in complaint else ""
    )
    assert seen == [1, None]


def test_an_input_that_is_not_json_names_the_workflow_and_begins_nothing():
    container = a_run()

    with pytest.raises(
        WorkflowError, match=r"input of workflow `doubles` is not JSON: it\[0\] is of type `object`"
    ):
        run(doubles, container, [object()])

    assert container.journal.workflows() == []


def test_a_result_that_is_not_json_fails_the_workflow():
    @workflow
    def body():
        return double(2), object()

    with pytest.raises(WorkflowFailedError, match="workflow `body` returned what is not JSON: it") as failure:
        run(body, a_run())

    assert str(failure.value.transaction.state) == "reverted"


def test_an_input_for_a_body_without_one_is_an_error():
    @workflow
    def body():
        return 1

    with pytest.raises(WorkflowError, match="has no parameter `input`"):
        run(body, a_run(), [1])


# Options


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_retries": -1}, "max_retries=-1 is no whole number"),
        ({"max_retries": True}, "max_retries=True is no whole number"),
        ({"timeout": 0}, "timeout=0 is too short"),
        ({"timeout": "soon"}, "timeout='soon': a whole number is expected"),
        ({"retry_interval": -1}, "retry_interval=-1 is too short"),
        ({"retry_interval": None}, "retry_interval=None is no duration"),
        ({"retry_backoff": 0.5}, "retry_backoff=0.5 is no number from 1 on"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, complaint):
    with pytest.raises(WorkflowError, match=complaint.replace(".", r"\.")):
        step(**options)


def test_durations_may_be_texts():
    seen = step(timeout="90s", retry_interval="1m")
    kept = workflow(retention="7d", timeout="1h")

    assert (seen.timeout_seconds, seen.retry_interval_seconds) == (90, 60)
    assert (kept.retention_seconds, kept.timeout_seconds) == (604_800, 3600)


def test_the_journal_is_told_what_is_begun():
    @workflow(retention="7d")
    def body(input):
        return 1

    container = a_run()
    run(body, container, {"a": 1}, workflow_id="order-7")

    begin = container.journal.workflows()[0].begin
    assert (begin.id, begin.name, begin.input, begin.retention_seconds) == (
        "order-7",
        "body",
        {"a": 1},
        604_800,
    )
    assert begin.target.endswith("body")


def test_a_compensation_is_written_as_its_step_is():
    async def undo():
        return None

    with pytest.raises(WorkflowError, match="step `double` is `def` and its compensation `async def`"):
        double.compensate(undo)


def test_a_def_that_returns_something_to_await_is_an_error():
    @step
    def forgetful():
        return asyncio.sleep(0)

    @workflow
    async def body():
        await forgetful()

    @workflow
    def body_sync():
        forgetful()

    for each in (body, body_sync):
        with pytest.raises(WorkflowFailedError, match="write it `async def`"):
            run(each, a_run())


def test_steps_that_fail_are_told_to_the_logger():
    @step(max_retries=1)
    def fail():
        raise ValueError("no")

    @workflow
    def body():
        fail()

    logger = Logger()
    run(body, a_run(logger=logger), raise_on_error=False)

    assert logger.lines == [
        ("warning", f"workflow {KEY}/body#1: step fail at 0: attempt 1 of 2 failed: ValueError: no"),
        ("warning", f"workflow {KEY}/body#1: step fail at 0 failed: ValueError: no"),
    ]


# What it costs


def test_a_module_with_steps_that_await_nothing_loads_nothing_heavy():
    program = """
import sys
before = set(sys.modules)
from cronjobs import step, workflow, PermanentFailure, StepResponse, parallel
from cronjobs.workflows.memory import MemoryJournal
@step(timeout=5)
def double(number, context): return number * 2
@workflow
def doubles(input): return [double(each) for each in input]
class Container:
    journal, clock = MemoryJournal(), None
    def parameters(self): return ()
    def inject(self, names): return {}
    def resolve(self, key, default=None): return default
assert doubles(Container()).run([1]).result == [2]
print(*set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (
        set(done.stdout.split()) & {"inspect", "asyncio", "threading", "logging", "traceback", "ctypes"}
        == set()
    )


def test_states_are_those_of_the_journal():
    container = a_run()

    result = run(doubles, container, [1, 2])

    assert states(result) == states(container.journal) == {"0": "succeeded", "1": "succeeded"}


@pytest.mark.parametrize(
    ("call", "forgotten"),
    [
        (lambda act: act("a"), "`act` at 0"),
        (lambda act: [act("a"), act("b")], "`act` at 0, `act` at 1"),
        (lambda act: parallel(act("a")), "`act` at 0, `parallel` at 1"),
    ],
)
def test_a_step_that_nobody_awaits_is_told_of_and_not_passed_over(call, forgotten):
    done = []

    @step
    async def act(name):
        done.append(name)

    @workflow
    async def forgets():
        call(act)

    with pytest.raises(WorkflowFailedError, match=f"never awaited {forgotten}$") as caught:
        run(forgets, a_run())

    assert done == []
    assert "await" in caught.value.__cause__.hint


def test_a_step_that_was_cancelled_before_it_began_is_not_forgotten():
    @step
    async def act():
        return "done"

    @workflow
    async def thinks_again():
        asyncio.create_task(act()).cancel()
        await asyncio.sleep(0)
        return await act()

    assert run(thinks_again, a_run()).result == "done"


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (lambda: step(retries=3), "`@step` has no option `retries`", "max_retries"),
        (lambda: step(max_retry=3), "`@step` has no option `max_retry`", "max_retries"),
        (lambda: step(colour="red"), "`@step` has no option `colour`", "there are: name, max_retries"),
        (lambda: workflow(timeouts=3), "`@workflow` has no option `timeouts`", "timeout"),
        (lambda: step(functools.partial(print, "x")), "`partial`", "def"),
        (lambda: workflow(functools.partial(print, "x")), "`partial`", "def"),
    ],
)
def test_what_cannot_be_a_step_or_a_workflow_is_refused_with_a_way_out(make, message, hint):
    with pytest.raises(WorkflowError, match=message) as caught:
        make()

    assert hint in caught.value.hint


def test_a_result_that_was_not_awaited_is_said_to_be_one():
    async def later():
        return 7

    coroutine = later()

    @workflow
    def forgets():
        return [coroutine]

    with pytest.raises(WorkflowFailedError, match=r"it\[0\] is of type `coroutine`, and was not awaited"):
        run(forgets, a_run())
    coroutine.close()


def test_the_errors_that_the_guide_names_are_public():
    import cronjobs

    assert issubclass(cronjobs.WorkflowRefusedError, WorkflowError)
