"""A plain function is seen the same with and without `inspect`."""

import inspect
import subprocess
import sys

import pytest

from cronjobs.parameters import plain_parameters
from cronjobs.signatures import injection


def none(): ...
def some(logger, context, order=1): ...
def keyword_only(logger, *, context, order=None): ...
def variadic(logger, *more, **rest): ...
def positional(logger, /, context): ...
def annotated(logger: str, order: int = 1) -> dict[str, int]: ...
def unknown(loger): ...
def generator(logger):
    yield


async def coroutine(logger, order=2): ...
async def stream(logger):
    yield


FUNCTIONS = [none, some, keyword_only, variadic, positional, annotated, unknown, generator, coroutine, stream]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_the_parameters_are_those_that_inspect_finds(function):
    found = plain_parameters(function)
    parameters = inspect.signature(function).parameters.values()

    by_place = [
        each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    assert found.by_place == tuple(each.name for each in by_place)
    assert found.positional_only == {each.name for each in by_place if each.kind is each.POSITIONAL_ONLY}
    assert found.keyword_only == tuple(each.name for each in parameters if each.kind is each.KEYWORD_ONLY)
    assert found.required == {
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
    assert found.takes_more_by_place == any(each.kind is each.VAR_POSITIONAL for each in parameters)
    assert found.takes_more_by_name == any(each.kind is each.VAR_KEYWORD for each in parameters)
    assert found.is_async == inspect.iscoroutinefunction(function)
    assert found.is_generator == (
        inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    )


@pytest.mark.parametrize("args", [{}, {"order": 3}, {"logger": 1}, {"ordre": 3}], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_a_job_is_called_the_same_however_its_function_was_looked_at(function, args, monkeypatch):
    quick = injection(function, args)

    monkeypatch.setattr("cronjobs.signatures.plain_parameters", lambda function: None)

    assert injection(function, args) == quick


def test_a_plain_function_is_looked_at_without_inspect():
    program = (
        "import sys\n"
        "from cronjobs.signatures import injection\n"
        "def job(logger, order: int = 1): ...\n"
        "print(injection(job, {'order': 2}), 'inspect' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split(")")[0].startswith("Plan(keywords=('logger',")
    assert done.stdout.endswith("False\n")
