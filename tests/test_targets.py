import functools
import json
import sys
import types
from types import FunctionType
from typing import Optional

import pytest

import cronjobs
from cronjobs import Container
from cronjobs.signatures import Misfit, Plan, injection, making
from cronjobs.targets import Target, TargetError, import_module, resolve, split

Renamed = Container


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("shop:tidy", Target("shop", ("tidy",))),
        ("shop.jobs:tidy", Target("shop.jobs", ("tidy",))),
        ("shop.jobs:Tidy.up", Target("shop.jobs", ("Tidy", "up"))),
        ("müll:räum", Target("müll", ("räum",))),
    ],
)
def test_a_target_is_a_module_and_a_path_inside_it(text, target):
    assert split(text) == target


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("shop.jobs.tidy", 1, '"shop.jobs.tidy" names no function', "write `shop.jobs:tidy`"),
        ("tidy", 1, '"tidy" names no function', "write `package.module:function`"),
        ("", 1, '"" names no function', "write `package.module:function`"),
        ("shop:", 6, '"shop:" is no callable: a name is missing in its function', None),
        (":tidy", 1, '":tidy" is no callable: a name is missing in its module', None),
        ("shop..jobs:tidy", 6, '"shop..jobs:tidy" is no callable: a name is missing in its module', None),
        ("shop.jobs:", 11, '"shop.jobs:" is no callable: a name is missing in its function', None),
        ("shop:a.b()", 8, '"shop:a.b()" is no callable: "b()" is no name of Python\'s', None),
        ("shop:a:b", 6, '"shop:a:b" is no callable: "a:b" is no name of Python\'s', None),
        ("shop/jobs.py:a", 1, '"shop/jobs.py:a" is no callable: "shop/jobs" is no name of Python\'s', None),
        (" shop:a", 1, '" shop:a" is no callable: " shop" is no name of Python\'s', None),
    ],
)
def test_a_malformed_target_says_where_and_what(text, column, message, hint):
    with pytest.raises(TargetError) as raised:
        split(text)

    assert (str(raised.value), raised.value.column, raised.value.kind) == (message, column, "target")
    assert raised.value.hint == (hint or "write `package.module:function`")


# Importing.


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return a function that writes modules of a package `targets_shop` that can be imported."""
    package = tmp_path / "targets_shop"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def shop(**modules):
        for name, text in modules.items():
            (package / f"{name}.py").write_text(text)

    yield shop
    for name in [name for name in sys.modules if name.split(".")[0] == "targets_shop"]:
        del sys.modules[name]


def test_a_module_that_is_there_is_imported(shop):
    shop(jobs="answer = 42")

    assert import_module("targets_shop.jobs").answer == 42


@pytest.mark.parametrize(
    ("name", "message", "hint", "column"),
    [
        ("targets_shop.jbos", "no module `targets_shop.jbos`", "did you mean `jobs`?", 14),
        ("targets_shp.jobs", "no module `targets_shp`", "did you mean `targets_shop`?", 1),
        (
            "targets_shop.jobs.deep",
            "no module `targets_shop.jobs.deep`: `targets_shop.jobs` is not a package",
            "",
            1,
        ),
        ("qqzzqqzz", "no module `qqzzqqzz`", "modules are looked for beside the configuration", 1),
    ],
)
def test_a_missing_module_is_told_with_what_was_meant(shop, name, message, hint, column):
    shop(jobs="")

    with pytest.raises(TargetError) as raised:
        import_module(name)

    error = raised.value
    assert (error.kind, str(error), error.column, error.traceback) == ("module", message, column, "")
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "last_line"),
    [
        ("import qqzzqqzz", "ModuleNotFoundError: No module named 'qqzzqqzz'"),
        ("import targets_shop.qqzz", "ModuleNotFoundError: No module named 'targets_shop.qqzz'"),
        ("from targets_shop import qqzz", "ImportError: cannot import name 'qqzz' from 'targets_shop'"),
        ("raise ModuleNotFoundError('x', name='targets_shop.jobs')", "ModuleNotFoundError: x"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_fails_shows_its_authors_own_traceback(shop, text, last_line):
    shop(jobs=text)

    with pytest.raises(TargetError, match=r"^importing `targets_shop.jobs` failed: ") as raised:
        import_module("targets_shop.jobs")

    traceback = raised.value.traceback
    assert raised.value.kind == "import"
    assert traceback.strip().split("\n")[-1].startswith(last_line)
    assert "targets_shop/jobs.py" in traceback
    assert "cronjobs/targets.py" not in traceback
    assert "importlib" not in traceback


def test_the_causes_in_a_traceback_are_the_authors_own_too(shop):
    shop(jobs="try:\n    import qqzz\nexcept ImportError as exc:\n    raise RuntimeError(0) from exc")

    with pytest.raises(TargetError) as raised:
        import_module("targets_shop.jobs")

    traceback = raised.value.traceback
    assert "direct cause" in traceback
    assert "importlib" not in traceback


def test_a_package_that_misses_its_own_module_is_the_authors_mistake(shop):
    shop(__init__="import targets_shop.jobs")

    with pytest.raises(TargetError) as raised:
        import_module("targets_shop.jobs")

    assert raised.value.kind == "import"


def test_an_interrupted_import_stays_interrupted(shop):
    shop(jobs="raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        import_module("targets_shop.jobs")


# Looking inside.


class Tidy:
    def up(self): ...

    @staticmethod
    def down(): ...


@pytest.fixture
def module():
    module = types.ModuleType("shop.jobs")
    module.Tidy = Tidy
    module.tidy_up = Tidy().up
    return module


def test_a_path_of_attributes_is_followed(module):
    assert resolve(module, ("Tidy", "down")) is Tidy.down


@pytest.mark.parametrize(
    ("attributes", "message", "hint", "column"),
    [
        (("tidy_pu",), "module `shop.jobs` has no `tidy_pu`", "did you mean `tidy_up`?", 11),
        (("Tidy", "donw"), "`shop.jobs:Tidy` has no `donw`", "did you mean `down`?", 16),
        (("Tidy", "down", "x"), "`shop.jobs:Tidy.down` has no `x`", "", 21),
        (("colour",), "module `shop.jobs` has no `colour`", "", 11),
    ],
)
def test_a_missing_attribute_is_told_with_what_was_meant(module, attributes, message, hint, column):
    with pytest.raises(TargetError) as raised:
        resolve(module, attributes)

    error = raised.value
    assert (error.kind, str(error), error.hint, error.column) == ("attribute", message, hint, column)


# Whether and how it can be called.


def plain(): ...


def takes(container, logger, limit=5): ...


def takes_default(logger=None, context="own"): ...


def only_keywords(*, logger, size): ...


def anything(*args, **kwargs): ...


def rest(logger, *container, **context): ...


def positional(name, /, logger): ...


def optional_positional(name="x", /, logger=None): ...


def typing_mistake(loger, size): ...


async def waits(context): ...


def generates():
    yield


async def generates_asynchronously():
    yield


class Callable:
    def __call__(self, logger): ...

    def method(self, container): ...

    @classmethod
    def of_class(cls, logger): ...


class Waits:
    async def __call__(self, logger): ...


class Made:
    def __init__(self, context, size): ...


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "args", "plan"),
    [
        (plain, {}, Plan((), False)),
        (takes, {}, Plan(("container", "logger"), False)),
        (takes, {"limit": 1}, Plan(("container", "logger"), False)),
        (takes, {"logger": "mine"}, Plan(("container",), False)),
        (takes_default, {}, Plan(("logger", "context"), False)),
        (only_keywords, {"size": 1}, Plan(("logger",), False)),
        (anything, {}, Plan((), False)),
        (anything, {"whatever": 1}, Plan((), False)),
        (rest, {}, Plan(("logger",), False)),
        (optional_positional, {}, Plan(("logger",), False)),
        (waits, {}, Plan(("context",), True)),
        (Callable(), {}, Plan(("logger",), False)),
        (Callable().method, {}, Plan(("container",), False)),
        (Callable.of_class, {}, Plan(("logger",), False)),
        (Waits(), {}, Plan(("logger",), True)),
        (Waits().__call__, {}, Plan(("logger",), True)),
        (Made, {"size": 1}, Plan(("context",), False)),
        (functools.partial(takes, limit=1), {}, Plan(("container", "logger"), False)),
        (functools.partial(takes, logger="bound"), {}, Plan(("container",), False)),
        (functools.partial(takes, "first"), {}, Plan(("logger",), False)),
        (functools.partial(waits), {}, Plan(("context",), True)),
        (functools.partial(functools.partial(Waits()), "first"), {}, Plan((), True)),
        (decorated(takes), {}, Plan(("container", "logger"), False)),
        (lambda logger: logger, {}, Plan(("logger",), False)),
        (print, {"sep": ""}, Plan((), False)),
        (dict, {"a": 1}, Plan((), False)),
        (sys.getsizeof, {"object": 1}, Plan((), False)),
    ],
)
def test_a_parameter_gets_its_value_from_args_or_by_its_name_or_keeps_its_default(function, args, plan):
    assert injection(function, args) == plan


@pytest.mark.parametrize(
    ("function", "args", "misfits"),
    [
        (
            typing_mistake,
            {},
            [
                Misfit("nothing gives the parameter `loger` a value", "did you mean `logger`?"),
                Misfit(
                    "nothing gives the parameter `size` a value",
                    "give it a default, or a value in `args`: args = { size = ... }",
                ),
            ],
        ),
        (
            typing_mistake,
            {"siz": 1, "logger": 2},
            [
                Misfit("no parameter takes the argument `siz`", "did you mean `size`?", "siz"),
                Misfit("no parameter takes the argument `logger`", "did you mean `loger`?", "logger"),
                Misfit("nothing gives the parameter `loger` a value", "did you mean `logger`?"),
                Misfit(
                    "nothing gives the parameter `size` a value",
                    "give it a default, or a value in `args`: args = { size = ... }",
                ),
            ],
        ),
        (plain, {"x": 1}, [Misfit("no parameter takes the argument `x`", "it takes none", "x")]),
        (
            takes,
            {"x": 1},
            [
                Misfit(
                    "no parameter takes the argument `x`",
                    "its parameters are `container`, `logger`, `limit`",
                    "x",
                )
            ],
        ),
        (
            positional,
            {},
            [
                Misfit(
                    "the parameter `name` is positional-only, and arguments are passed by name",
                    "remove the `/` from the function's signature",
                )
            ],
        ),
        (
            positional,
            {"name": 1},
            [
                Misfit(
                    "the parameter `name` is positional-only, and arguments are passed by name",
                    "remove the `/` from the function's signature",
                    "name",
                )
            ],
        ),
        (
            Tidy.up,
            {},
            [
                Misfit(
                    "nothing gives the parameter `self` a value",
                    "give it a default, or a value in `args`: args = { self = ... }",
                )
            ],
        ),
        (42, {}, [Misfit("it is an int, which cannot be called")]),
        (sys, {}, [Misfit("it is a module, which cannot be called")]),
        (
            generates,
            {},
            [Misfit("it is a generator: calling it would run nothing", "let a function loop over it")],
        ),
        (
            functools.partial(generates_asynchronously),
            {},
            [Misfit("it is a generator: calling it would run nothing", "let a function loop over it")],
        ),
    ],
)
def test_what_cannot_be_called_says_every_reason(function, args, misfits):
    assert injection(function, args) == misfits


def test_what_is_injectable_is_the_callers_choice():
    def job(mailer, logger): ...

    assert injection(job, {}, ("mailer", "logger", "container")) == Plan(("mailer", "logger"), False)
    assert injection(job, {}, ("mailer",)) == [
        Misfit(
            "nothing gives the parameter `logger` a value",
            "give it a default, or a value in `args`: args = { logger = ... }",
        )
    ]


def test_a_signature_that_cannot_be_told_is_taken_as_it_is():
    class Untold:
        __signature__ = "none"

        def __call__(self): ...

    assert injection(Untold(), {"a": 1}) == Plan((), False)


# What is a container by its annotation.


class Box:  # somebody else's
    pass


def by_class(box: Container, other: Box): ...


def by_text(box: "Container", limit=5): ...


def by_full_text(box: "cronjobs.Container"): ...


def optional_container(box: Container | None = None): ...


def optional_text(box: "Optional[Container]" = None): ...  # noqa: UP045 - people write it


def optional_inside(box: Optional["Container"] = None): ...


def named_like_a_service(logger: Container): ...


def renamed(box: Renamed): ...


def only_keyword(*boxes: Container, box: Container): ...


def _names(box, other=None): ...


# As in a module that imports `Container` for type checkers only.
not_there_at_run_time = FunctionType(_names.__code__, {}, argdefs=(None,))
not_there_at_run_time.__annotations__ = {"box": "Container", "other": "Container | None"}


@pytest.mark.parametrize(
    ("function", "args", "plan"),
    [
        (by_class, {"other": 1}, Plan((), False, ("box",))),
        (by_class, {"other": 1, "box": 2}, Plan((), False)),
        (by_text, {}, Plan((), False, ("box",))),
        (by_full_text, {}, Plan((), False, ("box",))),
        (optional_container, {}, Plan((), False, ("box",))),
        (optional_text, {}, Plan((), False, ("box",))),
        (optional_inside, {}, Plan((), False, ("box",))),
        (named_like_a_service, {}, Plan((), False, ("logger",))),
        (renamed, {}, Plan((), False, ("box",))),
        (only_keyword, {}, Plan((), False, ("box",))),
        (functools.partial(by_class, other=1), {}, Plan((), False, ("box",))),
        (not_there_at_run_time, {}, Plan((), False, ("box", "other"))),
    ],
)
def test_a_parameter_annotated_as_a_container_is_given_it_whatever_its_name(function, args, plan):
    assert injection(function, args) == plan


def test_a_container_of_somebody_else_is_none():
    def named(box): ...

    job = FunctionType(named.__code__, {"Container": Box})
    job.__annotations__ = {"box": "Container"}

    assert injection(job, {}) == [
        Misfit(
            "nothing gives the parameter `box` a value",
            "give it a default, or a value in `args`: args = { box = ... }",
        )
    ]


def test_where_a_word_cannot_be_looked_up_a_service_of_that_name_comes_first():
    assert injection(not_there_at_run_time, {}, ("box",)) == Plan(("box",), False, ("other",))


# How a service is made.


@pytest.mark.parametrize(
    ("factory", "plan"),
    [
        (plain, Plan((), False)),
        (takes, Plan(("container", "logger"), False, (), ("limit",))),
        (Made, Plan(("context", "size"), False)),
        (waits, Plan(("context",), True)),
        (generates, Plan((), False, is_generator=True)),
        (generates_asynchronously, Plan((), True, is_generator=True)),
        (optional_container, Plan((), False, ("box",))),
        (anything, Plan((), False)),
        (optional_positional, Plan((), False, (), ("logger",))),
        (functools.partial(takes, logger=1), Plan(("container",), False, (), ("limit",))),
        (dict, Plan((), False)),
    ],
)
def test_a_factory_is_given_services_by_name_and_keeps_its_defaults_where_there_are_none(factory, plan):
    assert making(factory) == plan


def test_a_factory_that_cannot_be_called_says_why():
    assert making(42) == [Misfit("it is an int, which cannot be called")]
    assert making(positional)[0].message.startswith("the parameter `name` is positional-only")


def test_a_plan_survives_json():
    plan = Plan(("a",), True, ("b",), ("c",), True)

    assert Plan.read(json.loads(json.dumps(plan))) == plan
