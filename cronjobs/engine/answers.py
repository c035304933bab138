"""What runs ask while they run: of the last success, and to have their workflows' progress written down.

All that is asked in one turn is written in one transaction, and answered once that is durable.
"""

import json
from collections.abc import Callable, Collection
from typing import NamedTuple

from cronjobs.core.events import Event, RunFinished
from cronjobs.core.ports import Asked, Clock, Executor
from cronjobs.core.questions import (
    Answer,
    AskLastSuccess,
    End,
    LastSucceeded,
    Nonsense,
    Question,
    Recorded,
    question_from,
    said,
)
from cronjobs.core.run import Run
from cronjobs.core.workflow import Admitted, Begin
from cronjobs.engine.recovery import DispatcherStore, close_if_orphaned
from cronjobs.processes import Identity


class _Pending(NamedTuple):
    run: Run
    asked: Asked
    question: Question


class Answers:
    """Keeps what was asked until it can be answered."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: DispatcherStore,
        executor: Executor,
        tell: Callable[[Event], None],
        living: Collection[Identity] = (),
    ) -> None:
        """living: dispatchers known to live though this process may not see them."""
        self._clock = clock
        self._store = store
        self._executor = executor
        self._tell = tell
        self._living = living
        self._pending: list[_Pending] = []
        self._under_way: dict[int, dict[int, str]] = {}  # {row of a run: {key of its workflow: its id}}

    @property
    def is_owing(self) -> bool:
        """Whether something was asked that is not answered yet."""
        return bool(self._pending)

    def take(self, run: Run, asked: Asked) -> None:
        """Take a question. What makes no sense is told so at once."""
        try:
            question = question_from(asked.question)
        except ValueError as exc:
            self._executor.answer(asked.number, asked.ticket, said(Nonsense(str(exc))))
            return
        self._pending.append(_Pending(run, asked, question))

    def settle(self) -> None:
        """Write down what is to be written, then answer everything. StateError where that is not possible."""
        for each in self._pending:
            if isinstance(each.question, Begin):
                self._free(each.question)
        entries = [
            (each.run, each.question)
            for each in self._pending
            if not isinstance(each.question, AskLastSuccess)
        ]
        replies = iter(self._store.journal(entries, now=self._clock.now()) if entries else ())
        for run, asked, question in self._pending:
            answer: Answer = (
                self._last_success(run.job) if isinstance(question, AskLastSuccess) else next(replies)
            )
            self._follow(run, question, answer)
            self._executor.answer(asked.number, asked.ticket, said(answer))
        self._pending.clear()

    def left_behind(self, run: Run) -> list[str]:
        """Return the ids of the workflows that a run which is over had, and did not bring to an end."""
        return list(self._under_way.pop(run.row, {}).values())

    def _follow(self, run: Run, question: Question, answer: Answer) -> None:
        if isinstance(answer, Admitted):
            self._under_way.setdefault(run.row, {})[answer.key] = answer.id
        elif isinstance(question, End) and isinstance(answer, Recorded):
            self._under_way.get(run.row, {}).pop(question.key, None)

    def _free(self, begin: Begin) -> None:
        """Where a dispatcher that is gone left the workflow's run behind, close that run first."""
        owner = self._store.workflow_owner(begin.id)
        closed = owner and close_if_orphaned(self._store, owner, self._clock, living=self._living)
        if closed:
            self._tell(RunFinished(closed))

    def _last_success(self, job: str) -> LastSucceeded:
        run = self._store.last_success(job)
        if run is None:
            return LastSucceeded(None)
        return LastSucceeded(run.started_at, None if run.result is None else json.loads(run.result))
