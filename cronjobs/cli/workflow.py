"""`cronjobs workflow`: what jobs' workflows have done, and going on with those that are stuck."""

from typing import TYPE_CHECKING, Any

import click

from cronjobs.cli import options
from cronjobs.cli.options import as_json
from cronjobs.cli.render import moment_text, print_json
from cronjobs.cli.table import Coloured, Row, print_table
from cronjobs.core.errors import NotFoundError, RefusedError
from cronjobs.core.workflow import StepLine, StepState, WorkflowFailure, WorkflowRecord, WorkflowState

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.core.job import Configuration, Job

_COLOURS = {
    WorkflowState.SUCCEEDED: "green",
    WorkflowState.REVERTED: "yellow",
    WorkflowState.FAILED: "red",
    StepState.SUCCEEDED: "green",
    StepState.FAILED: "red",
    StepState.COMPENSATED: "yellow",
    StepState.COMPENSATION_FAILED: "red",
}
# Here `attempt` counts those of the compensation.
_OF_COMPENSATION = (StepState.COMPENSATING, StepState.COMPENSATED, StepState.COMPENSATION_FAILED)


@click.group("workflow")
def command() -> None:
    """List, show, retry and cancel workflows.

    A workflow is named by its id: as `list` shows it, or as the job gave it.
    """


@command.command("list")
@click.option("--name", shell_complete=options.complete_job, help="Of this job only.")
@click.option(
    "--state", type=click.Choice([state.value for state in WorkflowState]), help="In this state only."
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Workflows at most.")
@as_json
@click.pass_obj
def list_workflows(
    surroundings: "Surroundings", *, name: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """Print workflows, newest first."""
    configuration = surroundings.configuration()
    records: list[WorkflowRecord] = []
    with options.reading(configuration) as store:
        if store is not None:
            records = store.workflows(state=state, job=name, limit=limit)
    if name and not records:
        options.find_job(configuration, name)
    if as_json:
        print_json([_document(record) for record in records])
    elif records:
        print_table(
            ("WORKFLOW", "NAME", "STATE", "BEGAN", "ERROR"), [_row(each) for each in records], flexible=(4, 1)
        )
    else:
        click.echo("no workflows", err=True)


@command.command("show")
@click.argument("id")
@as_json
@click.pass_obj
def show(surroundings: "Surroundings", *, id: str, as_json: bool) -> None:
    """Print one workflow and its steps, in the order in which they began."""
    record = _find(surroundings.configuration(), id)
    if as_json:
        steps = [_step_document(line) for line in record.steps]
        values = {"input": record.input, "result": record.result}
        print_json({**_document(record), **values, "steps": steps})
        return
    click.echo(f"{record.id}: {_state_words(record)}, {record.name} ({record.target})")
    click.echo(f"run: {record.run_id}")
    click.echo(
        f"began: {moment_text(record.started_at)}, ended: {moment_text(record.finished_at) or 'not yet'}"
    )
    for failure in record.errors:
        click.echo(f"error: {_failure_words(failure)}")
    if record.steps:
        head = ("POSITION", "STEP", "STATE", "ATTEMPT", "ERROR")
        print_table(head, [_step_row(line) for line in record.steps], flexible=(4,))


@command.command("retry")
@click.argument("id")
@click.pass_obj
def retry(surroundings: "Surroundings", *, id: str) -> int:
    """Go on with a workflow that is stuck, in the foreground, as a run of its job.

    One that was left half done goes on where it stood, one that could not be undone is undone further, one
    that was undone begins afresh. Exits with 0 if it ended as it was to, else 1, and 6 if it is not stuck.
    """
    from cronjobs.core.workflow import Intent
    from cronjobs.engine import assemble
    from cronjobs.executors.orders import GoingOn

    configuration = surroundings.configuration()
    record = _find(configuration, id)
    if record.state is WorkflowState.SUCCEEDED:
        raise RefusedError(
            f"{record.id} has succeeded", hint=f"`cronjobs workflow show {record.id}` says how"
        )
    is_undone = (record.is_compensating or record.is_cancelled) and record.state is not WorkflowState.REVERTED
    goal = WorkflowState.REVERTED if is_undone else WorkflowState.SUCCEEDED
    job = _job_of(configuration, record)
    going_on = GoingOn(record.target, record.base_id, Intent.RETRY, goal)
    return _told(configuration, record, assemble.trigger(configuration, job, going_on=going_on))


@command.command("cancel")
@click.argument("id")
@click.pass_obj
def cancel(surroundings: "Surroundings", *, id: str) -> int:
    """Undo what a workflow has done so far.

    The run that has it is told, and heeds that before its next step; where no run has it, it is undone in the
    foreground. Exits with 0 if it was told or is undone, else 1, and 6 if there is nothing to cancel.
    """
    from cronjobs.engine import assemble

    configuration = surroundings.configuration()
    record = _find(configuration, id)
    if record.state is not WorkflowState.RUNNING:
        hint = (
            f"`cronjobs workflow retry {record.id}` goes on undoing it"
            if record.state is WorkflowState.FAILED
            else ""
        )
        raise RefusedError(f"{record.id} is over: {record.state}", hint=hint)
    job = _job_of(configuration, record)
    code = assemble.cancel_workflow(configuration, job, record)
    if code is None:
        what = (
            "is being undone already"
            if record.is_compensating
            else "was told; it is undone before the next step"
        )
        click.echo(f"{record.id}: {record.run_id} {what}")
        return 0
    return _told(configuration, record, code)


def _job_of(configuration: "Configuration", record: WorkflowRecord) -> "Job":
    """Return the job that a workflow belongs to."""
    job = configuration.jobs.get(record.job)
    if job is None:
        raise NotFoundError(
            f"no job {record.job!r} in {configuration.file}, and {record.id} belongs to it",
            hint="bring it back for as long as this takes, with `enabled = false` if it is not to run",
        )
    return job


def _told(configuration: "Configuration", record: WorkflowRecord, code: int) -> int:
    """Say where the workflow stands now; return the run's exit code."""
    ended = _find(configuration, record.base_id)
    click.echo(f"{ended.id}: {_state_words(ended)}", err=True)
    return code


def _find(configuration: "Configuration", id: str) -> WorkflowRecord:
    with options.reading(configuration) as store:
        record = None if store is None else store.workflow(id)
    if record is None:
        raise NotFoundError(f"no workflow {id!r}", hint="`cronjobs workflow list` lists them")
    return record


def _document(record: WorkflowRecord) -> dict[str, Any]:
    seconds = None if record.finished_at is None else round(record.finished_at - record.started_at, 6)
    return {
        "id": record.id,
        "name": record.name,
        "target": record.target,
        "job": record.job,
        "run": record.run_id,
        "state": record.state,
        "is_compensating": record.is_compensating,
        "is_cancelled": record.is_cancelled,
        "started_at": moment_text(record.started_at),
        "finished_at": moment_text(record.finished_at),
        "duration_seconds": seconds,
        "errors": [_failure_document(each) for each in record.errors],
    }


def _failure_document(failure: WorkflowFailure) -> dict[str, Any]:
    return {
        "step": failure.step or None,
        "position": failure.position or None,
        "action": failure.action,
        **failure.error._asdict(),
    }


def _step_document(line: StepLine) -> dict[str, Any]:
    document = line.step._asdict()
    document["error"] = None if line.step.error is None else line.step.error._asdict()
    return {
        **document,
        "started_at": moment_text(line.started_at),
        "changed_at": moment_text(line.changed_at),
    }


def _row(record: WorkflowRecord) -> Row:
    began = moment_text(record.started_at) or ""
    error = _failure_words(record.errors[0]) if record.errors else ""
    return (
        record.id,
        record.name,
        Coloured(_state_words(record), _COLOURS.get(record.state)),
        f"{began[:19]}Z",
        error.partition("\n")[0],
    )


def _step_row(line: StepLine) -> Row:
    step = line.step
    error = "" if step.error is None else f"{step.error.type}: {step.error.message}".partition("\n")[0]
    words = Coloured(step.state.replace("_", " "), _COLOURS.get(step.state))
    is_of_compensation = step.state in _OF_COMPENSATION
    attempt = f"undo {step.attempt}" if is_of_compensation else str(step.attempt)
    return (step.position, step.name, words, attempt, error)


def _state_words(record: WorkflowRecord) -> str:
    if record.state is not WorkflowState.RUNNING:
        return record.state
    if record.is_compensating:
        return "running (being undone)"
    return "running (to be cancelled)" if record.is_cancelled else "running"


def _failure_words(failure: WorkflowFailure) -> str:
    where = f"{failure.step} at {failure.position}: " if failure.step else ""
    what = "could not be undone: " if failure.action == "compensate" else ""
    return f"{where}{what}{failure.error.type}: {failure.error.message}"
