"""`cronjobs reset`: a job's count back to zero."""

import sys
from typing import TYPE_CHECKING

import click

from cronjobs.cli import options

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings


@click.command("reset")
@click.argument("name", shell_complete=options.complete_job)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(surroundings: "Surroundings", *, name: str, yes: bool) -> int:
    """Set a job's count of executions to zero; its history stays."""
    from cronjobs.lock import wake_scheduler
    from cronjobs.store.sqlite import SqliteStore

    configuration = surroundings.configuration()
    job = options.find_job(configuration, name)
    if not yes and sys.stdin.isatty() and not click.confirm(f"Set the executions of {job.name} to zero?"):
        click.echo("nothing was changed", err=True)
        return 1
    store = SqliteStore.open(configuration.settings.state)
    before = store.reset(job.name)
    store.close()
    for note in store.notes:
        click.echo(note, err=True)
    heeded = {
        "woken": "the running scheduler was told",
        "out of sight": "the running scheduler sees it within 30 s",
        "none": "no scheduler is running",
    }[wake_scheduler(configuration.settings.state)]
    click.echo(f"{job.name}: executions were {before}, now 0; {heeded}")
    return 0
