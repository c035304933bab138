"""In a sync job `graph` answers; in an async one it is awaited, and the event loop goes on meanwhile."""

import asyncio
import gc

import pytest

from cronjobs.core.errors import QueryError
from cronjobs.services.query import Result


def test_without_a_loop_the_result_is_there_at_once(shop):
    assert isinstance(shop.graph("groups"), Result)


def test_with_a_loop_it_is_awaited(shop):
    async def job():
        return (
            await shop.graph(entity="customer", fields=["id"], filters={"newsletter_subscribed": True})
        ).data

    assert asyncio.run(job()) == [{"id": 1}, {"id": 3}]


def test_many_may_be_awaited_at_once(shop):
    async def job():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(shop.graph("customers", ["orders.id"], {"id": 1}))
        answers = await asyncio.gather(
            *(shop.graph("orders", ["customer.id"], {"id": 10}) for _ in range(40))
        )
        return task.result(), answers

    task, answers = asyncio.run(job())

    assert task.data == [{"orders": [{"id": 10}, {"id": 11}]}]
    assert [answer.data for answer in answers] == [[{"customer": {"id": 1}}]] * 40


def test_the_loop_is_not_blocked(databases, ask):
    """While the database cannot answer, another coroutine makes it answer."""
    url = databases.create("CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);")
    query = ask(url)
    lock = Lock(databases.kind, url)

    async def job():
        asking = asyncio.create_task(query.graph("a"))
        await asyncio.sleep(0.05)
        was_done = asking.done()
        lock.release()
        return was_done, await asyncio.wait_for(asking, 30)

    was_done, result = asyncio.run(job())

    assert not was_done
    assert result.data == [{"id": 1}]


class Lock:
    """Keeps others from reading the table `a`."""

    def __init__(self, kind, url):
        if kind == "sqlite":
            import sqlite3

            self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self._connection.execute("BEGIN EXCLUSIVE")
        else:
            import psycopg

            self._connection = psycopg.connect(url)
            self._connection.execute("LOCK TABLE a IN ACCESS EXCLUSIVE MODE")

    def release(self):
        self._connection.execute("ROLLBACK")
        self._connection.close()


@pytest.mark.parametrize("name", ["data", "metadata"])
def test_a_forgotten_await_is_told(shop, name):
    async def job():
        getattr(shop.graph("groups"), name)

    with pytest.raises(QueryError, match=rf"was not awaited.*\(await query.graph\(...\)\).{name}"):
        asyncio.run(job())
    gc.collect()


def test_a_mistake_is_raised_where_it_is_awaited(shop):
    async def job():
        await shop.graph("grups")

    with pytest.raises(QueryError, match="did you mean `groups`"):
        asyncio.run(job())


def test_a_cancelled_question_is_cancelled(shop):
    async def job():
        asking = asyncio.create_task(shop.graph("groups"))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return (await shop.graph("groups", ["id"])).data

    assert asyncio.run(job()) == [{"id": 1}, {"id": 2}]


def test_awaiting_a_result_does_no_harm(shop):
    result = shop.graph("groups")

    async def job():
        return await result

    assert asyncio.run(job()) is result


def test_threads_may_share_a_query(shop):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: shop.graph("orders", ["id"], {"id": number}).data, [10] * 60))

    assert answers == [[{"id": 10}]] * 60
