"""How commands put things: JSON documents, runs, problems."""

from typing import TYPE_CHECKING, Any

import click

from cronjobs.core.run import UNFINISHED, Run, State, instant_text

if TYPE_CHECKING:
    pass


def print_json(document: Any) -> None:
    """Print one JSON document."""
    import json  # late: tables do without

    click.echo(json.dumps(document, indent=2))


def moment_text(instant: float | None) -> str | None:
    """Return an instant with its fraction as ISO 8601 in UTC with `Z`."""
    if instant is None:
        return None
    from datetime import UTC, datetime

    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration_seconds(run: Run) -> float | None:
    """Return how long a run took, or None if it has not begun or not ended."""
    if run.started_at is None or run.finished_at is None:
        return None
    return round(max(0.0, run.finished_at - run.started_at), 6)


def run_document(run: Run) -> dict[str, Any]:
    """Return a run as `history --json` shows it."""
    document = {
        "id": run.id,
        "job": run.job,
        "scheduled_for": instant_text(run.scheduled_for),
        "attempt": run.attempt,
        "trigger": run.trigger,
        "state": run.state,
        "reason": run.reason,
        "started_at": moment_text(run.started_at),
        "finished_at": moment_text(run.finished_at),
        "duration_seconds": duration_seconds(run),
        "exit_code": run.exit_code,
        "signal": run.signal,
        "error": None if run.error is None else run.error._asdict(),
        "execution_number": run.execution_number,
        "user_seconds": run.usage and run.usage.user_seconds,
        "system_seconds": run.usage and run.usage.system_seconds,
        "max_rss_bytes": run.usage and run.usage.max_rss_bytes,
        "result": _value(run.result),
    }
    if run.skipped_count is not None and run.first_scheduled_for is not None:
        document["skipped_count"] = run.skipped_count
        document["first_scheduled_for"] = instant_text(run.first_scheduled_for)
    return document


def _value(text: str | None) -> Any:
    import json  # late: as above

    return None if text is None else json.loads(text)


def outcome_words(run: Run) -> str:
    """Return a run's state, and why it is that, in few words."""
    words = run.state.replace("_", " ")
    if run.reason:
        words += f" ({run.reason.replace('_', ' ')})"
    if run.skipped_count and run.skipped_count > 1:
        words += f" x{run.skipped_count}"
    if run.state in (State.FAILED, State.TIMED_OUT):
        if run.error is not None:
            words += f": {run.error.type}"
        elif run.signal is not None:
            words += f": {run.signal}"
        elif run.exit_code is not None:
            words += f": exit code {run.exit_code}"
    return words


def outcome_colour(run: Run) -> str | None:
    """Return one of click's colours for a run's state."""
    if run.state is State.SUCCEEDED:
        return "green"
    if run.state in (State.FAILED, State.TIMED_OUT, State.LOST):
        return "red"
    return None if run.state in UNFINISHED else "yellow"
