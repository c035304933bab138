"""What a run asks of its dispatcher, what it is answered, and how both are said in JSON.

A run never writes to the state file itself: stopped or stuck, it could hold the file's lock.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.failure import Failure
from cronjobs.core.workflow import (
    Admission,
    Admitted,
    Begin,
    Concluded,
    Intent,
    Refused,
    StepRecord,
    StepState,
    WorkflowFailure,
    WorkflowState,
)


class AskLastSuccess(NamedTuple):
    """When did the job's last successful run begin, and what did it return?"""


class Record(NamedTuple):
    """Write down where a step of a workflow stands."""

    key: int
    step: StepRecord


class Compensate(NamedTuple):
    """Write down that a workflow is being undone from here on, and why."""

    key: int
    errors: Sequence[WorkflowFailure]


class End(NamedTuple):
    """Write down how a workflow ended."""

    key: int
    state: WorkflowState
    result: Any
    errors: Sequence[WorkflowFailure]


Entry = Begin | Record | Compensate | End
Question = Entry | AskLastSuccess


class LastSucceeded(NamedTuple):
    """The answer to `AskLastSuccess`: UTC seconds and a value of JSON; both None where there was none."""

    started_at: float | None
    result: Any = None


class Recorded(NamedTuple):
    """It is written down. is_cancelled: somebody asked for the workflow to be cancelled."""

    is_cancelled: bool = False


class Lost(NamedTuple):
    """The workflow is no longer the run's to write about."""

    message: str


class Nonsense(NamedTuple):
    """The question was none."""

    message: str


Reply = Admission | Recorded | Lost | Nonsense
Answer = Reply | LastSucceeded

_QUESTIONS = {kind.__name__: kind for kind in (Begin, Record, Compensate, End, AskLastSuccess)}
_ANSWERS = {
    kind.__name__: kind for kind in (Admitted, Concluded, Refused, Recorded, Lost, LastSucceeded, Nonsense)
}


def said(message: Question | Answer) -> list[Any]:
    """Return a question or an answer as JSON has it: its name and its fields."""
    return [type(message).__name__, *message]


def question_from(value: Any) -> Question:
    """Return the question that came as JSON; ValueError where it is none."""
    try:
        question: Question = _message(_QUESTIONS, value)
        return question
    except (TypeError, LookupError, ValueError) as exc:
        raise ValueError(f"no question: {exc!r}") from exc


def answer_from(value: Any) -> Answer:
    """Return the answer that came as JSON."""
    answer: Answer = _message(_ANSWERS, value)
    return answer


def step_from(values: Sequence[Any]) -> StepRecord:
    """Return the record of a step from its fields, as JSON has them."""
    position, number, name, target, state, attempt, output, compensation_input, error = values
    return StepRecord(
        _text(position),
        _whole(number),
        _text(name),
        _text(target),
        StepState(state),
        _whole(attempt),
        output,
        compensation_input,
        error and Failure(*map(str, error)),
    )


def failures_from(values: Sequence[Any]) -> tuple[WorkflowFailure, ...]:
    """Return a workflow's errors from their fields, as JSON has them."""
    return tuple(
        WorkflowFailure(str(step), str(position), action, Failure(*map(str, error)))
        for step, position, action, error in values
    )


def _message(kinds: Mapping[str, Any], values: Any) -> Any:
    name, *rest = values
    kind = kinds[name]
    if len(rest) > len(kind._fields):
        raise ValueError(f"{name} has {len(kind._fields)} fields")
    return kind(*map(_read, kind._fields, rest))


def _read(field: str, value: Any) -> Any:
    reader = _READERS.get(field)
    return value if reader is None else reader(value)


def _text(value: Any) -> str:
    """Return a text that a database can keep: UTF-8 has no lone surrogates, as of a strange file name."""
    text = str(value)
    text.encode()
    return text


def _whole(value: Any) -> int:
    """Return a whole number that a database can keep: one of 64 bits."""
    number = int(value)
    if number.bit_length() > 63:
        raise ValueError(f"{number} is too large")
    return number


_READERS: dict[str, Any] = {
    "key": _whole,
    "id": _text,
    "name": _text,
    "target": _text,
    "state": WorkflowState,
    "intent": Intent,
    "step": step_from,
    "steps": lambda values: tuple(map(step_from, values)),
    "errors": failures_from,
    "retention_seconds": lambda value: value if value is None else float(value),
}
