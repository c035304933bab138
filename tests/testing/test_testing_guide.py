"""What docs/testing.md shows is what happens."""

import asyncio
import inspect
import re
import sys
from pathlib import Path

import pytest

from cronjobs.definitions import DEFINED
from cronjobs.testing import FakeClock, JobRun, RunOptions

GUIDE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
SHOP, *EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
TESTS = [(block, name) for block in EXAMPLES for name in re.findall(r"def (test_\w+)", block)]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The module that the examples test."""
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    defined = list(DEFINED)
    yield
    del sys.modules["shop"]
    DEFINED[:] = defined  # or another test that looks for jobs in a module `shop` would find these


@pytest.mark.parametrize(("block", "name"), TESTS, ids=[name for _, name in TESTS])
def test_the_tests_of_the_guide_pass(shop, block, name):
    names = {"__name__": "docs_testing"}
    exec(compile("import shop\n" + block, "docs/testing.md", "exec"), names)

    outcome = names[name]()

    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


def test_the_guide_has_tests_of_every_part():
    assert len(TESTS) == 6
    assert all("def test_" in block for block in EXAMPLES)


def test_the_tables_name_every_option_and_everything_that_comes_back():
    rows = re.findall(r"^\| (`.*?`) \|", GUIDE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named == {*RunOptions.__annotations__, *JobRun._fields, "logs"}


def test_the_guide_names_all_that_a_clock_can_do():
    public = [name for name in dir(FakeClock(None)) if not name.startswith(("_", "sleep"))]

    assert [name for name in public if f"`{name}" not in GUIDE] == []
