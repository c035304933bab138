"""What docs/workflows.md shows is what happens."""

import asyncio
import re
from pathlib import Path

import pytest
from workflow_parts import a_run

from cronjobs import WorkflowFailedError
from cronjobs.core.workflow import WorkflowState
from cronjobs.workflows.memory import MemoryJournal
from cronjobs.workflows.step import StepOptions

PAGE = (Path(__file__).parents[2] / "docs" / "workflows.md").read_text()


class Mailer:
    def __init__(self, fails_for=()):
        self.sent = []
        self.fails_for = fails_for

    async def send(self, customer, key):
        if customer in self.fails_for:
            raise ConnectionError("no such mailbox")
        self.sent.append(f"message {customer}")
        return f"message {customer}"

    async def retract(self, message):
        self.sent.remove(message)


@pytest.fixture(scope="module")
def shown():
    """Return the names that the page's code defines."""
    names = {"__name__": "docs_workflows"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/workflows.md", "exec"), names)
    names["send_email"].options.retry_interval_seconds = 0.0
    return names


def test_the_newsletter_is_sent(shown):
    mailer = Mailer()

    result = asyncio.run(shown["newsletter"](a_run(mailer=mailer)))

    assert result == [{"customer": 1}, {"customer": 2}]
    assert sorted(mailer.sent) == ["message 1", "message 2"]


def test_the_newsletter_is_retracted_where_it_cannot_be_sent_to_all(shown):
    mailer = Mailer(fails_for={2})

    with pytest.raises(WorkflowFailedError, match="no such mailbox"):
        asyncio.run(shown["newsletter"](a_run(mailer=mailer)))

    assert mailer.sent == []


def test_charges_are_refunded(shown, capsys):
    container = a_run(MemoryJournal())

    assert shown["settle"](container).run([1, 2]).result == [{"charged": 1}, {"charged": 2}]
    failed = shown["settle"](container).run([5, 500], raise_on_error=False)

    assert failed.errors[0].error.message == "over the limit"
    assert capsys.readouterr().out == "refunding 5\n"


def test_every_option_and_state_is_named():
    options = set(re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE))

    assert {
        "name",
        "max_retries",
        "retry_interval",
        "retry_backoff",
        "timeout",
        "continue_on_failure",
    } <= options
    assert len(StepOptions().__dict__) == 6
    for state in WorkflowState:
        assert f"`{state}`" in PAGE
