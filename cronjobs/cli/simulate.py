"""`cronjobs simulate`: every run of a time, by the scheduler itself on virtual time."""

from typing import TYPE_CHECKING

import click

from cronjobs.cli import options
from cronjobs.cli.coming import Coming, print_coming
from cronjobs.cli.options import as_json

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings

_DAY_SECONDS = 86_400.0


@click.command("simulate")
@click.option(
    "--from",
    "begin",
    callback=options.moment,
    metavar="TIME",
    help="Strictly after this time.  [default: now]",
)
@click.option(
    "--until",
    "end",
    callback=options.moment,
    metavar="TIME",
    help="Up to and including this time.  [default: a day later]",
)
@click.option("--name", shell_complete=options.complete_job, help="Of this job only.")
@as_json
@click.pass_obj
def command(
    surroundings: "Surroundings",
    *,
    begin: float | None,
    end: float | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Print every run that the file would make in a time.

    The scheduler itself runs on virtual time, with runs that take none: clock changes, limits and exclusions
    are all in it. Counts start from the state file, to which nothing is written. It goes on at --from, which
    is no start of the scheduler: `@reboot` is not in it.
    """
    from cronjobs.core.due import is_at_start
    from cronjobs.engine.simulate import simulate
    from cronjobs.store.sqlite import SqliteStore

    configuration = surroundings.configuration()
    if name:
        job = options.find_job(configuration, name)
        configuration = configuration._replace(jobs={name: job})
    now = options.now()
    start = now if begin is None else begin
    with options.reading(configuration) as known:
        facts = known.facts(list(configuration.jobs)) if known else {}
        definitions = known.definitions() if known else {}
    executions = {job: each.executions for job, each in facts.items()}
    store = SqliteStore.in_memory(executions, definitions)
    try:
        runs = simulate(configuration, start, start + _DAY_SECONDS if end is None else end, store=store)
    finally:
        store.close()
    coming = [Coming(run.scheduled_for, configuration.jobs[run.job], run.execution_number) for run in runs]
    print_coming(coming, now, as_json=as_json)
    if as_json:
        return
    if not coming:
        click.echo("no run in that time", err=True)
    for job in configuration.jobs.values():
        if job.enabled and is_at_start(job):
            click.echo(
                f"{job.name}: also due at every start of the scheduler; a simulation is no start", err=True
            )
