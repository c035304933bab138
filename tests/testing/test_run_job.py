"""`run_job` calls a job's function as a run does."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cronjobs import Container, StepResponse, job, parallel, step, workflow
from cronjobs.core.errors import (
    QueryError,
    ServiceError,
    WorkflowFailedError,
    WorkflowLostError,
    WorkflowRefusedError,
)
from cronjobs.testing import Crash, FakeClock, Workflows, run_job, run_job_async

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Mailer:
    def __init__(self):
        self.sent = []

    def send(self, address):
        self.sent.append(address)


def in_both(function, **options):
    """Return what comes of a function by `run_job` and by its twin for async tests."""
    return run_job(function, **options), asyncio.run(run_job_async(function, **options))


# What a function is given


def test_a_function_is_given_services_by_name_and_its_args():
    def greet(my_mailer, name, size=3):
        my_mailer.send(name)
        return size

    mailer = Mailer()

    done = in_both(greet, services={"my-mailer": mailer}, args={"name": "ann"})

    assert [each.result for each in done] == [3, 3]
    assert mailer.sent == ["ann", "ann"]


def test_args_bind_before_services_and_services_before_defaults():
    def greet(name="default", size=1):
        return name, size

    done = run_job(greet, services={"name": "service", "size": 2}, args={"name": "args"})

    assert done.result == ("args", 2)


def test_an_async_function_is_awaited_with_its_async_services():
    async def connect(settings):
        await asyncio.sleep(0)
        yield f"connected to {settings}"

    async def ask(connection, container):
        return connection, await container.resolve("connection")

    first, second = in_both(ask, services={"settings": "shop"}, factories={"connection": connect})

    assert first.result == second.result == ("connected to shop",) * 2


def test_a_sync_function_is_given_async_services_too():
    async def connect():
        return "connected"

    assert [each.result for each in in_both(lambda connection: connection, factories={"connection": connect})]


def test_the_container_comes_by_its_name_and_by_its_annotation():
    def both(container, box: Container):
        return container is box, box.resolve("mailer")

    assert run_job(both, services={"mailer": 7}).result == (True, 7)


def test_a_value_is_a_service_as_it_is_even_one_that_can_be_called():
    assert run_job(lambda send: send, services={"send": print}).result is print


@pytest.mark.parametrize("fails", [False, True])
def test_services_are_cleaned_up_whatever_happens(fails):
    told = []

    def database(mailer):
        told.append("open")
        yield "database"
        told.append("closed")

    async def mailer():
        yield "mailer"
        told.append("mailer closed")

    def work(database):
        if fails:
            raise LookupError("nothing there")

    async def work_async(database):
        work(database)

    for function in (work, work_async):
        told.clear()
        try:
            run_job(function, factories={"database": database, "mailer": mailer})
        except LookupError:
            told.append("failed")
        assert told == ["open", "closed", "mailer closed", *["failed"] * fails]


def test_a_clean_up_that_fails_fails_the_run_and_is_a_note_where_the_job_has_failed():
    def service():
        yield 1
        raise OSError("disk full")

    def work(service, fails):
        if fails:
            raise LookupError("nothing there")

    with pytest.raises(OSError, match="disk full"):
        run_job(work, factories={"service": service}, args={"fails": False})
    with pytest.raises(LookupError) as caught:
        run_job(work, factories={"service": service}, args={"fails": True})
    assert any("disk full" in note for note in caught.value.__notes__)


def test_what_the_job_raises_is_raised_as_it_is():
    error = ValueError("no beans")

    def fail():
        raise error

    async def fail_async():
        raise error

    for function in (fail, fail_async):
        with pytest.raises(ValueError, match="no beans") as caught:
            run_job(function)
        assert caught.value is error


# What it knows of itself


def test_the_context_says_what_the_test_says():
    def look(context):
        return context

    done = run_job(
        look,
        job_name="newsletter",
        scheduled_for=NOON.astimezone(timezone(timedelta(hours=2))),
        attempt=2,
        execution_number=3,
        remaining_executions=4,
        last_success_at=NOON - timedelta(days=2),
        last_result={"ids": (1, 2)},
        should_stop=True,
    )

    context = done.result
    assert context is done.context
    assert context.job_name == "newsletter"
    assert context.run_id == "newsletter@2026-11-24T12:00:00Z#2"
    assert context.idempotency_key == "newsletter@2026-11-24T12:00:00Z"
    assert (context.scheduled_for, context.scheduled_for.tzinfo) == (NOON, UTC)
    assert (context.attempt, context.execution_number, context.remaining_executions) == (2, 3, 4)
    assert context.last_success_at == NOON - timedelta(days=2)
    assert context.last_result == {"ids": [1, 2]}  # as JSON has it
    assert context.should_stop is True


def test_a_first_run_has_nothing_before_it():
    context = run_job(lambda context: context).result

    assert (context.attempt, context.execution_number, context.remaining_executions) == (1, 1, None)
    assert (context.last_success_at, context.last_result, context.should_stop) == (None, None, False)


def test_a_last_result_that_is_no_json_comes_as_its_repr():
    moment = datetime(2026, 1, 1)

    assert run_job(lambda context: context.last_result, last_result=moment).result == repr(moment)


def test_a_last_result_alone_is_a_day_old():
    def look(context):
        return context.last_success_at

    assert run_job(look, last_result=1, scheduled_for=NOON).result == NOON - timedelta(days=1)


def test_should_stop_may_change_while_the_job_runs():
    answers = iter([False, False, True])

    def work(context):
        count = 0
        while not context.should_stop:
            count += 1
        return count

    assert run_job(work, should_stop=lambda: next(answers)).result == 2


@pytest.mark.parametrize("option", ["scheduled_for", "last_success_at"])
def test_a_time_without_a_zone_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} has no zone"):
        run_job(lambda: None, **{option: datetime(2026, 1, 1)})


# Jobs beside their functions


@job(schedule="@daily", number_of_executions=3, args={"limit": 100, "path": "${HOMEPAGE:-none}"})
def sync_products(limit, path, context):
    return limit, path, context.job_name, context.remaining_executions


@job(schedule="@hourly", name="clean-up")
@job(schedule="@weekly", name="clean-up-thoroughly", args={"thorough": True})
def clean_up(thorough=False):
    return thorough


def test_a_marked_function_has_the_name_the_args_and_the_limit_of_its_mark(monkeypatch):
    assert run_job(sync_products).result == (100, "none", "sync_products", 2)
    monkeypatch.setenv("HOMEPAGE", "shop")
    assert run_job(sync_products, execution_number=3).result == (100, "shop", "sync_products", 0)


def test_given_args_are_instead_of_those_of_the_mark():
    assert run_job(sync_products, args={"limit": 1, "path": ""}, job_name="other").result[:3] == (
        1,
        "",
        "other",
    )


def test_of_several_marks_the_name_says_which():
    assert run_job(clean_up, job_name="clean-up-thoroughly").result is True
    assert run_job(clean_up, job_name="clean-up").result is False
    with pytest.raises(ValueError, match="say `job_name`, one of `clean-up-thoroughly`, `clean-up`"):
        run_job(clean_up)


# Mistakes


def test_a_parameter_that_nothing_fills_is_told_as_validate_does():
    def send(mailr, logger):
        pass

    with pytest.raises(
        TypeError, match=r"test_run_job:send: nothing gives the parameter `mailr` a value"
    ) as caught:
        run_job(send, services={"mailer": 1})
    assert "did you mean `mailer`?" in str(caught.value)


def test_an_argument_that_nothing_takes_is_told_as_validate_does():
    def send(size):
        pass

    with pytest.raises(TypeError, match=r"no parameter takes the argument `siez`.*did you mean `size`\?"):
        run_job(send, args={"siez": 1})


def test_an_option_that_there_is_not_is_told_with_what_was_meant():
    with pytest.raises(TypeError, match=r"no option `service`; did you mean `services`\?"):
        run_job(lambda: None, service={})


@pytest.mark.parametrize("name", ["container", "context", "logger"])
def test_what_every_run_has_is_no_service(name):
    with pytest.raises(ServiceError, match=f"`{name}` is given to every job by its run") as caught:
        run_job(lambda: None, services={name: 1})
    assert caught.value.hint


def test_a_key_is_a_value_or_a_factory():
    with pytest.raises(ServiceError, match="`mailer` is given as a service and as a factory"):
        run_job(lambda: None, services={"mailer": 1}, factories={"mailer": Mailer})


def test_a_factory_without_what_it_needs_is_told():
    with pytest.raises(ServiceError, match="nothing gives the parameter `settings` a value"):
        run_job(lambda mailer: mailer, factories={"mailer": lambda settings: settings})


def test_in_an_event_loop_the_async_twin_is_named():
    async def work():
        return 1

    async def a_test():
        assert run_job(lambda: 1).result == 1
        for function in (work, lambda: work()):
            with pytest.raises(RuntimeError, match=r"await run_job_async"):
                run_job(function)
        return (await run_job_async(work)).result

    # `lambda: work()` has made its coroutine by then: it is closed, or this test would warn of it.
    assert asyncio.run(a_test()) == 1


# Its log


def test_what_is_logged_comes_back_and_goes_where_logging_goes(caplog):
    def work(logger):
        logger.debug("look")
        logger.info("%d files", 3, extra={"supplier": "north"})
        logger.error("no more")

    done = run_job(work, job_name="import", scheduled_for=NOON)

    assert done.logs == [("DEBUG", "look"), ("INFO", "3 files"), ("ERROR", "no more")]
    assert done.records[1].supplier == "north"
    assert done.records[1].run_id == "import@2026-11-24T12:00:00Z"
    assert [record.name for record in caplog.records] == ["cronjobs.jobs.import"] * 3


def test_runs_leave_nothing_in_logging_behind():
    before = set(logging.root.manager.loggerDict)

    run_job(lambda logger: logger.info("hello"), job_name="greet")

    assert set(logging.root.manager.loggerDict) - before <= {"cronjobs", "cronjobs.jobs"}
    assert logging.getLogger("cronjobs.jobs").handlers == []


def test_activities_are_measured_by_the_clock():
    clock = FakeClock(NOON)

    def work(logger):
        activity = logger.activity("importing")
        clock.advance(2.5)
        logger.success(activity, "imported")

    assert run_job(work, clock=clock).logs == [("INFO", "importing"), ("INFO", "imported (2.500 s)")]


# Workflows


@step
async def charge(amount, shop):
    shop.append(f"charge {amount}")
    if amount < 0:
        raise ValueError("less than nothing")
    return StepResponse(amount, compensation_input=amount)


@charge.compensate
async def refund(compensation_input, shop):
    shop.append(f"refund {compensation_input}")


@step(max_retries=3, retry_interval="1h", retry_backoff=2)
async def ship(shop, context):
    shop.append(f"ship {context.attempt}")
    if context.attempt < 4:
        raise ConnectionError("nobody answers")


@workflow
async def order(input):
    await parallel(*(charge(amount) for amount in input))
    await ship()
    return sum(input)


async def ordering(container):
    return (await order(container).run([1, 2], workflow_id="order-7")).result


def test_retries_of_steps_wait_by_the_clock_and_take_no_time():
    shop, clock = [], FakeClock(NOON)

    done = run_job(ordering, services={"shop": shop}, clock=clock)

    assert done.result == 3
    assert shop[-4:] == ["ship 1", "ship 2", "ship 3", "ship 4"]
    assert clock.waits == [3600.0, 7200.0, 14400.0]
    assert clock.moment == NOON + timedelta(hours=7)
    assert done.started_at == NOON


def test_retries_in_threads_wait_by_the_clock_as_well():
    @step(max_retries=1, retry_interval="1h")
    def pack(context):
        if context.attempt == 1:
            raise OSError("no box")

    @workflow
    def packing():
        parallel(pack, pack)

    clock = FakeClock(NOON)

    run_job(lambda container: packing(container).run(), clock=clock)

    assert clock.waits == [3600.0, 3600.0]


def test_a_workflow_in_a_scope_is_one_of_the_run():
    clock, kept = FakeClock(NOON), Workflows()

    async def ordering(container):
        async with container.scope() as inner:
            inner.register("shop", [])
            await order(inner).run([1], workflow_id="order-9")

    run_job(ordering, clock=clock, workflows=kept)

    assert clock.waits == [3600.0, 7200.0, 14400.0]
    assert kept["order-9"].state == "succeeded"


def test_the_same_id_is_done_once():
    shop, kept = [], Workflows()

    first = run_job(ordering, services={"shop": shop}, workflows=kept)
    called = len(shop)
    second = run_job(ordering, services={"shop": shop}, workflows=kept, attempt=2)

    assert (first.result, second.result) == (3, 3)
    assert len(shop) == called
    assert second.workflows is kept
    assert [each.id for each in kept] == ["order-7"]


def test_a_second_attempt_goes_on_where_the_first_one_crashed():
    shop, kept, crashes = [], Workflows(), True

    @step
    def reserve(amount):
        shop.append(f"reserve {amount}")
        return amount

    @step
    def pay(amount):
        if crashes:
            raise Crash
        shop.append(f"pay {amount}")

    @workflow
    def buy(input):
        pay(reserve(input))

    def buying(container):
        buy(container).run(5)

    with pytest.raises(Crash):
        run_job(buying, scheduled_for=NOON, workflows=kept)
    crashes = False
    (half,) = kept
    assert (half.state, [each.state for each in half.steps]) == ("running", ["succeeded", "running"])
    done = run_job(buying, scheduled_for=NOON, attempt=2, workflows=kept)

    assert shop == ["reserve 5", "pay 5"]
    assert len(done.workflows) == 1
    whole = kept["buying@2026-11-24T12:00:00Z/buy#1"]
    assert (whole.name, whole.input, whole.state) == ("buy", 5, "succeeded")
    assert done.workflows[whole.id] == whole


def test_an_async_run_can_crash_too_and_is_gone_on_with():
    shop, kept = ["broken"], Workflows()

    @step
    async def pay(shop):
        if "broken" in shop:
            raise Crash
        return "paid"

    @workflow
    async def buy():
        return await pay()

    async def buying(container):
        return (await buy(container).run()).result

    for run in (run_job, lambda *given, **how: asyncio.run(run_job_async(*given, **how))):
        with pytest.raises(Crash):
            run(buying, services={"shop": shop}, scheduled_for=NOON, workflows=kept)

    assert run_job(buying, services={"shop": []}, scheduled_for=NOON, workflows=kept).result == "paid"
    assert len(kept) == 1


def test_a_workflow_that_fails_is_undone():
    shop, kept = [], Workflows()

    async def ordering(container):
        await order(container).run([5, -1], workflow_id="order-8")

    with pytest.raises(WorkflowFailedError, match="less than nothing"):
        run_job(ordering, services={"shop": shop}, workflows=kept)

    assert sorted(shop) == ["charge -1", "charge 5", "refund 5", "refund None"]
    assert kept["order-8"].state == "reverted"
    assert "order-8" in kept
    with pytest.raises(KeyError, match=r"no workflow `order-9`; did you mean `order-8`\?"):
        kept["order-9"]


def test_a_workflow_is_refused_to_a_run_beside_the_one_that_has_it():
    kept, started, going_on = Workflows(), asyncio.Event(), asyncio.Event()

    @step
    async def wait():
        started.set()
        await going_on.wait()

    @workflow
    async def long():
        await wait()

    async def work(container):
        await long(container).run(workflow_id="one")

    async def a_test():
        first = asyncio.create_task(run_job_async(work, workflows=kept, scheduled_for=NOON))
        await asyncio.wait_for(started.wait(), 30)
        with pytest.raises(ValueError, match="is under way"):
            await run_job_async(work, workflows=kept, scheduled_for=NOON)
        with pytest.raises(WorkflowRefusedError, match=r"is running in the run work@2026-11-24T12:00:00Z"):
            await run_job_async(work, workflows=kept, scheduled_for=NOON + timedelta(hours=1))
        going_on.set()
        await first

    asyncio.run(a_test())
    assert kept["one"].state == "succeeded"


def test_the_workflows_time_limit_goes_by_the_clock():
    clock, kept = FakeClock(NOON), Workflows()

    @step
    def dawdle():
        clock.advance(601)

    @step
    def never():
        raise AssertionError("the time is over")

    @workflow(timeout="10m")
    def hasty():
        dawdle()
        never()

    with pytest.raises(WorkflowFailedError, match="took longer than 600s"):
        run_job(lambda container: hasty(container).run(workflow_id="h"), clock=clock, workflows=kept)
    assert kept["h"].state == "reverted"


def test_a_run_that_is_over_writes_no_more():
    kept, ends = Workflows(), []

    @workflow
    def empty():
        pass

    def work(container):
        ends.append(container.journal)
        empty(container).run(workflow_id="e")

    run_job(work, workflows=kept)

    with pytest.raises(WorkflowLostError):
        ends[0].end(1, "succeeded")


# The query


def test_the_query_asks_a_database(tmp_path):
    import sqlite3

    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer TEXT);"
            "INSERT INTO customers VALUES (1, 'ann@example.com');"
            "INSERT INTO orders VALUES (10, 'ann@example.com');"
        )
    database.close()

    def work(query):
        return query.graph("orders", ["id", "customer.id"]).data

    done = run_job(
        work,
        query_url=f"sqlite:///{path}",
        query_relations={"orders.customer": {"entity": "customers", "on": {"buyer": "email"}}},
    )

    assert done.result == [{"id": 10, "customer": {"id": 1}}]
    with pytest.raises(QueryError):
        run_job(work, query_url=f"sqlite:///{tmp_path / 'nowhere.db'}")


def test_a_service_may_stand_in_for_the_query():
    assert run_job(lambda query: query, services={"query": "mine"}).result == "mine"


# Time


def test_time_passes_only_where_it_is_let():
    clock = FakeClock(NOON)

    clock.advance(90)

    assert clock.moment == NOON + timedelta(seconds=90)
    assert clock.now() == NOON.timestamp() + 90
    assert clock.monotonic() == 90


def test_a_clock_that_is_set_shows_another_time_and_none_has_passed():
    clock = FakeClock(NOON)

    clock.set(datetime(2020, 1, 1, tzinfo=UTC))

    assert clock.moment == datetime(2020, 1, 1, tzinfo=UTC)
    assert clock.monotonic() == 0


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="forward only"):
        FakeClock(NOON).advance(-1)
    with pytest.raises(ValueError, match="no zone"):
        FakeClock(datetime(2026, 1, 1))


def test_a_clock_begins_at_the_real_time():
    before = datetime.now(UTC)

    assert before <= FakeClock().moment <= datetime.now(UTC)


def test_a_run_is_due_when_its_clock_says():
    assert run_job(lambda context: context.scheduled_for, clock=FakeClock(NOON)).result == NOON
