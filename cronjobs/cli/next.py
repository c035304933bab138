"""`cronjobs next`: coming runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cronjobs.cli import options
from cronjobs.cli.coming import Coming, print_coming
from cronjobs.cli.options import as_json
from cronjobs.core.due import is_at_start, schedule_of

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.core.job import Job
    from cronjobs.core.schedule import Schedule


@click.command("next")
@click.option("--name", shell_complete=options.complete_job, help="Of this job only.")
@click.option("--count", type=click.IntRange(1, 100_000), help="Runs a job.  [default: 1, with --name 5]")
@click.option(
    "--from",
    "begin",
    callback=options.moment,
    metavar="TIME",
    help="Strictly after this time.  [default: now]",
)
@click.option(
    "--until", "end", callback=options.moment, metavar="TIME", help="Up to and including this time."
)
@as_json
@click.pass_obj
def command(
    surroundings: "Surroundings",
    *,
    name: str | None,
    count: int | None,
    begin: float | None,
    end: float | None,
    as_json: bool,
) -> None:
    """Print coming runs, soonest first.

    Takes into account how many executions a job has left, when it starts and ends, and what it excludes. A
    job that will not run again is not listed.
    """
    configuration = surroundings.configuration()
    jobs = [options.find_job(configuration, name)] if name else list(configuration.jobs.values())
    executions: dict[str, int] = {}
    with options.reading(configuration) as store:
        anchors = options.anchors(jobs, store)
        if store is not None:
            facts = store.facts([job.name for job in jobs])
            executions = {job: known.executions for job, known in facts.items()}
    now = options.now()
    after = int((now if begin is None else begin) // 1)
    each = count or (5 if name else 1)
    coming: list[Coming] = []
    for job in jobs:
        if job.enabled:
            seed = configuration.settings.hash_seed
            # A job that never started would start then.
            schedule = schedule_of(job, hash_seed=seed, anchor=anchors.get(job.name, after))
            coming += _of_job(job, schedule, executions.get(job.name, 0), after, end, each)
    coming.sort(key=lambda run: run.scheduled_for)
    print_coming(coming, now, as_json=as_json)
    if as_json:
        return
    listed = {run.job.name for run in coming}
    for job in jobs:
        if job.name not in listed:
            click.echo(f"{job.name}: {_why_not(job, executions.get(job.name, 0))}", err=True)


def _of_job(
    job: "Job", schedule: "Schedule", executions: int, after: int, end: float | None, count: int
) -> Iterator[Coming]:
    instant = schedule.next_after(after)
    for number in range(executions + 1, executions + count + 1):
        if instant is None or (end is not None and instant > end):
            return
        if job.number_of_executions is not None and number > job.number_of_executions:
            return
        yield Coming(instant, job, number)
        instant = schedule.next_after(instant)


def _why_not(job: "Job", executions: int) -> str:
    limit = job.number_of_executions
    if not job.enabled:
        return "disabled"
    if limit is not None and executions >= limit:
        return f"done {executions}/{limit}"
    return "at every start of the scheduler" if is_at_start(job) else "no run in that time"
