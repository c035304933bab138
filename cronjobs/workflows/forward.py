"""What becomes of a step that is called: the rules of its attempts."""

from typing import TYPE_CHECKING, Any

from cronjobs.core.errors import StepFailedError, UnwritableError
from cronjobs.core.failure import Failure
from cronjobs.core.workflow import StepRecord, StepState
from cronjobs.workflows.effects import Broken, Halt, Outcome, Pause, Returned, Rules, performed
from cronjobs.workflows.execution import Execution, Invocation, in_words
from cronjobs.workflows.outcomes import PermanentFailure, StepResponse
from cronjobs.workflows.values import NotJsonError, through_json

if TYPE_CHECKING:
    from cronjobs.workflows.step import Step


def forward(execution: Execution, called: Invocation) -> Rules[Any]:
    """Return the step's result: what is written down, else what its function returns.

    StepFailedError where it failed for good.
    """
    execution.check()
    record = execution.record_at(called.position)
    if record is not None and record.state is not StepState.RUNNING:
        return _known(execution, called, record)
    # One that was in flight when its process died is done once more, as the same attempt.
    record = record or execution.begun(called)
    execution.write(record)
    while True:
        outcome = yield from _attempt(execution, called, record)
        if isinstance(outcome, Returned):
            outcome = _written(execution, record, outcome)
        if isinstance(outcome, Returned):
            execution.check()
            return through_json(_result(outcome.value))
        if not is_tried_again(execution, called.step, record, outcome):
            return _failed(execution, called, record, outcome)
        record = next_attempt(execution, called.step, record, outcome.error)
        # Before the wait, so that a crash in it does not repeat the attempt that has failed.
        execution.write(record)
        if execution.stopped is None:
            interruption = yield Pause(called.step.pause_seconds(record.attempt - 1))
            if isinstance(interruption, Broken):
                return _failed(execution, called, record, interruption)


def _attempt(execution: Execution, called: Invocation, record: StepRecord) -> Rules[Outcome]:
    """Return how one attempt went; what it returned can be written down."""
    if execution.is_stopped():
        assert execution.stopped is not None
        return Broken(execution.stopped.error, "cut")
    step = called.step
    what = f"step `{step.name}`"
    call = execution.call(what, step, record, step.function, step.parameters, called.names)
    call = call._replace(arguments=called.arguments, known={**called.keywords, **call.known})
    outcome = yield from performed(call)
    if execution.is_left:
        raise Halt()
    if isinstance(outcome, Returned):
        try:
            _succeeded(record, outcome.value)
        except NotJsonError as exc:
            return Broken(NotJsonError(f"{what} returned what is not JSON: {exc}"))
    return outcome


def _written(execution: Execution, record: StepRecord, returned: Returned) -> Outcome:
    """Write down what a step returned; Broken where there is too much of it."""
    try:
        execution.write(_succeeded(record, returned.value))
    except UnwritableError as exc:
        message = f"what the step `{record.name}` returned cannot be written down: {exc}"
        return Broken(UnwritableError(message, hint=exc.hint))
    return returned


def _succeeded(record: StepRecord, returned: Any) -> StepRecord:
    output = through_json(_result(returned))
    compensation_input = output
    if isinstance(returned, StepResponse):
        compensation_input = through_json(returned.compensation_input)
    return record._replace(state=StepState.SUCCEEDED, output=output, compensation_input=compensation_input)


def _result(returned: Any) -> Any:
    return returned.result if isinstance(returned, StepResponse) else returned


def is_tried_again(execution: Execution, step: "Step[..., Any]", record: StepRecord, broken: Broken) -> bool:
    """Return whether a step or its compensation gets another attempt."""
    return (
        (execution.stopped is None or execution.is_over)
        and broken.how in ("failed", "timed_out")
        and not isinstance(broken.error, PermanentFailure | NotJsonError | UnwritableError)
        and record.attempt <= step.options.max_retries
    )


def next_attempt(
    execution: Execution, step: "Step[..., Any]", record: StepRecord, error: BaseException
) -> StepRecord:
    """Return the record of the attempt after one that failed."""
    failure = described(error)
    what = "step" if record.state is StepState.RUNNING else "compensation of"
    message = "%s %s at %s: attempt %d of %d failed: %s"
    execution.warn(
        message, what, step.name, record.position, record.attempt, step.options.max_retries + 1,
        in_words(failure),
    )  # fmt: skip
    return record._replace(attempt=record.attempt + 1, error=failure)


def _failed(execution: Execution, called: Invocation, record: StepRecord, broken: Broken) -> Any:
    error = broken.error
    compensation_input = None
    if isinstance(error, PermanentFailure):
        try:
            compensation_input = through_json(error.compensation_input)
        except NotJsonError as exc:
            error = NotJsonError(
                f"step `{record.name}` failed with a compensation_input that is not JSON: {exc}"
            )
    failure = described(error)
    execution.warn("step %s at %s failed: %s", record.name, record.position, in_words(failure))
    record = record._replace(state=StepState.FAILED, error=failure, compensation_input=compensation_input)
    execution.write(record)
    if broken.how == "cancelled":
        raise broken.error
    execution.check()
    return _known(execution, called, record, cause=error)


def _known(
    execution: Execution, called: Invocation, record: StepRecord, cause: BaseException | None = None
) -> Any:
    """Return, or raise, what a step ended with."""
    if record.state is StepState.SUCCEEDED:
        return through_json(record.output)
    if called.step.options.continue_on_failure:
        execution.noted.add(record.position)
        return None
    failure = record.error or Failure("Exception", "")
    message = f"step `{record.name}` at {record.position} failed: {in_words(failure)}"
    raise StepFailedError(message, step=record.name, position=record.position, failure=failure) from cause


def described(error: BaseException) -> Failure:
    """Return an exception as a record."""
    from cronjobs.failures import describe  # with `traceback`: only where something fails

    return describe(error)
