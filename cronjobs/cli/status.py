"""`cronjobs status`: one line a job."""

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cronjobs.cli import options
from cronjobs.cli.options import as_json
from cronjobs.cli.render import duration_seconds, outcome_colour, outcome_words, print_json, run_document
from cronjobs.cli.table import Coloured, Row, print_table
from cronjobs.core.decide import Facts, remaining
from cronjobs.core.due import is_at_start, schedule_of
from cronjobs.core.run import Run, instant_text

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.core.job import Configuration, Job

_ALIVE_SECONDS = 90.0


class _Status(NamedTuple):
    """What there is to say of a job: from the file, from the state file, and when it runs next."""

    job: "Job"
    facts: Facts
    last_run: Run | None
    next_run: int | None


@click.command("status")
@click.option(
    "--check", is_flag=True, help="Exit with 0 if a scheduler ticked in the last 90 s, else with 1."
)
@as_json
@click.pass_obj
def command(surroundings: "Surroundings", *, check: bool, as_json: bool) -> int:
    """Print one line for each job: schedule, last run, executions, next run."""
    configuration = surroundings.configuration(discovers=not check)
    now = options.now()
    if check:
        return _check(configuration, now)
    statuses = _statuses(configuration, int(now))
    if as_json:
        print_json([_document(status) for status in statuses])
        return 0
    print_table(
        ("JOB", "SCHEDULE", "LAST RUN", "EXECUTIONS", "NEXT RUN"),
        [_row(status, _last(status, now), _next(status, now)) for status in statuses],
        brief=[_row(status, _last_briefly(status, now), _next_briefly(status, now)) for status in statuses],
        flexible=(0, 1, 2),
    )
    return 0


def _statuses(configuration: "Configuration", now: int) -> list[_Status]:
    names = list(configuration.jobs)
    facts: dict[str, Facts] = {}
    last_runs: dict[str, Run] = {}
    with options.reading(configuration) as store:
        anchors = options.anchors(configuration.jobs.values(), store)
        if store is not None:
            facts, last_runs = store.facts(names), store.last_runs(names)
    statuses = []
    for name, job in configuration.jobs.items():
        known = facts.get(name, Facts())
        upcoming = None
        if job.enabled and remaining(job, known.executions) != 0:
            seed = configuration.settings.hash_seed
            upcoming = schedule_of(job, hash_seed=seed, anchor=anchors.get(name, now)).next_after(now)
        statuses.append(_Status(job, known, last_runs.get(name), upcoming))
    return statuses


def _document(status: _Status) -> dict[str, Any]:
    job, facts, last_run, next_run = status
    return {
        "job": job.name,
        "schedule": list(job.schedule),
        "timezone": job.timezone,
        "executions": facts.executions,
        "number_of_executions": job.number_of_executions,
        "remaining_executions": remaining(job, facts.executions),
        "enabled": job.enabled,
        "paused": False,
        "running": facts.unfinished,
        "last_run": None if last_run is None else run_document(last_run),
        "next_run": None if next_run is None else instant_text(next_run),
    }


def _row(status: _Status, last: str, upcoming: str) -> Row:
    from cronjobs.core.schedule.explain import describe  # late: JSON needs no words

    job, facts, last_run, _ = status
    texts = job.schedule if job.dialect == "croniter" else map(describe, job.schedule)
    limit = job.number_of_executions
    executions = str(facts.executions) if limit is None else f"{facts.executions}/{limit}"
    colour = None if last_run is None else outcome_colour(last_run)
    return job.name, "; ".join(texts), Coloured(last, colour), executions, upcoming


def _last(status: _Status, now: float) -> str:
    from cronjobs.core.words import rough_duration  # late: as above

    run = status.last_run
    seconds = None if run is None else duration_seconds(run)
    if run is None or seconds is None:
        return _last_briefly(status, now)
    return f"{outcome_words(run)} in {rough_duration(seconds)}{_since(run, now)}"


def _last_briefly(status: _Status, now: float) -> str:
    run = status.last_run
    return "-" if run is None else outcome_words(run) + _since(run, now)


def _since(run: Run, now: float) -> str:
    from cronjobs.core.words import from_now, rough_duration  # late: as above

    if run.finished_at is not None:
        return f", {from_now(run.finished_at, now)}"
    return "" if run.started_at is None else f" for {rough_duration(max(0, int(now - run.started_at)))}"


def _next(status: _Status, now: float) -> str:
    from cronjobs.core.words import local_text  # late: as above

    brief = _next_briefly(status, now)
    if status.next_run is None:
        return brief
    return f"{local_text(status.next_run, status.job.timezone)} {brief}"


def _next_briefly(status: _Status, now: float) -> str:
    from cronjobs.core.words import from_now  # late: as above

    job, facts, _, next_run = status
    if next_run is not None:
        return from_now(next_run, now)
    if not job.enabled:
        return "disabled"
    if remaining(job, facts.executions) == 0:
        return "done"
    return "at the next start" if is_at_start(job) else "never"


def _check(configuration: "Configuration", now: float) -> int:
    from cronjobs.lock import is_locked  # late: only the check needs it

    state = configuration.settings.state
    with options.reading(configuration) as store:
        ticked_at = None if store is None else store.ticked_at()
    if not is_locked(state):
        problem = f"no scheduler runs on {state}"
    elif ticked_at is None:
        problem = "the scheduler has not ticked yet"
    elif abs(now - ticked_at) > _ALIVE_SECONDS:
        problem = f"the scheduler has not ticked for {now - ticked_at:.0f} s"
    else:
        click.echo("ok: the scheduler is alive")
        return 0
    click.echo(f"not ok: {problem}", err=True)
    return 1
