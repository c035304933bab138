"""A run's record and the only table by which its state may change."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from cronjobs.core.failure import Failure


class State(StrEnum):
    """Where a run stands."""

    CLAIMED = "claimed"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    MISSED = "missed"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why a run did not go its usual way."""

    OVERLAP = "overlap"
    LIMIT = "limit"
    TOO_LATE = "too_late"
    SHUTDOWN = "shutdown"
    USER = "user"
    CLOCK = "clock"
    ZYGOTE = "zygote"


class Trigger(StrEnum):
    """Why an occurrence was claimed."""

    SCHEDULE = "schedule"
    CATCH_UP = "catch_up"
    MANUAL = "manual"


# Every state that a state may become. `running` goes back to `claimed` only where it is certain that the
# job's code never began: its zygote died, or its record could not be written, before the go byte.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.CLAIMED: frozenset(
        {State.WAITING, State.RUNNING, State.MISSED, State.CANCELLED, State.LOST},
    ),
    State.WAITING: frozenset({State.RUNNING, State.MISSED, State.CANCELLED, State.LOST}),
    State.RUNNING: frozenset(
        {State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.LOST, State.CLAIMED},
    ),
}
UNFINISHED = tuple(TRANSITIONS)


class Usage(NamedTuple):
    """What a run used, all its waited-for descendants included."""

    user_seconds: float
    system_seconds: float
    max_rss_bytes: int


class Outcome(NamedTuple):
    """How a run ended. Exactly one of `exit_code` and `signal` is set where its process was seen to end."""

    state: State
    finished_at: float
    reason: Reason | None = None
    exit_code: int | None = None
    signal: str | None = None  # "SIGSEGV"
    error: Failure | None = None
    usage: Usage | None = None
    result: str | None = None  # what the function returned, as JSON


class Run(NamedTuple):
    """The record of one attempt at an occurrence, or of occurrences that were decided against.

    `scheduled_for` and `first_scheduled_for` are whole UTC seconds, the other instants UTC seconds.
    `counting` names the counting that `execution_number` belongs to; both None where it does not count.
    """

    row: int
    job: str
    scheduled_for: int
    manual_number: int  # 0 for all but manual runs
    attempt: int
    trigger: Trigger
    state: State
    reason: Reason | None = None
    execution_number: int | None = None
    counting: int | None = None
    dispatcher: int | None = None
    claimed_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    pid: int | None = None
    start_ticks: int | None = None
    exit_code: int | None = None
    signal: str | None = None
    error: Failure | None = None
    usage: Usage | None = None
    skipped_count: int | None = None
    first_scheduled_for: int | None = None
    result: str | None = None  # JSON

    @property
    def id(self) -> str:
        """The name people use: `job@2026-11-23T12:00:00Z`, `~1` for the first manual run of that second."""
        return run_id(self.job, self.scheduled_for, self.manual_number, self.attempt)


def run_id(job: str, scheduled_for: int, manual_number: int = 0, attempt: int = 1) -> str:
    """Return the run's name, unique in a state file."""
    manual = f"~{manual_number}" if manual_number else ""
    again = f"#{attempt}" if attempt > 1 else ""
    return f"{job}@{instant_text(scheduled_for)}{manual}{again}"


def instant_text(instant: float) -> str:
    """Return a whole second as ISO 8601 in UTC with `Z`."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def advance(run: Run, state: State, **changes: Any) -> Run:
    """Return the run in its new state; ValueError if it cannot get there from where it stands."""
    if state not in TRANSITIONS.get(run.state, ()):
        raise ValueError(f"{run.id}: a run that is {run.state} cannot become {state}")
    return run._replace(state=state, **changes)


def finish(run: Run, outcome: Outcome) -> Run:
    """Return the run as its outcome leaves it."""
    return advance(run, **outcome._asdict())
