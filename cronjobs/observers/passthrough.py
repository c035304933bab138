"""What somebody sees who runs one job by hand: the job's own output, and how it ended."""

import os
import sys
from typing import TextIO

from cronjobs.core.events import Event, Note, OutputLine, RunFinished
from cronjobs.core.run import State
from cronjobs.observers.log import finished_words


class Passthrough:
    """An `Observer` that writes a run's output where the run wrote it."""

    def observe(self, event: Event) -> None:
        """Pass output on; say on standard error what else matters."""
        if isinstance(event, OutputLine):
            _print(event.text, sys.stdout if event.stream == "stdout" else sys.stderr)
        elif isinstance(event, Note) and event.level in ("warning", "error"):
            _print(f"{event.level}: {event.message}", sys.stderr)
        elif isinstance(event, RunFinished) and event.run.state is not State.SUCCEEDED:
            _print(f"{event.run.id}: {finished_words(event.run)}", sys.stderr)

    def flush(self) -> None:
        """Do nothing: every line is written at once."""

    def drain(self, patience_seconds: float) -> None:
        """Do nothing: every line is written at once."""


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError:  # nobody reads it, or the disk is full: the job goes on all the same
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
