"""What somebody sees who runs one job by hand."""

import os
import sys

import pytest
from factories import NOON, a_run

from cronjobs.core.events import Note, OutputLine, RunFinished, RunSkipped, RunStarted
from cronjobs.core.run import State
from cronjobs.observers.passthrough import Passthrough

RUN = a_run(state=State.RUNNING, manual_number=1, started_at=NOON)


@pytest.mark.parametrize(
    ("event", "out", "err"),
    [
        (OutputLine(RUN, "stdout", "12 carts"), "12 carts\n", ""),
        (OutputLine(RUN, "stderr", "careful"), "", "careful\n"),
        (RunStarted(RUN, 3), "", ""),
        (RunFinished(RUN._replace(state=State.SUCCEEDED)), "", ""),
        (
            RunFinished(RUN._replace(state=State.FAILED, finished_at=NOON + 2.5, exit_code=3)),
            "",
            "tidy@2026-11-23T12:00:00Z~1: failed after 2.5 s: exit code 3\n",
        ),
        (RunSkipped(RUN), "", ""),
        (Note("info", "a_word", "nothing much"), "", ""),
        (Note("warning", "a_word", "careful"), "", "warning: careful\n"),
        (Note("error", "a_word", "it broke"), "", "error: it broke\n"),
    ],
)
def test_a_runs_output_goes_where_the_run_wrote_it(capsys, event, out, err):
    observer = Passthrough()

    observer.observe(event)
    observer.flush()

    assert capsys.readouterr() == (out, err)


@pytest.fixture
def closed_pipe():
    """A stream that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        yield stream


def test_a_reader_that_is_gone_fails_nothing(monkeypatch, closed_pipe):
    monkeypatch.setattr(sys, "stdout", closed_pipe)
    observer = Passthrough()

    for number in range(3):
        observer.observe(OutputLine(RUN, "stdout", f"line {number}"))
    observer.flush()
