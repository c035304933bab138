"""The four doors to the world. What stands behind them lives on the floor above."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from cronjobs.core.decide import Facts
from cronjobs.core.events import Event
from cronjobs.core.failure import Failure
from cronjobs.core.questions import Entry, Reply
from cronjobs.core.run import Reason, Run, Trigger, Usage


class Clock(Protocol):
    """Time, read nowhere else."""

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, by the time that really passes while the machine is awake."""

    def suspended(self) -> float:
        """Return for how many seconds the machine has been suspended, ever; 0 where that cannot be known."""


class Claim(NamedTuple):
    """An occurrence that a dispatcher wants to own.

    limit: the most executions the job may have; None for no bound.
    is_exclusive: not while another run of the job is unfinished.
    """

    job: str
    scheduled_for: int
    trigger: Trigger
    limit: int | None = None
    is_exclusive: bool = False


class Passed(NamedTuple):
    """Occurrences of a job that will not run: one row stands for all of them."""

    job: str
    first_scheduled_for: int
    scheduled_for: int  # of the last
    skipped_count: int
    state: Literal["skipped", "missed"]
    reason: Reason
    trigger: Trigger


class Definition(NamedTuple):
    """How a job is defined now; `form` is what makes its occurrences the ones they are."""

    job: str
    form: str


class Store(Protocol):
    """The state file. Every method that writes is one durable transaction, or raises StateError.

    A transaction that fails leaves nothing behind and can be tried again.
    """

    def define(self, definitions: Iterable[Definition], now: int, *, after: int = -1) -> dict[str, int]:
        """Note the jobs there are; return since when each has had its present form, if that is after `after`.

        Both are UTC seconds.
        """

    def facts(self, jobs: Sequence[str]) -> dict[str, Facts]:
        """Return what decisions need, for each of the jobs."""

    def changed(self) -> bool:
        """Return whether another process has written since this was last asked."""

    def claim(
        self, claims: Sequence[Claim], passed: Sequence[Passed], *, ticked_until: int, now: float
    ) -> tuple[list[Run], list[Run]]:
        """Own occurrences and count them, and write down those decided against.

        Returns the runs, in the order of their claims, and the rows of what was decided against. Not claimed
        is an occurrence that already has a row, or whose job has used up its limit; nor an exclusive one that
        another process was quicker with, which is written down as skipped.
        """

    def claim_manual(self, claim: Claim, *, counted: bool, now: float) -> Run | Reason:
        """Own a run that somebody asked for by hand; it takes no scheduled occurrence's place.

        Returns the reason where it must not start: `overlap`, or `limit` if it is to be `counted`.
        """

    def wait(self, runs: Sequence[Run]) -> None:
        """Write `waiting` for claimed runs that have no room yet."""

    def start(self, runs: Sequence[Run], outcomes: Sequence[Run] = ()) -> None:
        """Write `running`, with process and start, before the go byte; and outcomes with it."""

    def finish(self, runs: Sequence[Run]) -> None:
        """Write final states. A run that never began gives its count back."""

    def tick(self, *, ticked_until: int, now: float) -> None:
        """Write down how far the scheduler has looked, and that it lives."""

    def ticked_until(self) -> int | None:
        """Return how far this file's schedulers have looked, or None for a new file."""

    def journal(self, entries: Sequence[tuple[Run, Entry]], *, now: float) -> list[Reply]:
        """Write what runs say of their workflows; return the reply to each. Not the owner's: `Lost`."""

    def workflow_owner(self, id: str) -> Run | None:
        """Return the run that has the newest workflow of an id, if both are unfinished."""

    def last_success(self, job: str) -> Run | None:
        """Return the job's newest run that succeeded."""

    def first_free(self, job: str, instant: int) -> int:
        """Return the first second, from an instant on, for which no row of a job stands."""

    def unfinished(self) -> list[Run]:
        """Return every run that is claimed, waiting or running, oldest first."""

    def adopt(self, runs: Sequence[Run]) -> list[Run]:
        """Take over claimed runs of dispatchers that are gone."""

    def last_runs(self, jobs: Sequence[str]) -> dict[str, Run]:
        """Return each job's newest row that stands for a run."""

    def history(self, *, job: str | None = None, state: str | None = None, limit: int = 50) -> list[Run]:
        """Return rows, newest first."""

    def reset(self, job: str) -> int:
        """Begin a new counting at zero; return what the count was."""

    def close(self) -> None:
        """Let go of the file."""


class Launch(NamedTuple):
    """A run to be prepared. `number` is its name between the engine and an executor."""

    number: int
    job: str
    run_id: str
    scheduled_for: int
    attempt: int
    execution_number: int
    remaining_executions: int | None


class Prepared(NamedTuple):
    """A process waits for go."""

    number: int
    pid: int
    start_ticks: int


class Unprepared(NamedTuple):
    """The run could not be prepared and certainly did not begin.

    error: set where trying again is no use (an import failed); None where it may help.
    """

    number: int
    message: str
    error: Failure | None = None


class Printed(NamedTuple):
    """A line that a run wrote."""

    number: int
    stream: Literal["stdout", "stderr"]
    text: str


class Ended(NamedTuple):
    """The run's process ended, at `finished_at`, with an exit code or by a signal."""

    number: int
    finished_at: float
    exit_code: int | None
    signal: str | None
    error: Failure | None
    usage: Usage | None
    result: str | None = None  # what the function returned, as JSON


class Asked(NamedTuple):
    """A run wants to know something, or to have something written down, and waits for an answer.

    ticket: of this question among the run's. question: what came from the run's process; nothing is certain
    of it but that it was JSON.
    """

    number: int
    ticket: int
    question: Any


class Heeding(NamedTuple):
    """The run looks whether it is to stop: told so, it may end by itself."""

    number: int


class Vanished(NamedTuple):
    """The run's process is gone and nobody can say how it ended: its zygote died."""

    number: int


class Signalled(NamedTuple):
    """This process received a signal that it handles."""

    signum: int


class Said(NamedTuple):
    """Something the executor has to say that belongs to no run."""

    event: "Event"


RunEvent = Prepared | Unprepared | Printed | Asked | Heeding | Ended | Vanished
ExecutorEvent = RunEvent | Signalled | Said


class Executor(Protocol):
    """Where runs live. Nothing of a user's runs before `go`, nor ever in the caller's process."""

    def warm(self, jobs: Sequence[str]) -> None:
        """Make ready for jobs that are due soon."""

    def prepare(self, launches: Sequence[Launch]) -> None:
        """Ask for a process for each; `Prepared` or `Unprepared` follows."""

    def go(self, number: int) -> bool:
        """Let a prepared run begin; False if its process is gone."""

    def drop(self, number: int) -> None:
        """Let go of a run that did not get go; its process leaves without running the job."""

    def signal(self, number: int, signum: int) -> None:
        """Send a signal to the run's whole process group; what is left of it when the run ends is killed."""

    def answer(self, number: int, ticket: int, answer: Any) -> None:
        """Answer one of a run's questions; where it is gone, nobody hears it."""

    def ask_to_stop(self, number: int) -> None:
        """Tell a run that it is to end by itself, if it looks."""

    def wait(self, timeout_seconds: float) -> list[ExecutorEvent]:
        """Return what has happened; wait for it, but not longer than this."""

    def close(self) -> None:
        """End every process that is left."""


class Observer(Protocol):
    """Is told everything, and never fails the scheduler."""

    def observe(self, event: "Event") -> None:
        """Take notice."""

    def flush(self) -> None:
        """Write down what has been kept back."""

    def drain(self, patience_seconds: float) -> None:
        """Write down what has been kept back, and wait for it, but not longer than this."""
