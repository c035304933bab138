"""`cronjobs history`: what ran."""

from typing import TYPE_CHECKING

import click

from cronjobs.cli import options
from cronjobs.cli.options import as_json
from cronjobs.cli.render import duration_seconds, outcome_words, print_json, run_document
from cronjobs.core.run import Run, State

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings


@click.command("history")
@click.option("--name", help="Of this job only; it may have left the file.")
@click.option("--state", "state", type=click.Choice([state.value for state in State]), envvar=[])
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@as_json
@click.pass_obj
def command(
    surroundings: "Surroundings", *, name: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """Print runs, newest first."""
    configuration = surroundings.configuration()
    store = options.read_store(configuration)
    runs = store.history(job=name, state=state, limit=limit) if store else []
    if store:
        store.close()
    if name and not runs:
        options.find_job(configuration, name)
    if as_json:
        print_json([run_document(run) for run in runs])
    else:
        _print(runs)


def _print(runs: list[Run]) -> None:
    from cronjobs.core.words import aligned, rough_duration

    rows = []
    for run in runs:
        seconds = duration_seconds(run)
        took = "" if seconds is None else rough_duration(seconds)
        message = run.error.message.partition("\n")[0] if run.error is not None else ""
        rows.append((run.id, run.trigger.replace("_", " "), outcome_words(run), took, message[:80]))
    click.echo("\n".join(aligned([("RUN", "TRIGGER", "OUTCOME", "TOOK", "ERROR"), *rows])))
