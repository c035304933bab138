"""What somebody sees who runs one job by hand: the job's own output, and how it ended."""

import sys

from cronjobs.core.events import Event, Note, OutputLine, RunFinished
from cronjobs.core.run import State
from cronjobs.observers.log import finished_words


class Passthrough:
    """An `Observer` that writes a run's output where the run wrote it."""

    def observe(self, event: Event) -> None:
        """Pass output on; say on standard error what else matters."""
        if isinstance(event, OutputLine):
            print(event.text, file=sys.stdout if event.stream == "stdout" else sys.stderr)
        elif isinstance(event, Note) and event.level in ("warning", "error"):
            print(f"{event.level}: {event.message}", file=sys.stderr)
        elif isinstance(event, RunFinished) and event.run.state is not State.SUCCEEDED:
            print(f"{event.run.id}: {finished_words(event.run)}", file=sys.stderr)

    def flush(self) -> None:
        """Write down what has been kept back."""
        sys.stdout.flush()
