"""`cronjobs status`: one line a job."""

import sys
from typing import TYPE_CHECKING, Any

import click

from cronjobs.cli import options
from cronjobs.cli.options import as_json
from cronjobs.cli.render import duration_seconds, outcome_words, print_json, run_document
from cronjobs.core.decide import Facts, remaining
from cronjobs.core.run import Run, instant_text

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.core.job import Configuration, Job

_ALIVE_SECONDS = 90.0


@click.command("status")
@click.option(
    "--check", is_flag=True, help="Exit with 0 if a scheduler ticked in the last 90 s, else with 1."
)
@as_json
@click.pass_obj
def command(surroundings: "Surroundings", *, check: bool, as_json: bool) -> int:
    """Print one line for each job: schedule, last run, executions, next run."""
    configuration = surroundings.configuration()
    store = options.read_store(configuration)
    names = list(configuration.jobs)
    facts = store.facts(names) if store else {}
    last_runs = store.last_runs(names) if store else {}
    ticked_at = store.ticked_at() if store else None
    if store:
        store.close()
    if check:
        return _check(configuration, ticked_at)
    rows = [
        _Row(job, facts.get(job.name, Facts()), last_runs.get(job.name))
        for job in configuration.jobs.values()
    ]
    if as_json:
        print_json([row.document() for row in rows])
    else:
        _print(rows)
    return 0


class _Row:
    def __init__(self, job: "Job", facts: Facts, last_run: Run | None) -> None:
        self.job = job
        self.facts = facts
        self.last_run = last_run
        self.remaining = remaining(job, facts.executions)
        self.next_run = self._next()

    def _next(self) -> int | None:
        if not self.job.enabled or self.remaining == 0:
            return None
        from cronjobs.core.schedule import parse_schedule

        return parse_schedule(self.job.schedule, self.job.timezone).next_after(int(options.now()))

    def document(self) -> dict[str, Any]:
        return {
            "job": self.job.name,
            "schedule": [self.job.schedule],
            "timezone": self.job.timezone,
            "executions": self.facts.executions,
            "number_of_executions": self.job.number_of_executions,
            "remaining_executions": self.remaining,
            "enabled": self.job.enabled,
            "paused": False,
            "running": self.facts.unfinished,
            "last_run": None if self.last_run is None else run_document(self.last_run),
            "next_run": None if self.next_run is None else instant_text(self.next_run),
        }

    def cells(self, now: float) -> tuple[str, str, str, str, str]:
        from cronjobs.core.schedule.explain import describe
        from cronjobs.core.words import from_now, local_text

        limit = self.job.number_of_executions
        executions = str(self.facts.executions) if limit is None else f"{self.facts.executions}/{limit}"
        if self.next_run is not None:
            upcoming = f"{local_text(self.next_run, self.job.timezone)} {from_now(self.next_run, now)}"
        else:
            upcoming = "disabled" if not self.job.enabled else "done" if self.remaining == 0 else "never"
        return self.job.name, describe(self.job.schedule), self._last(now), executions, upcoming

    def _last(self, now: float) -> str:
        if self.last_run is None:
            return "-"
        from cronjobs.core.words import from_now, rough_duration

        words = outcome_words(self.last_run)
        seconds = duration_seconds(self.last_run)
        if seconds is not None:
            words += f" in {rough_duration(seconds)}"
        if self.last_run.finished_at is not None:
            words += f", {from_now(self.last_run.finished_at, now)}"
        return words


def _print(rows: list[_Row]) -> None:
    from cronjobs.core.words import aligned

    now = options.now()
    head = ("JOB", "SCHEDULE", "LAST RUN", "EXECUTIONS", "NEXT RUN")
    click.echo("\n".join(aligned([head, *(row.cells(now) for row in rows)])))


def _check(configuration: "Configuration", ticked_at: float | None) -> int:
    from cronjobs.processes import is_locked

    state = configuration.settings.state
    if not is_locked(state):
        problem = f"no scheduler runs on {state}"
    elif ticked_at is None:
        problem = "the scheduler has not ticked yet"
    elif abs(options.now() - ticked_at) > _ALIVE_SECONDS:
        problem = f"the scheduler has not ticked for {options.now() - ticked_at:.0f} s"
    else:
        click.echo("ok: the scheduler is alive")
        return 0
    print(f"not ok: {problem}", file=sys.stderr)
    return 1
