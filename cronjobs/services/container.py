"""What a job resolves its services from.

A container makes each service when it is first asked for, in the process and the event loop that ask, and
cleans up what it made, the last made first. How a factory is called says its `Plan`; what a run's container
holds says `run`.
"""

from _contextvars import ContextVar  # `contextvars` adds nothing but its name
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, TypeVar

from cronjobs.core.errors import ServiceError
from cronjobs.core.suggest import did_you_mean
from cronjobs.services.generators import Unfinished, finish, finish_async, first_of, first_of_async
from cronjobs.services.loop import ServiceLoop, running_loop
from cronjobs.services.many_errors import collect, collect_async, prefer, raise_first
from cronjobs.services.supplies import dependencies, in_a_circle
from cronjobs.signatures import OTHER_NAMES, Plan, making, missing_hint, unknown_services
from cronjobs.targets import RESERVED, parameter_name

if TYPE_CHECKING:
    from asyncio import Task

    from cronjobs.core.waiting import Clock
    from cronjobs.core.workflow import Journal

Factory = Callable[..., Any]
_MISSING: Any = object()
_Item = TypeVar("_Item")

# The services that are being made just now, outermost first: how a circle is noticed that no signature shows.
_under_way: ContextVar[tuple[str, ...]] = ContextVar("cronjobs_services", default=())


class Recipe:
    """How one service is made.

    find: called once, when the service is first needed; it imports what it must.
    """

    __slots__ = ("_find", "_found", "is_transient", "key")

    def __init__(self, key: str, find: Callable[[], tuple[Factory, Plan]], *, is_transient: bool) -> None:
        self.key = key
        self.is_transient = is_transient
        self._find = find
        self._found: tuple[Factory, Plan] | None = None

    @property
    def factory(self) -> Factory:
        return self._finding()[0]

    @property
    def plan(self) -> Plan:
        return self._finding()[1]

    def _finding(self) -> tuple[Factory, Plan]:
        if self._found is None:
            self._found = self._find()
        return self._found


class Container:
    """Services by name, each made once, when it is first asked for.

    It may be used in a `with` (or, where services are async, an `async with`): then it closes at the end.
    """

    def __init__(self, services: Mapping[str, Factory] | None = None) -> None:
        """services: {key: factory}.

        A factory is a function or a class, sync or async, or a generator function (what follows its `yield`
        is clean-up). Its parameters are other services, by name.
        """
        self.journal: Journal | None = None  # where workflows are written down; whoever runs a job sets it
        self.clock: Clock | None = None  # the time that workflows go by; None for the real one
        self._parent: Container | None = None
        self._reserved: Collection[str] = ("container",)
        self._recipes: dict[str, Recipe] = {}
        self._made: dict[str, Any] = {}
        self._tasks: dict[str, Task[Any]] = {}  # makings under way in the event loop
        self._locks: dict[str, AbstractContextManager[Any]] = {}
        self._unfinished: list[Unfinished] = []
        self._scopes: list[Container] = []
        self._is_closed = False
        self._loop = ServiceLoop()  # only the root's is used
        for key, factory in (services or {}).items():
            self.register(key, factory=factory)

    # What there is

    def register(
        self,
        key: str,
        value: Any = _MISSING,
        *,
        factory: Factory | None = None,
        scope: Literal["run", "transient"] = "run",
    ) -> None:
        """Add a service, or replace one: a value as it is, or what `factory` makes.

        scope: `run` makes it once for this container, `transient` at each `resolve`. What is registered in a
        scope holds there and further in; what was made outside before keeps what it was made with.
        """
        if (value is _MISSING) == (factory is None):
            raise ServiceError(f"`{key}` is registered with a value or with a factory, one of them")
        if scope not in ("run", "transient"):
            raise ServiceError(f"the scope of `{key}` is `run` or `transient`, not {scope!r}")
        if factory is None:
            self.add(key, lambda: (lambda: value, Plan((), is_async=False)))
            self._made[parameter_name(key)] = value
        else:
            self.add(key, lambda: (factory, plan_of(key, factory)), is_transient=scope == "transient")

    def add(self, key: str, find: Callable[[], tuple[Factory, Plan]], *, is_transient: bool = False) -> None:
        """Add a service whose factory is found, with its plan, when it is first needed."""
        self._must_be_open()
        name = parameter_name(key)
        if name in self._reserved:
            raise ServiceError(f"no service can be called `{key}`: the name is taken")
        if not name.isidentifier():
            hint = "letters, digits, `_` and `-`, the first one no digit"
            raise ServiceError(f"`{key}` cannot be a service's key", hint=hint)
        self._recipes[name] = Recipe(key, find, is_transient=is_transient)
        self._made.pop(name, None)

    def reserve(self) -> None:
        """Let nobody replace what a run gives to every job."""
        self._reserved = RESERVED

    def has(self, key: str) -> bool:
        """Return whether there is a service of that name."""
        return parameter_name(key) in self.parameters()

    def parameters(self) -> Collection[str]:
        """Return the names that can be injected."""
        names = {"container"}
        for container in self._outwards():
            names |= container._recipes.keys()
        return names

    # What is made of it

    def resolve(self, key: str, default: Any = _MISSING) -> Any:
        """Return the service; `default`, if given, where there is none, else ServiceError.

        In an event loop, an async service comes as something to `await`, also the second time.
        """
        name = parameter_name(key)
        if name == "container":
            return self
        if self._recipe(name) is None:
            if default is _MISSING:
                self._refuse(key)
            return default
        if running_loop() is not None and self._is_async(name):
            return Coming(key, lambda: self._value_in_loop(name))
        return self._value(name)

    def inject(self, names: Iterable[str]) -> dict[str, Any]:
        """Return {name: service} for a sync function. In an event loop, async ones must be made already."""
        values = {}
        is_in_loop = running_loop() is not None
        for name in names:
            if is_in_loop and self._existing(name) is _MISSING and self._is_async(name):
                hint = f"make the function that takes it async, or `await container.resolve({name!r})` before"
                raise ServiceError(
                    f"the service `{name}` is async, and a sync function cannot wait for it", hint=hint
                )
            values[name] = self._value(name)
        return values

    async def inject_async(self, names: Iterable[str]) -> dict[str, Any]:
        """Return {name: service} for an async function, async services made and awaited."""
        self._root()._loop.own = running_loop()  # before any thread asks for what is to live in it
        return {name: await self._value_in_loop(name) for name in names}

    def wait_for(self, awaitable: Awaitable[Any]) -> Any:
        """Return what an awaitable comes to, in the event loop of the async services; none may run here."""
        return self._run(_awaited(awaitable))

    def scope(self) -> "Container":
        """Return a container inside this one, for a `with` or an `async with`.

        What was made outside before is shared. What is first needed inside is made inside, lives there and is
        cleaned up at its end, and so is what is registered inside.
        """
        self._must_be_open()
        inner = Container()
        inner.journal = self.journal
        inner.clock = self.clock
        inner._parent = self
        inner._reserved = self._reserved
        self._scopes.append(inner)
        return inner

    # How it ends

    def close(self) -> None:
        """Clean up, the last made first; every clean-up runs, then the first error among them is raised."""
        loop = running_loop()
        if loop is not None and self._has_async_clean_up():
            self._leave_to_parent()
            raise ServiceError(
                "async services cannot be cleaned up by a plain `with`: their clean-up has to be awaited",
                hint="write `async with container.scope()`, or `await container.aclose()`",
            )
        errors: list[BaseException] = []
        while (scope := _last(self._scopes)) is not None:
            collect(scope.close, errors)
        if any(not task.done() for task in self._tasks.values()):
            collect(lambda: self._run(self._give_up()), errors)
        while (unfinished := _last(self._unfinished)) is not None:
            collect(self._clean_up(unfinished), errors)
            self._unfinished.remove(unfinished)
        collect(self._end, errors)
        raise_first(errors)

    async def aclose(self) -> None:
        """Clean up as `close` does, in an event loop."""
        errors: list[BaseException] = []
        while (scope := _last(self._scopes)) is not None:
            await collect_async(scope.aclose(), errors)
        await collect_async(self._give_up(), errors)
        while (unfinished := _last(self._unfinished)) is not None:
            if unfinished.is_async:
                await collect_async(finish_async(unfinished), errors)
            else:
                collect(self._clean_up(unfinished), errors)
            self._unfinished.remove(unfinished)
        collect(self._end, errors)
        raise_first(errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
            return
        errors: list[BaseException] = []
        collect(self.close, errors)
        prefer(error, errors)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            await self.aclose()
            return
        errors: list[BaseException] = []
        await collect_async(self.aclose(), errors)
        prefer(error, errors)

    # Inside

    def _outwards(self) -> Iterator["Container"]:
        container: Container | None = self
        while container is not None:
            yield container
            container = container._parent

    def _root(self) -> "Container":
        *_, root = self._outwards()
        return root

    def _recipe(self, name: str) -> Recipe | None:
        return next((each._recipes[name] for each in self._outwards() if name in each._recipes), None)

    def _existing(self, name: str) -> Any:
        """Return what is made already, here or further out; _MISSING if it is to be made."""
        self._must_be_open()
        for container in self._outwards():
            if name in container._made:
                return container._made[name]
            if name in container._recipes:
                break  # what is made further out is another one
        return _MISSING

    def _dependencies(self, plan: Plan) -> list[str]:
        known = self.parameters()
        missing = unknown_services(plan, known)
        if missing:
            raise ServiceError(missing[0].message, hint=missing[0].hint)
        return dependencies(plan, known)

    def _is_async(self, name: str, path: tuple[str, ...] = ()) -> bool:
        """Return whether a service, or one that it needs, can only be made in an event loop."""
        recipe = self._recipe(name)
        if recipe is None:
            if name == "container":
                return False
            self._refuse(name)
        if name in path:
            raise self._circle((*path, name))
        with _Naming(recipe.key):
            plan = recipe.plan
            needed = self._dependencies(plan)
        inner = [self._is_async(each, (*path, name)) for each in needed]  # all: circles are to be seen
        return plan.is_async or any(inner)

    def _value(self, name: str) -> Any:
        """Return a service where no event loop runs, or of which no part is async."""
        if name == "container":
            return self
        found = self._existing(name)
        if found is not _MISSING:
            return found
        recipe = self._recipe(name)
        if recipe is None:
            self._refuse(name)
        if self._is_async(name):
            return self._run(self._value_in_loop(name))
        if recipe.is_transient:
            return self._make(recipe, name)
        with self._locks.setdefault(name, RLock()):
            found = self._existing(name)
            if found is _MISSING:
                found = self._made[name] = self._make(recipe, name)
            return found

    def _make(self, recipe: Recipe, name: str) -> Any:
        with self._entered(name), _Naming(recipe.key):
            values = {each: self._value(each) for each in self._dependencies(recipe.plan)}
            product = recipe.factory(**values, **dict.fromkeys(recipe.plan.containers, self))
            if recipe.plan.is_generator:
                # Before it yields: a signal that comes in between must not lose the clean-up.
                self._unfinished.append(Unfinished(recipe.key, product, is_async=False))
                return first_of(product)
            if type(product).__name__ == "coroutine":
                product.close()
                raise ServiceError("its factory returned a coroutine", hint="make it an `async def`")
            return product

    async def _value_in_loop(self, name: str) -> Any:
        if name == "container":
            return self
        found = self._existing(name)
        if found is not _MISSING:
            return found
        recipe = self._recipe(name)
        if recipe is None:
            self._refuse(name)
        if not self._is_async(name):
            return self._value(name)
        import asyncio  # loaded already: a loop of it runs

        loop = self._root()._loop.own = asyncio.get_running_loop()
        if recipe.is_transient:
            return await self._make_in_loop(recipe, name)
        if name in _under_way.get():
            raise self._circle((*_under_way.get(), name))
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = loop.create_task(self._keep(recipe, name))
            task.add_done_callback(lambda done: self._forget(name, done))
        # Shielded: whoever gives up waiting is not to take it from the others.
        return await asyncio.shield(task)

    async def _keep(self, recipe: Recipe, name: str) -> Any:
        self._made[name] = await self._make_in_loop(recipe, name)
        return self._made[name]

    def _forget(self, name: str, task: "Task[Any]") -> None:
        self._tasks.pop(name, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; if nobody did, it is nobody's

    async def _make_in_loop(self, recipe: Recipe, name: str) -> Any:
        with self._entered(name), _Naming(recipe.key):
            needed = self._dependencies(recipe.plan)
            values = {each: await self._value_in_loop(each) for each in needed}
            product = recipe.factory(**values, **dict.fromkeys(recipe.plan.containers, self))
            if recipe.plan.is_generator:
                is_async = recipe.plan.is_async
                unfinished = Unfinished(recipe.key, product, is_async=is_async)
                self._unfinished.append(unfinished)
                service = await first_of_async(product) if is_async else first_of(product)
                unfinished.has_yielded = True
                return service
            return await product if recipe.plan.is_async else product

    def _entered(self, name: str) -> "_Entered":
        path = _under_way.get()
        if name in path:
            raise self._circle((*path, name))
        return _Entered((*path, name))

    def _circle(self, path: tuple[str, ...]) -> ServiceError:
        circle = path[path.index(path[-1]) :]
        keys = [recipe.key if (recipe := self._recipe(name)) else name for name in circle]
        return ServiceError(
            in_a_circle(keys),
            hint="let one of them take `container`, and resolve the other when it is used",
        )

    def _refuse(self, key: str) -> NoReturn:
        keys = sorted({recipe.key for each in self._outwards() for recipe in each._recipes.values()})
        known = ["container", *keys]
        hint = missing_hint(key) or did_you_mean(key, known, also=OTHER_NAMES)
        there_are = f"there are: {', '.join(known)}"
        raise ServiceError(
            f"no service `{key}`; {f'{hint} ' if hint else ''}{there_are}", hint=hint or there_are
        )

    def _run(self, coroutine: Any) -> Any:
        """Return what a coroutine returns, from outside of any event loop."""
        return self._root()._loop.run(coroutine)

    def _clean_up(self, unfinished: Unfinished) -> Callable[[], object]:
        if unfinished.is_async:
            return lambda: self._run(finish_async(unfinished))
        return lambda: finish(unfinished)

    async def _give_up(self) -> None:
        """End what is still being made."""
        import asyncio  # loaded already, as above

        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _has_async_clean_up(self) -> bool:
        own = self._tasks or any(each.is_async for each in self._unfinished)
        return bool(own) or any(scope._has_async_clean_up() for scope in self._scopes)

    def _leave_to_parent(self) -> None:
        if self._parent is not None:
            for scope in list(self._scopes):
                scope._leave_to_parent()
            self._parent._unfinished += self._unfinished
            self._unfinished.clear()
            self._end()

    def _end(self) -> None:
        self._is_closed = True
        if self._parent is not None and self in self._parent._scopes:
            self._parent._scopes.remove(self)
        self._loop.close()

    def _must_be_open(self) -> None:
        if self._is_closed:
            raise ServiceError("the container is closed: its services have been cleaned up")


class Coming:
    """An async service on its way: to be awaited."""

    def __init__(self, key: str, start: Callable[[], Awaitable[Any]]) -> None:
        self._key = key
        self._start = start

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._start().__await__()

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"the service `{self._key}` is async and not awaited yet, so it has no `{name}`:"
            f" write `await container.resolve({self._key!r})`"
        )

    def __repr__(self) -> str:
        return f"<async service {self._key!r}, to be awaited>"


class _Entered:
    """Notes for a while that a service is being made."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._token = _under_way.set(self._path)

    def __exit__(self, *_: object) -> None:
        _under_way.reset(self._token)


class _Naming:
    """Has an exception say which service was being made."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            error.add_note(f"while making the service `{self._key}`")


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def plan_of(key: str, factory: Factory) -> Plan:
    plan = making(factory)
    if isinstance(plan, list):
        raise ServiceError(f"the factory of `{key}`: {plan[0].message}", hint=plan[0].hint)
    return plan


def _last(items: "Sequence[_Item]") -> "_Item | None":
    return items[-1] if items else None
