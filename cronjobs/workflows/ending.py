"""How a workflow ends: with its result, or undone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cronjobs.core.errors import StepFailedError, UnwritableError
from cronjobs.core.workflow import StepRecord, StepState, Transaction, WorkflowFailure, WorkflowState
from cronjobs.workflows.effects import Broken, Halt, Outcome, Pause, Returned, Rules, performed
from cronjobs.workflows.execution import Execution, WorkflowCancelledError, in_words
from cronjobs.workflows.forward import described, is_tried_again, next_attempt
from cronjobs.workflows.injection import input_name, wanted
from cronjobs.workflows.step import Compensation, Step, step_of
from cronjobs.workflows.values import NotJsonError, through_json


class Ended(NamedTuple):
    """How a workflow ended. cause: the exception that its body ended with."""

    result: Any
    errors: Sequence[WorkflowFailure]
    transaction: Transaction
    cause: BaseException | None = None


class Debt(NamedTuple):
    """A step that is to be undone."""

    record: StepRecord
    step: Step[..., Any]
    compensation: Compensation


def finish(execution: Execution, outcome: Outcome | None) -> Rules[Ended]:
    """Return how the workflow ended, once it is undone where it failed, and written down.

    outcome: of the body; None where the workflow is being undone already.
    """
    if isinstance(outcome, Returned) and execution.stopped is None:
        if changed := execution.claimed_less():
            execution.leave(changed)
        else:
            try:
                return _succeeded(execution, through_json(outcome.value))
            except NotJsonError as exc:
                message = f"workflow `{execution.name}` returned what is not JSON: {exc}"
                outcome = Broken(NotJsonError(message))
            except UnwritableError as exc:
                message = f"what workflow `{execution.name}` returned cannot be written down: {exc}"
                outcome = Broken(UnwritableError(message, hint=exc.hint))
    if execution.is_left:
        raise Halt()
    execution.is_over = True
    if outcome is not None:
        execution.errors = _failures(execution, outcome)
    elif not execution.errors:
        cancelled = WorkflowCancelledError(f"workflow `{execution.name}` was cancelled")
        execution.errors = [_of_body(cancelled)]
    cause = outcome.error if isinstance(outcome, Broken) else None
    return (yield from _undone(execution))._replace(cause=cause)


def _succeeded(execution: Execution, result: Any) -> Ended:
    execution.is_over = True
    errors = [_of_step(record) for record in execution.records() if record.position in execution.noted]
    return _end(execution, WorkflowState.SUCCEEDED, errors, result)


def _end(
    execution: Execution, state: WorkflowState, errors: Sequence[WorkflowFailure], result: Any = None
) -> Ended:
    execution.write_end(state, result, errors)
    return Ended(result, tuple(errors), Transaction(execution.id, state, tuple(execution.records())))


def _failures(execution: Execution, outcome: Outcome) -> list[WorkflowFailure]:
    """Return every failure on the way forward: the steps', then the body's own, if it has one."""
    errors = [_of_step(record) for record in execution.records() if record.state is StepState.FAILED]
    error = execution.stopped.error if execution.stopped is not None else None
    if error is None and isinstance(outcome, Broken):
        error = outcome.error
    if error is not None and not _is_of_steps(error):
        errors.append(_of_body(error))
    return errors


def _is_of_steps(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_of_steps(each) for each in error.exceptions)
    return isinstance(error, StepFailedError | Halt)


def _of_step(record: StepRecord, action: Any = "invoke") -> WorkflowFailure:
    assert record.error is not None
    return WorkflowFailure(record.name, record.position, action, record.error)


def _of_body(error: BaseException) -> WorkflowFailure:
    return WorkflowFailure("", "", "invoke", described(error))


def _undone(execution: Execution) -> Rules[Ended]:
    debts = [debt for record in execution.records() if (debt := _debt(execution, record))]
    execution.write_undoing()
    for debt in reversed(debts):
        yield from _compensate(execution, debt)
    failed = [
        _of_step(record, "compensate")
        for record in reversed(execution.records())
        if record.state is StepState.COMPENSATION_FAILED
    ]
    state = WorkflowState.FAILED if failed else WorkflowState.REVERTED
    return _end(execution, state, [*execution.errors, *failed])


def _debt(execution: Execution, record: StepRecord) -> Debt | None:
    """Return what undoes a step; None where nothing does, or need not any more."""
    if record.state is StepState.COMPENSATED:
        return None
    if record.state is StepState.COMPENSATION_FAILED and not execution.is_asked_for:
        return None
    try:
        called = execution.step_at(record.position)
        step = called or step_of(record.target, record.name, workflow_id=execution.id)
    except Exception as exc:
        execution.leave(exc)
        raise Halt() from exc
    return Debt(record, step, step.compensation) if step.compensation else None


def _compensate(execution: Execution, debt: Debt) -> Rules[None]:
    record = debt.record
    if record.state is not StepState.COMPENSATING:
        record = record._replace(state=StepState.COMPENSATING, attempt=1)
    execution.write(record)
    while True:
        outcome = yield from _attempt(execution, debt, record)
        if isinstance(outcome, Returned):
            execution.write(record._replace(state=StepState.COMPENSATED))
            return
        if not is_tried_again(execution, debt.step, record, outcome):
            break
        record = next_attempt(execution, debt.step, record, outcome.error)
        execution.write(record)
        yield Pause(debt.step.pause_seconds(record.attempt - 1))
    failure = described(outcome.error)
    execution.warn("step %s at %s could not be undone: %s", record.name, record.position, in_words(failure))
    execution.write(record._replace(state=StepState.COMPENSATION_FAILED, error=failure))


def _attempt(execution: Execution, debt: Debt, record: StepRecord) -> Rules[Outcome]:
    what = f"compensation of `{debt.step.name}`"
    function, parameters = debt.compensation.function, debt.compensation.parameters
    injectable = execution.injectable(("context",))
    own = input_name("compensation_input", parameters, injectable)
    try:
        names = wanted(what, parameters, (), {}, {*injectable, own})
    except TypeError as exc:
        return Broken(exc)
    call = execution.call(
        what, debt.step, record, function, parameters, names, suffix="/compensation",
        **{own: through_json(record.compensation_input)},
    )  # fmt: skip
    outcome = yield from performed(call)
    if execution.is_left:
        raise Halt()
    return outcome
