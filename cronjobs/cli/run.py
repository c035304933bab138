"""`cronjobs run`: the scheduler, in the foreground."""

import os
from typing import TYPE_CHECKING

import click

from cronjobs.cli.options import duration

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.core.events import Level
    from cronjobs.engine.options import LogFormat


@click.command("run")
@click.option("--exit-when-done", is_flag=True, help="End when no job can ever run again.")
@click.option(
    "--grace",
    callback=duration,
    metavar="DURATION",
    help="How long runs may take to finish at the end.  [default: `grace` in the file, or 15s]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or a JSON object a line.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least level that is logged.",
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
    from cronjobs.cli.foreground import Instructions
    from cronjobs.config.zone import is_zone, zone_of_surroundings
    from cronjobs.engine.options import LogOptions, Options

    configuration = surroundings.configuration()
    grace_seconds = configuration.settings.grace_seconds if grace is None else grace
    zone = zone_of_surroundings(os.environ)
    log = LogOptions(
        log_format,
        log_level,
        # Every job may have a zone of its own: then what TZ says matters to the log alone.
        zone=zone if is_zone(zone) else "UTC",
        colour=os.isatty(1) if surroundings.colour is None else surroundings.colour,
    )
    instructions = Instructions(
        configuration, Options(grace_seconds, exit_when_done), log, surroundings.colour
    )
    assert surroundings.hand_over is not None
    return surroundings.hand_over(instructions)
