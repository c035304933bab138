"""`cronjobs history`: what ran."""

from typing import TYPE_CHECKING

import click

from cronjobs.cli import options
from cronjobs.cli.options import as_json
from cronjobs.cli.render import duration_seconds, outcome_colour, outcome_words, print_json, run_document
from cronjobs.cli.table import Coloured, Row, print_table
from cronjobs.core.run import Run, State

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings


@click.command("history")
@click.option(
    "--name",
    shell_complete=options.complete_job,
    help="Of this job only; it may have left the file.",
)
@click.option("--state", type=click.Choice([state.value for state in State]), help="In this state only.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Runs at most.")
@as_json
@click.pass_obj
def command(
    surroundings: "Surroundings", *, name: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """Print runs, newest first."""
    configuration = surroundings.configuration(discovers=False)
    runs: list[Run] = []
    with options.reading(configuration) as store:
        if store is not None:
            runs = store.history(job=name, state=state, limit=limit)
    if name and not runs:
        options.find_job(surroundings.configuration(), name)
    if as_json:
        print_json([run_document(run) for run in runs])
    elif runs:
        head = ("RUN", "TRIGGER", "OUTCOME", "TOOK", "ERROR")
        print_table(head, [_row(run) for run in runs], flexible=(4,))
    else:
        click.echo("no runs", err=True)


def _row(run: Run) -> Row:
    from cronjobs.core.words import rough_duration  # late: JSON needs no words

    seconds = duration_seconds(run)
    return (
        run.id,
        run.trigger.replace("_", " "),
        Coloured(outcome_words(run), outcome_colour(run)),
        "" if seconds is None else rough_duration(seconds),
        "" if run.error is None else run.error.message.partition("\n")[0],
    )
