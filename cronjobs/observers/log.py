"""The scheduler's log: text for people, JSON lines for machines."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from cronjobs.core.events import (
    Coming,
    Event,
    Level,
    Note,
    OutputLine,
    RunFinished,
    RunSkipped,
    RunStarted,
    SchedulePrinted,
)
from cronjobs.core.run import Run, State, instant_text
from cronjobs.core.words import aligned, from_now, local_text, rough_duration

LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "success": "\x1b[32m"}
_PLAIN = "\x1b[0m"
# In a text log a control character may do harm; a tab does none, and escape sequences are colours mostly.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code not in (9, 27)}


class Lines(Protocol):
    """Where a log's lines go."""

    def write(self, line: str) -> None: ...

    def take_dropped(self) -> int: ...

    def flush(self) -> None: ...

    def drain(self, patience_seconds: float) -> None: ...


class TextLog:
    """An `Observer`: a line an event, each with its time and its job."""

    def __init__(
        self,
        lines: Lines,
        *,
        now: Callable[[], float],
        zone: str,
        level: Level = "info",
        colour: bool = False,
    ) -> None:
        self._lines = lines
        self._now = now
        self._zone = zone
        self._least = LEVELS.index(level)
        self._colour = colour
        self._second = (0, "")

    def observe(self, event: Event) -> None:
        """Write the event down."""
        if dropped := self._lines.take_dropped():
            self.observe(_gap(dropped))
        if isinstance(event, SchedulePrinted):
            self._schedule(event.coming)
        elif isinstance(event, OutputLine):
            mark = "|" if event.stream == "stdout" else "!"
            self._line("info", event.run.job, f"{mark} {event.text.translate(_CONTROL)}")
        elif isinstance(event, Note):
            for number, text in enumerate(event.message.splitlines()):
                self._line(event.level, event.job or "", f"| {text}" if number else text)
        else:
            level, text = _told(event)
            colour = "success" if event.run.state is State.SUCCEEDED else level
            self._line(level, event.run.job, text, colour)

    def flush(self) -> None:
        """Write down what has been kept back."""
        self._lines.flush()

    def drain(self, patience_seconds: float) -> None:
        """Write down what has been kept back, and wait for it, but not longer than this."""
        self._lines.drain(patience_seconds)

    def _line(self, level: Level, job: str, text: str, colour: str = "") -> None:
        if LEVELS.index(level) < self._least:
            return
        word = f"{level}: " if level in ("warning", "error") and not text.startswith("|") else ""
        code = _COLOURS.get(colour or level, "") if self._colour else ""
        message = f"{code}{word}{text}{_PLAIN}" if code else f"{word}{text}"
        self._lines.write(f"{self._time()}  {job + '  ' if job else ''}{message}")

    def _time(self) -> str:
        second = int(self._now())
        if second != self._second[0]:
            self._second = (second, local_text(second, self._zone))
        return self._second[1]

    def _schedule(self, coming: Iterable[Coming]) -> None:
        for line in aligned(_Rows(coming, self._now())):
            self._lines.write(line)


class JsonLog:
    """An `Observer`: a JSON object a line."""

    def __init__(self, lines: Lines, *, now: Callable[[], float], level: Level = "info") -> None:
        self._lines = lines
        self._now = now
        self._least = LEVELS.index(level)

    def observe(self, event: Event) -> None:
        """Write the event down."""
        if dropped := self._lines.take_dropped():
            self.observe(_gap(dropped))
        if isinstance(event, SchedulePrinted):
            for coming in event.coming:
                self._write("info", "next_run", _next_words(coming, self._now()), **_next(coming))
        elif isinstance(event, OutputLine):
            self._write("info", "output", event.text, **_identity(event.run), stream=event.stream)
        elif isinstance(event, Note):
            where = {"job": event.job, "run_id": event.run_id}
            self._write(event.level, event.event, event.message, **where)
        else:
            level, text = _told(event)
            run = event.run
            self._write(level, _event_name(event), text, **_identity(run), state=run.state, **_result(run))

    def flush(self) -> None:
        """Write down what has been kept back."""
        self._lines.flush()

    def drain(self, patience_seconds: float) -> None:
        """Write down what has been kept back, and wait for it, but not longer than this."""
        self._lines.drain(patience_seconds)

    def _write(self, level: Level, event: str, message: str, **fields: Any) -> None:
        if LEVELS.index(level) < self._least:
            return
        moment = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
        known = {name: value for name, value in fields.items() if value is not None}
        line = {"time": moment.replace("+00:00", "Z"), "level": level, "event": event, "message": message}
        self._lines.write(json.dumps(line | known, ensure_ascii=True))


def _gap(lines: int) -> Note:
    return Note("warning", "log_dropped", f"{lines} lines of this log were dropped: nobody read it")


class _Rows:
    """The next-run schedule as a table: when, in the job's zone, which job, which execution."""

    def __init__(self, coming: Iterable[Coming], now: float) -> None:
        self._coming = coming
        self._now = now

    def __iter__(self) -> Iterator[Sequence[str]]:
        yield ("NEXT RUN", "", "JOB", "EXECUTION")
        for each in self._coming:
            instant, limit = each.scheduled_for, each.number_of_executions
            if instant is None:
                yield (each.why, "", each.job, "")
            else:
                execution = "" if limit is None else f"{each.execution_number}/{limit}"
                yield (local_text(instant, each.timezone), from_now(instant, self._now), each.job, execution)


def _told(event: RunStarted | RunFinished | RunSkipped) -> tuple[Level, str]:
    if isinstance(event, RunStarted):
        return "info", _started(event)
    if isinstance(event, RunSkipped):
        return "warning", _skipped(event.run)
    return _finished(event.run)


def _started(event: RunStarted) -> str:
    run, limit = event.run, event.number_of_executions
    if limit is None or run.execution_number is None:
        return "started" if run.trigger == "schedule" else f"started ({run.trigger})"
    extra = "" if run.trigger == "schedule" else f", {run.trigger}"
    return f"started (execution {run.execution_number}/{limit}{extra})"


def _finished(run: Run) -> tuple[Level, str]:
    if run.state is State.SUCCEEDED:
        return "info", finished_words(run)
    return "warning" if run.state in (State.CANCELLED, State.MISSED) else "error", finished_words(run)


def finished_words(run: Run) -> str:
    """Return how a run ended, how long it took, and why it ended so."""
    took = ""
    if run.started_at is not None and run.finished_at is not None:
        took = f" after {rough_duration(max(0.0, run.finished_at - run.started_at))}"
    if run.state is State.SUCCEEDED:
        return f"succeeded{took}"
    reason = f" ({run.reason.replace('_', ' ')})" if run.reason else ""
    why = _why(run)
    return f"{run.state.replace('_', ' ')}{reason}{took}{': ' + why if why else ''}"


def _why(run: Run) -> str:
    if run.error is not None:
        first_line = run.error.message.partition("\n")[0]
        return f"{run.error.type}: {first_line}" if first_line else run.error.type
    if run.signal is not None:
        return f"ended by {run.signal}"
    return f"exit code {run.exit_code}" if run.exit_code else ""


def _skipped(run: Run) -> str:
    count = run.skipped_count or 1
    if run.state is State.SKIPPED:
        times = f", {count} in a row" if count > 1 else ""
        return f"skipped ({run.reason}): the run before it is not finished{times}"
    first = instant_text(run.first_scheduled_for or run.scheduled_for)
    return f"missed {count} from {first} to {instant_text(run.scheduled_for)} ({run.reason})"


def _event_name(event: RunStarted | RunFinished | RunSkipped) -> str:
    if isinstance(event, RunStarted):
        return "run_started"
    return "run_skipped" if isinstance(event, RunSkipped) else "run_finished"


def _identity(run: Run) -> dict[str, Any]:
    return {"job": run.job, "run_id": run.id, "scheduled_for": instant_text(run.scheduled_for)}


def _result(run: Run) -> dict[str, Any]:
    duration = None
    if run.started_at is not None and run.finished_at is not None:
        duration = round(run.finished_at - run.started_at, 6)
    return {
        "reason": run.reason,
        "trigger": run.trigger,
        "execution_number": run.execution_number,
        "duration_seconds": duration,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "error": run.error and run.error._asdict(),
        "skipped_count": run.skipped_count,
    }


def _next(coming: Coming) -> dict[str, Any]:
    instant = coming.scheduled_for
    return {
        "job": coming.job,
        "scheduled_for": None if instant is None else instant_text(instant),
        "execution_number": None if instant is None else coming.execution_number,
    }


def _next_words(coming: Coming, now: float) -> str:
    if coming.scheduled_for is None:
        return coming.why
    moment = local_text(coming.scheduled_for, coming.timezone)
    return f"next run at {moment}, {from_now(coming.scheduled_for, now)}"
