"""`cronjobs run`: the scheduler, in the foreground."""

import os
from typing import TYPE_CHECKING

import click

from cronjobs.cli.options import duration, machine_zone

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.core.events import Level
    from cronjobs.engine.assemble import LogFormat


@click.command("run")
@click.option("--exit-when-done", is_flag=True, help="End when no job can ever run again.")
@click.option(
    "--grace",
    callback=duration,
    metavar="DURATION",
    help="How long runs may take to finish at the end.  [default: `grace` in the file, or 15s]",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
)
@click.pass_obj
def command(
    surroundings: "Surroundings",
    *,
    exit_when_done: bool,
    grace: float | None,
    log_format: "LogFormat",
    log_level: "Level",
) -> int:
    """Run the scheduler in the foreground.

    Prints the next-run schedule, then runs jobs until SIGTERM or SIGINT: runs may finish for --grace, then
    get SIGTERM, then, after their kill_after, SIGKILL. A second signal ends them at once.
    """
    from cronjobs.engine import assemble
    from cronjobs.engine.scheduler import Options
    from cronjobs.signals import SignalPipe

    assemble.keep_standard_descriptors()
    signals = surroundings.signals or SignalPipe.open()
    configuration = surroundings.configuration()
    settings = configuration.settings
    return assemble.schedule(
        configuration,
        Options(settings.grace_seconds if grace is None else grace, exit_when_done),
        signals,
        log_format=log_format,
        log_level=log_level,
        zone=machine_zone(),
        environ=os.environ,
    )
