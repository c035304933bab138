"""What a process remembers of its workflows beside their journal."""

from _thread import LockType, allocate_lock
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from cronjobs.core.workflow import Journal
from cronjobs.workflows.ports import Clock, Container


class Ledger:
    """The workflows that this process has begun in one journal."""

    def __init__(self) -> None:
        self.door: LockType = allocate_lock()  # a journal is not written to by two threads at once
        self._calls: dict[tuple[str, str], Iterator[int]] = {}
        self._active: set[str] = set()

    def next_call(self, run: str, workflow: str) -> int:
        """Return how many-th call of the workflow in the run this is, from 1."""
        return next(self._calls.setdefault((run, workflow), count(1)))

    @contextmanager
    def active(self, id: str) -> Iterator[bool]:
        """Note a workflow as being run for a while; False where it is already."""
        with self.door:
            is_free = id not in self._active
            self._active.add(id)
        try:
            yield is_free
        finally:
            if is_free:
                self._active.discard(id)


_LEDGERS: "WeakKeyDictionary[Journal, Ledger]" = WeakKeyDictionary()
_JOURNALS: "WeakKeyDictionary[Container, Any]" = WeakKeyDictionary()


def journal_of(container: Container, clock: Clock) -> Journal:
    """Return the container's journal; one in memory where it has none, the same each time."""
    journal = container.journal
    if journal is not None:
        return journal
    from cronjobs.workflows.memory import MemoryJournal  # late: a run has a journal of its own

    return _JOURNALS.setdefault(container, MemoryJournal(clock=clock))  # type: ignore[no-any-return]  # as put in


def ledger_of(journal: Journal) -> Ledger:
    """Return what is remembered beside the journal."""
    return _LEDGERS.setdefault(journal, Ledger())
