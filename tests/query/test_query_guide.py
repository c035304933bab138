"""What docs/query.md shows is what happens, on both databases."""

import asyncio
import doctest
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from cronjobs.services.query.filters import OPERATORS

GUIDE = (Path(__file__).parents[2] / "docs" / "query.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def query(databases, ask):
    (script,) = blocks("sql")
    relations = tomllib.loads(blocks("toml")[1])["query"]["relations"]
    return ask(databases.create(script), relations)


def test_the_examples_print_what_the_guide_says(query, capsys):
    examples = "\n".join(blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(
        examples, {"query": query, "Decimal": Decimal}, "docs/query.md", None, 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)

    result = runner.run(test)

    assert result.failed == 0, capsys.readouterr().out
    assert result.attempted >= 15


def test_the_jobs_of_the_guide_run(query):
    (program,) = blocks("python")
    names = {}
    exec(program, names)

    class Container:
        def resolve(self, name):
            return {"query": query}[name]

    assert names["send_report"](query) == [{"id": 11, "total": Decimal("150.00")}]
    assert asyncio.run(names["greet"](Container())) == ["ann@example.com"]


def test_the_table_names_every_operator():
    section = GUIDE.split("\n## Filters\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    assert sorted(re.findall(r"`(\$\w+)`", " ".join(rows))) == sorted(OPERATORS)
