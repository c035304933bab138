"""`cronjobs trigger`: a job now, in the foreground."""

from typing import TYPE_CHECKING

import click

from cronjobs.cli import options

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings


@click.command("trigger")
@click.argument("name", shell_complete=options.complete_job)
@click.option("--counted", is_flag=True, help="Count it as one of its number_of_executions.")
@click.pass_obj
def command(surroundings: "Surroundings", *, name: str, counted: bool) -> int:
    """Run a job now, in the foreground, its output passed through.

    Exits with 0 if the run succeeded, 1 if it did not, 6 if the job's concurrency forbids it.
    """
    from cronjobs.engine import assemble

    configuration = surroundings.configuration()
    job = options.find_job(configuration, name)
    return assemble.trigger(configuration, job, counted=counted)
