"""Coming runs, as `next` and `simulate` print them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cronjobs.cli.render import print_json
from cronjobs.cli.table import Row, print_table
from cronjobs.core.run import instant_text

if TYPE_CHECKING:
    from cronjobs.core.job import Job


class Coming(NamedTuple):
    """A run to come."""

    scheduled_for: int
    job: "Job"
    execution_number: int


def print_coming(coming: Sequence[Coming], now: float, *, as_json: bool) -> None:
    """Print the runs in their order: a table for people, a document for machines."""
    if as_json:
        print_json([_document(run) for run in coming])
    elif coming:
        print_table(("NEXT RUN", "", "JOB", "EXECUTION"), [_row(run, now) for run in coming], flexible=(2,))


def _document(run: Coming) -> dict[str, object]:
    return {
        "job": run.job.name,
        "scheduled_for": instant_text(run.scheduled_for),
        "execution_number": run.execution_number,
    }


def _row(run: Coming, now: float) -> Row:
    from cronjobs.core.words import from_now, local_text  # late: JSON needs no words

    when = local_text(run.scheduled_for, run.job.timezone)
    limit = run.job.number_of_executions
    executions = "" if limit is None else f"{run.execution_number}/{limit}"
    return when, from_now(run.scheduled_for, now), run.job.name, executions
