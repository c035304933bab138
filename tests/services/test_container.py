"""What a container makes, when, in which order, and how it cleans up."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cronjobs import Container
from cronjobs.core.errors import ServiceError


class Diary:
    """Factories that note when they make and when they clean up."""

    def __init__(self):
        self.lines = []

    def sync(self, name, *needs, fails=""):
        namespace = {"lines": self.lines}
        exec(_SYNC.format(name=name, needs=", ".join(needs), fails=fails), namespace)
        return namespace["make"]

    def awaited(self, name, *needs, fails=""):
        namespace = {"lines": self.lines}
        source = _SYNC.replace("def make", "async def make")
        exec(source.format(name=name, needs=", ".join(needs), fails=fails), namespace)
        return namespace["make"]


_SYNC = """
def make({needs}):
    lines.append("make {name}")
    if "make" in {fails!r}:
        raise ValueError("{name} cannot be made")
    yield "{name}"
    lines.append("clean {name}")
    if "clean" in {fails!r}:
        raise ValueError("{name} cannot be cleaned up")
"""


@pytest.fixture
def diary():
    return Diary()


def test_a_service_is_made_once_and_only_when_it_is_asked_for(diary):
    container = Container({"a": diary.sync("a"), "b": diary.sync("b")})

    assert [container.resolve("a"), container.resolve("a")] == ["a", "a"]
    assert diary.lines == ["make a"]


def test_a_dash_in_a_key_reads_as_an_underscore():
    container = Container({"my-mailer": lambda: "mailer", "letter": lambda my_mailer: f"by {my_mailer}"})

    assert container.resolve("letter") == "by mailer"
    assert container.resolve("my-mailer") == container.resolve("my_mailer") == "mailer"
    assert container.has("my_mailer")


class Mailer:
    def __init__(self, host, *, port=25, timeout: int = 3):
        self.address = (host, port, timeout)


def test_a_factory_may_be_a_class_and_keeps_defaults_of_what_is_no_service():
    container = Container({"mailer": Mailer, "host": lambda: "localhost", "port": lambda: 2525})

    assert container.resolve("mailer").address == ("localhost", 2525, 3)


def test_none_is_a_service_like_any_other():
    made = []
    container = Container({"nothing": lambda: made.append("once")})

    assert container.resolve("nothing", default="else") is None
    assert container.resolve("nothing") is None
    assert made == ["once"]


def test_a_value_or_a_factory_can_be_registered_and_replaces_what_there_was():
    container = Container({"a": lambda: "first"})
    container.resolve("a")

    container.register("a", "second")
    container.register("b", factory=lambda a: f"{a} in b")
    container.register("each", factory=list, scope="transient")

    assert container.resolve("a") == "second"
    assert container.resolve("b") == "second in b"
    assert container.resolve("each") is not container.resolve("each")


def test_the_container_itself_is_a_service_by_name_and_by_annotation():
    def make(box: Container, container):
        return box, container

    container = Container({"both": make})

    assert container.resolve("container") is container
    assert container.resolve("both") == (container, container)


# What is refused


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda box: box.resolve("mailr"),
            r"no service `mailr`; did you mean `mailer`\? there are: container, ",
        ),
        (lambda box: box.resolve("ctx"), "no service `ctx`; there are: container, "),
        (lambda box: box.resolve("query"), r"no service `query`; write a table `\[query\]`"),
        (lambda box: box.resolve("typo"), "nothing gives the parameter `mailr` a value"),
        (lambda box: box.inject(["mailr"]), "no service `mailr`"),
        (lambda box: box.register("container", 1), "the name is taken"),
        (lambda box: box.register("a b", 1), "`a b` cannot be a service's key"),
        (lambda box: box.register("a"), "with a value or with a factory"),
        (lambda box: box.register("a", 1, factory=list), "with a value or with a factory"),
        (lambda box: box.register("a", factory=list, scope="request"), "`run` or `transient`"),
        (
            lambda box: box.register("a", factory=5) or box.resolve("a"),
            "it is an int, which cannot",
        ),
        (lambda box: box.resolve("coroutine"), "its factory returned a coroutine"),
        (lambda box: box.resolve("silent"), "its factory yielded nothing"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(act, message):
    async def later(): ...

    def silent():
        yield from ()

    container = Container(
        {"mailer": list, "typo": lambda mailr: mailr, "coroutine": lambda: later(), "silent": silent}
    )

    with pytest.raises(ServiceError, match=message):
        act(container)


def test_what_is_not_there_has_a_default_if_one_is_given():
    assert Container().resolve("mailer", default=None) is None
    assert not Container().has("mailer")


def test_a_circle_is_printed():
    container = Container({"my-a": lambda b: 1, "b": lambda c=None: 2, "c": lambda my_a: 3})

    with pytest.raises(ServiceError, match=r"in a circle: my-a -> b -> c -> my-a$"):
        container.resolve("my-a")


def test_a_circle_that_no_signature_shows_is_noticed_too():
    container = Container({"a": lambda container: container.resolve("b"), "b": lambda a: a})

    with pytest.raises(ServiceError, match="in a circle: a -> b -> a"):
        container.resolve("a")


def test_an_async_circle_that_no_signature_shows_is_noticed_too():
    async def a(container):
        return await container.resolve("b")

    async def b(container):
        return await container.resolve("a")

    async def main():
        await Container({"a": a, "b": b}).resolve("a")

    with pytest.raises(ServiceError, match="in a circle: a -> b -> a"):
        asyncio.run(main())


def test_a_factorys_own_exception_stays_what_it_is_and_names_the_services(diary):
    container = Container({"a": diary.sync("a", fails="make"), "b": diary.sync("b", "a")})

    with pytest.raises(ValueError, match="a cannot be made") as raised:
        container.resolve("b")

    assert raised.value.__notes__ == ["while making the service `a`", "while making the service `b`"]


# How it ends


@pytest.mark.parametrize("kinds", ["ss", "aa", "sa", "as"])
def test_what_was_made_last_is_cleaned_up_first(diary, kinds):
    make = {"s": diary.sync, "a": diary.awaited}
    container = Container({"a": make[kinds[0]]("a"), "b": make[kinds[1]]("b", "a")})

    with container:
        assert container.resolve("b") == "b"

    assert diary.lines == ["make a", "make b", "clean b", "clean a"]


def test_every_clean_up_runs_and_the_first_error_is_raised(diary):
    services = {name: diary.sync(name, fails="clean") for name in "ab"} | {"c": diary.awaited("c")}
    container = Container(services)
    for name in "cba":
        container.resolve(name)

    with pytest.raises(ValueError, match="a cannot be cleaned up") as raised:
        container.close()

    assert diary.lines[3:] == ["clean a", "clean b", "clean c"]
    assert raised.value.__notes__ == [
        "in the clean-up of the service `a`",
        "and then, in the clean-up of the service `b`: ValueError: b cannot be cleaned up",
    ]


def test_the_error_that_ends_a_with_is_the_one_that_leaves_it(diary):
    container = Container({"a": diary.sync("a", fails="clean")})

    container.resolve("a")
    with pytest.raises(KeyError, match="mine") as raised, container:
        raise KeyError("mine")

    assert diary.lines == ["make a", "clean a"]
    assert "a cannot be cleaned up" in raised.value.__notes__[0]


def test_a_clean_up_that_ends_the_process_is_not_held_back(diary):
    def leaving():
        yield
        raise SystemExit(3)

    container = Container({"a": diary.sync("a", fails="clean"), "leaving": leaving})
    container.resolve("a")
    container.resolve("leaving")

    with pytest.raises(SystemExit), container:
        raise KeyError("mine")

    assert diary.lines == ["make a", "clean a"]


def test_what_was_made_before_a_factory_failed_is_cleaned_up(diary):
    container = Container({"a": diary.sync("a"), "b": diary.sync("b", "a", fails="make")})

    with pytest.raises(ValueError, match="b cannot be made"), container:
        container.resolve("b")

    assert diary.lines == ["make a", "make b", "clean a"]


def test_a_factory_that_yields_twice_is_told(diary):
    def twice():
        yield 1
        yield 2

    container = Container({"twice": twice})
    container.resolve("twice")

    with pytest.raises(ServiceError, match="the factory of `twice` yields twice"):
        container.close()


def test_transient_services_are_cleaned_up_each(diary):
    container = Container()
    container.register("a", factory=diary.sync("a"), scope="transient")
    container.register("b", factory=diary.awaited("b"), scope="transient")

    with container:
        for name in "aabb":
            container.resolve(name)

    assert diary.lines.count("clean a") == diary.lines.count("clean b") == 2


def test_a_closed_container_makes_nothing_any_more():
    container = Container({"a": list})
    container.close()
    container.close()

    with pytest.raises(ServiceError, match="the container is closed"):
        container.resolve("a")


# Scopes


def test_a_scope_shares_what_was_made_before_and_cleans_up_what_it_makes(diary):
    with Container({"a": diary.sync("a"), "b": diary.sync("b", "a"), "c": diary.sync("c")}) as outer:
        outer.resolve("a")
        with outer.scope() as inner:
            assert inner.resolve("b") == "b"
            inner.resolve("c")
        assert diary.lines == ["make a", "make b", "make c", "clean c", "clean b"]
        outer.resolve("b")

    assert diary.lines[5:] == ["make b", "clean b", "clean a"]


def test_what_is_registered_in_a_scope_holds_there_only():
    with Container({"tenant": lambda: "none", "greeting": lambda tenant: f"hello {tenant}"}) as outer:
        with outer.scope() as inner:
            inner.register("tenant", "acme")
            assert inner.resolve("greeting") == "hello acme"
            with inner.scope() as innermost:
                assert innermost.resolve("tenant") == "acme"
        assert outer.resolve("greeting") == "hello none"


def test_a_factory_can_need_what_only_scopes_have():
    with Container({"database": lambda tenant: f"of {tenant}"}) as outer, outer.scope() as inner:
        inner.register("tenant", "acme")

        assert inner.resolve("database") == "of acme"


def test_a_scope_is_its_own_container_and_shares_the_journal():
    outer = Container()
    outer.journal = journal = object()

    inner = outer.scope()

    assert inner.resolve("container") is inner
    assert inner.journal is journal


def test_a_scope_that_was_left_open_is_cleaned_up_with_the_container(diary):
    with Container({"a": diary.sync("a"), "b": diary.sync("b")}) as outer:
        outer.resolve("b")
        outer.scope().resolve("a")

    assert diary.lines == ["make b", "make a", "clean a", "clean b"]


# In event loops


def test_in_a_loop_an_async_service_is_awaited_each_time_and_made_once(diary):
    async def main():
        async with Container({"a": diary.awaited("a"), "b": lambda a: f"b of {a}", "c": list}) as container:
            found = await asyncio.gather(*(container.resolve(name) for name in "aabb"))
            return [*found, await container.resolve("a"), container.resolve("c")]

    assert asyncio.run(main()) == ["a", "a", "b of a", "b of a", "a", []]
    assert diary.lines == ["make a", "clean a"]


def test_an_async_service_that_is_not_awaited_says_so(diary):
    async def main():
        Container({"my-a": diary.awaited("a")}).resolve("my-a").send("letter")

    with pytest.raises(AttributeError, match=r"has no `send`: write `await container.resolve\('my-a'\)`"):
        asyncio.run(main())


def test_whoever_gives_up_waiting_does_not_take_a_service_from_the_others():
    async def main():
        go = asyncio.Event()

        async def slow():
            await go.wait()
            return "made"

        container = Container({"slow": slow})
        first = asyncio.ensure_future(container.resolve("slow"))
        second = asyncio.ensure_future(container.resolve("slow"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        go.set()
        return first.cancelled(), await second

    assert asyncio.run(main()) == (True, "made")


def test_what_is_still_being_made_at_the_end_is_given_up(diary):
    async def main():
        async def slow(a):
            try:
                await asyncio.Event().wait()
                yield
            finally:
                diary.lines.append("gave up")

        async with Container({"a": diary.sync("a"), "slow": slow}) as container:
            waiting = asyncio.ensure_future(container.resolve("slow"))
            while diary.lines != ["make a"]:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())

    assert diary.lines == ["make a", "gave up", "clean a"]


def test_a_clean_up_that_is_cancelled_does_not_keep_the_others_from_running(diary):
    async def main():
        async def slow(a):
            yield
            await asyncio.Event().wait()

        container = Container({"a": diary.awaited("a"), "slow": slow})
        await container.resolve("slow")
        closing = asyncio.ensure_future(container.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(main())

    assert diary.lines == ["make a", "clean a"]


def test_a_plain_with_around_async_services_is_an_error_and_leaves_them_to_the_container(diary):
    async def main():
        async with Container({"a": diary.awaited("a")}) as outer:
            with pytest.raises(ServiceError, match="has to be awaited"), outer.scope() as inner:
                await inner.resolve("a")
            assert diary.lines == ["make a"]

    asyncio.run(main())

    assert diary.lines == ["make a", "clean a"]


def test_a_sync_function_in_a_loop_is_given_async_services_that_are_made_and_told_of_others(diary):
    async def main():
        async with Container({"a": diary.awaited("a"), "b": list}) as container:
            with pytest.raises(ServiceError, match="the service `a` is async"):
                container.inject(["b", "a"])
            await container.inject_async(["a"])
            return container.inject(["b", "a", "container"]) | {"container": "itself"}

    assert asyncio.run(main()) == {"b": [], "a": "a", "container": "itself"}


def test_a_thread_of_an_async_job_gets_async_services_of_the_jobs_loop():
    async def main():
        async def loop_of_service():
            return asyncio.get_running_loop()

        async with Container({"a": list, "loop": loop_of_service, "other": loop_of_service}) as container:
            await container.resolve("loop")
            found = await asyncio.to_thread(lambda: (container.resolve("loop"), container.resolve("other")))
            return [each is asyncio.get_running_loop() for each in found]

    assert asyncio.run(main()) == [True, True]


def test_a_sync_job_has_one_loop_for_all_async_services_until_they_are_cleaned_up():
    loops = []

    async def first():
        loops.append(asyncio.get_running_loop())
        yield
        loops.append(asyncio.get_running_loop())

    async def second():
        loops.append(asyncio.get_running_loop())

    with Container({"first": first, "second": second}) as container:
        container.resolve("first")
        container.resolve("second")

    assert len(loops) == 3
    assert len(set(map(id, loops))) == 1
    assert loops[0].is_closed()


def test_threads_that_ask_at_once_get_the_same_service():
    gate = threading.Barrier(8)
    made = []

    def slow():
        made.append(1)
        return object()

    container = Container({"slow": slow})
    found = []

    def ask():
        gate.wait()
        found.append(container.resolve("slow"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert len(set(map(id, found))) == 1


def test_threads_of_an_async_job_have_async_services_made_in_its_loop():
    loops = []

    async def make_service():
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        yield object()
        loops.append(asyncio.get_running_loop())

    async def job(container):
        await container.inject_async(())
        found = await asyncio.gather(*(asyncio.to_thread(container.resolve, "service") for _ in range(3)))
        await container.aclose()
        return found, asyncio.get_running_loop()

    found, loop = asyncio.run(job(Container({"service": make_service})))

    assert len(set(map(id, found))) == 1
    assert loops == [loop, loop]


def test_an_async_service_whose_loop_ended_before_the_run_is_told_of():
    cleaned = []

    async def connection():
        yield "open"
        cleaned.append("connection")

    container = Container({"connection": connection})

    async def body():
        return await container.resolve("connection")

    assert asyncio.run(body()) == "open"
    with pytest.raises(ServiceError, match=r"`connection` was not cleaned up: the event loop") as refusal:
        container.close()
    assert "container.wait_for(...)" in refusal.value.hint
    assert cleaned == []


def test_a_sync_job_waits_for_what_is_async_in_the_containers_own_loop():
    cleaned = []

    async def connection():
        yield "open"
        cleaned.append("connection")

    async def body(container):
        return await container.resolve("connection")

    with Container({"connection": connection}) as container:
        assert container.wait_for(body(container)) == "open"

    assert cleaned == ["connection"]


def test_threads_of_a_sync_job_may_make_async_services_at_once():
    together = threading.Barrier(4, timeout=30)
    cleaned = []

    def making(name):
        async def make():
            await asyncio.sleep(0.05)
            yield name
            cleaned.append(name)

        return make

    names = ["a", "b", "c", "d"]
    container = Container({name: making(name) for name in names})

    def resolve(name):
        together.wait()
        return container.resolve(name)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(resolve, names))
    container.close()

    assert found == names
    assert sorted(cleaned) == names


def test_a_thread_may_ask_for_an_async_service_while_the_containers_loop_waits_for_it():
    async def slow():
        await asyncio.sleep(0.01)
        return "made"

    async def body():
        return await asyncio.to_thread(container.resolve, "slow")

    with Container({"slow": slow}) as container:
        assert container.wait_for(body()) == "made"
