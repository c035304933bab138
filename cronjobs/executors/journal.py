"""A workflow's journal as a run's process sees it: everything goes to the dispatcher and waits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cronjobs.context import LastSuccess
from cronjobs.core.errors import WorkflowError, WorkflowLostError
from cronjobs.core.questions import (
    Answer,
    AskLastSuccess,
    Compensate,
    End,
    LastSucceeded,
    Lost,
    Nonsense,
    Question,
    Record,
    Recorded,
    answer_from,
    said,
)
from cronjobs.core.workflow import (
    Admission,
    Admitted,
    Begin,
    Concluded,
    Refused,
    StepRecord,
    WorkflowFailure,
    WorkflowState,
)
from cronjobs.executors.channel import Channel


class ChannelJournal:
    """A `Journal` at the other end of the run's channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def begin(self, begin: Begin) -> Admission:
        """Own a workflow, by the rules of `admission`."""
        answer = _asked(self._channel, begin)
        assert isinstance(answer, Admitted | Concluded | Refused)
        return answer

    def record(self, key: int, step: StepRecord) -> bool:
        """Write down where a step stands; return whether the workflow is to be cancelled."""
        return self._write(Record(key, step))

    def compensate(self, key: int, errors: Sequence[WorkflowFailure]) -> None:
        """Write down that the workflow is being undone from here on, and why."""
        self._write(Compensate(key, errors))

    def end(
        self, key: int, state: WorkflowState, *, result: Any = None, errors: Sequence[WorkflowFailure] = ()
    ) -> None:
        """Write down how the workflow ended."""
        self._write(End(key, state, result, errors))

    def _write(self, question: Question) -> bool:
        answer = _asked(self._channel, question)
        assert isinstance(answer, Recorded)
        return answer.is_cancelled


def last_success(channel: Channel) -> LastSuccess | None:
    """Return the job's newest run that succeeded, None if there was none."""
    answer = _asked(channel, AskLastSuccess())
    assert isinstance(answer, LastSucceeded)
    if answer.started_at is None:
        return None
    return LastSuccess(datetime.fromtimestamp(answer.started_at, UTC), answer.result)


def _asked(channel: Channel, question: Question) -> Answer:
    answer = answer_from(channel.ask(said(question)))
    if isinstance(answer, Lost):
        raise WorkflowLostError(answer.message)
    if isinstance(answer, Nonsense):
        raise WorkflowError(answer.message)
    return answer
