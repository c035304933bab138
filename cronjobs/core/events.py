"""What the scheduler tells its observers. How it is written down is theirs to say."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from cronjobs.core.run import Run

Level = Literal["debug", "info", "warning", "error"]


class Coming(NamedTuple):
    """One line of the next-run schedule: `scheduled_for` None says that the job never runs, and `why`."""

    job: str
    scheduled_for: int | None
    timezone: str
    execution_number: int
    number_of_executions: int | None
    why: str = ""


class SchedulePrinted(NamedTuple):
    """The next-run schedule, soonest first. It can be gone through again and again."""

    coming: Iterable[Coming]


class RunStarted(NamedTuple):
    """The run's process got the word to go."""

    run: Run
    number_of_executions: int | None


class RunFinished(NamedTuple):
    """The run reached a final state."""

    run: Run


class RunSkipped(NamedTuple):
    """An occurrence was decided against; `run` is the row that says so."""

    run: Run


class OutputLine(NamedTuple):
    """A line that a run wrote, without its end."""

    run: Run
    stream: Literal["stdout", "stderr"]
    text: str


class Note(NamedTuple):
    """Everything else: `event` is a word that machines can rely on, `message` a sentence for people."""

    level: Level
    event: str
    message: str
    job: str | None = None
    run_id: str | None = None


Event = SchedulePrinted | RunStarted | RunFinished | RunSkipped | OutputLine | Note
