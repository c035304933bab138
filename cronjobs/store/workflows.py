"""The tables `workflow` and `step` of the state file: all SQL about them.

Every function works inside a transaction of whoever calls it.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from cronjobs.core.questions import (
    Compensate,
    End,
    Entry,
    Lost,
    Nonsense,
    Record,
    Recorded,
    Reply,
    failures_from,
    step_from,
)
from cronjobs.core.run import Run
from cronjobs.core.workflow import (
    STEP_TRANSITIONS,
    WORKFLOW_TRANSITIONS,
    Admission,
    Admitted,
    Begin,
    Concluded,
    Intent,
    Refused,
    StepLine,
    StepRecord,
    StepState,
    WorkflowRecord,
    WorkflowState,
    admission,
    cancelled,
    repetition_id,
)
from cronjobs.store.migrations import UNFINISHED

_COLUMNS = (
    "row, id, repetition, name, target, job, run, run_id, state, is_compensating, is_cancelled, input,"
    " result, errors, started_at, finished_at"
)
_LIVES = f"EXISTS (SELECT 1 FROM run WHERE row = workflow.run AND {UNFINISHED})"


class _Row(NamedTuple):
    """A workflow with what only this room needs of it: its row, its repetition, and the row of its run."""

    row: int
    repetition: int
    run: int
    record: WorkflowRecord


def write(database: sqlite3.Connection, run: Run, entry: Entry, now: float) -> Reply:
    """Write what a run says of one of its workflows; return the reply."""
    try:
        return _written(database, run, entry, now)
    except RecursionError:
        return Nonsense("a value is nested too deeply to be written down")


def _written(database: sqlite3.Connection, run: Run, entry: Entry, now: float) -> Reply:
    if isinstance(entry, Begin):
        return _begin(database, run, entry, now)
    found = _rows(database, "row = ? AND run = ? AND state = 'running'", (entry.key, run.row))
    if not found:
        return Lost(f"{run.id} does not have the workflow any more: another run has taken it over")
    if isinstance(entry, Record):
        return _record(database, found[0], entry.step, now)
    if isinstance(entry, Compensate):
        _update(database, entry.key, is_compensating=1, errors=_json(entry.errors))
        return Recorded(found[0].record.is_cancelled)
    return _end(database, found[0], entry, now)


def owner(database: sqlite3.Connection, id: str) -> int | None:
    """Return the row of the run that has the newest workflow of an id, if both are unfinished."""
    newest = _newest(database, id)
    if newest is None or newest.record.state is not WorkflowState.RUNNING:
        return None
    return newest.run


def records(
    database: sqlite3.Connection, *, state: str | None, job: str | None, limit: int
) -> list[WorkflowRecord]:
    """Return workflows, newest first, without their steps."""
    conditions = [("state = ?", state), ("job = ?", job)]
    asked = [(text, value) for text, value in conditions if value is not None]
    where = " AND ".join(text for text, _ in asked) or "1"
    values = [value for _, value in asked]
    return [row.record for row in _rows(database, f"{where} ORDER BY row DESC LIMIT ?", (*values, limit))]


def record(database: sqlite3.Connection, id: str) -> WorkflowRecord | None:
    """Return a workflow with its steps, by its id with `~n` or the newest of an id without."""
    row = _find(database, id)
    return row and row.record._replace(steps=_lines(database, row.row))


def request_cancel(database: sqlite3.Connection, id: str) -> bool:
    """Ask the run that has a workflow to undo it; False where no unfinished run has it."""
    row = _find(database, id)
    if row is None or row.record.state is not WorkflowState.RUNNING:
        return False
    lives = database.execute(f"SELECT {_LIVES} FROM workflow WHERE row = ?", (row.row,)).fetchone()[0]
    if lives:
        _update(database, row.row, is_cancelled=1)
    return bool(lives)


def prune(database: sqlite3.Connection, *, now: float, keep_seconds: float) -> int:
    """Forget what ended well, or was undone, longer ago than it is to be kept; return how many."""
    old = (
        "SELECT row FROM workflow WHERE state IN ('succeeded', 'reverted')"
        " AND finished_at < ? - coalesce(retention_seconds, ?)"
    )
    database.execute(f"DELETE FROM step WHERE workflow IN ({old})", (now, keep_seconds))
    return database.execute(f"DELETE FROM workflow WHERE row IN ({old})", (now, keep_seconds)).rowcount


# Beginning


def _begin(database: sqlite3.Connection, run: Run, begin: Begin, now: float) -> Admission:
    newest = _newest(database, begin.id)
    state = None if newest is None else newest.record.state
    is_owned = newest is not None and _belongs_to_another(database, newest, run)
    what = admission(state, is_owned=is_owned, intent=begin.intent)
    if newest is None:
        if what == "refused":
            return Refused(begin.id, WorkflowState.RUNNING, is_known=False)
        return _insert(database, run, begin, 1, now)
    if what == "again":
        # By hand, it is begun with what it was begun with before.
        again = begin if begin.intent is Intent.RUN else begin._replace(input=newest.record.input)
        return _insert(database, run, again, newest.repetition + 1, now)
    if what == "concluded":
        return Concluded(
            newest.record.id, newest.record.result, _steps(database, newest.row), newest.record.errors
        )
    if what == "refused":
        return Refused(newest.record.id, newest.record.state, newest.record.run_id if is_owned else "")
    return _take_over(database, run, newest, is_undone=what == "undo" or newest.record.is_cancelled)


def _insert(database: sqlite3.Connection, run: Run, begin: Begin, repetition: int, now: float) -> Admitted:
    row = database.execute(
        "INSERT INTO workflow (id, repetition, name, target, job, run, run_id, state, input, started_at,"
        " retention_seconds) VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?)",
        (
            *(begin.id, repetition, begin.name, begin.target, run.job, run.row, run.id),
            *(_json(begin.input), now, begin.retention_seconds),
        ),
    ).lastrowid
    assert row is not None
    return Admitted(row, repetition_id(begin.id, repetition), begin.input, now)


def _take_over(database: sqlite3.Connection, run: Run, row: _Row, *, is_undone: bool) -> Admitted:
    errors = row.record.errors
    if is_undone and not row.record.is_compensating:
        errors = (*errors, cancelled())
    is_compensating = is_undone or row.record.is_compensating
    _update(
        database,
        row.row,
        state="running",
        run=run.row,
        run_id=run.id,
        is_compensating=is_compensating,
        errors=_json(errors),
        finished_at=None,
    )
    steps = _steps(database, row.row)
    return Admitted(
        row.row, row.record.id, row.record.input, row.record.started_at, is_compensating, steps, errors
    )


# Going on


def _record(database: sqlite3.Connection, row: _Row, step: StepRecord, now: float) -> Recorded | Nonsense:
    before = database.execute(
        "SELECT state FROM step WHERE workflow = ? AND position = ?", (row.row, step.position)
    ).fetchone()
    allowed = STEP_TRANSITIONS.get(StepState(before[0]), ()) if before else (StepState.RUNNING,)
    if step.state not in allowed:
        was = before[0] if before else "unknown"
        return Nonsense(
            f"{row.record.id}: the step {step.name} at {step.position} is {was}, not yet {step.state}"
        )
    values = (step.state.value, step.attempt, *map(_json, step[6:]), now)
    if before:
        database.execute(
            "UPDATE step SET state = ?, attempt = ?, output = ?, compensation_input = ?, error = ?,"
            " changed_at = ? WHERE workflow = ? AND position = ?",
            (*values, row.row, step.position),
        )
    else:
        database.execute(
            "INSERT INTO step (state, attempt, output, compensation_input, error, changed_at, started_at,"
            " workflow, position, number, name, target) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, now, row.row, *step[:4]),
        )
    return Recorded(row.record.is_cancelled)


def _end(database: sqlite3.Connection, row: _Row, end: End, now: float) -> Recorded | Nonsense:
    if end.state not in WORKFLOW_TRANSITIONS[row.record.state]:
        return Nonsense(f"{row.record.id}: a workflow that is {row.record.state} cannot become {end.state}")
    _update(
        database,
        row.row,
        state=end.state.value,
        result=_json(end.result),
        errors=_json(end.errors),
        finished_at=now,
    )
    return Recorded()


def _update(database: sqlite3.Connection, key: int, **values: Any) -> None:
    columns = ", ".join(f"{column} = ?" for column in values)
    database.execute(f"UPDATE workflow SET {columns} WHERE row = ?", (*values.values(), key))


# Reading


def _find(database: sqlite3.Connection, id: str) -> _Row | None:
    base, tilde, number = id.rpartition("~")
    if tilde and number.isdecimal():
        exact = _rows(database, "id = ? AND repetition = ?", (base, int(number)))
        if exact:
            return exact[0]
    return _newest(database, id)


def _newest(database: sqlite3.Connection, id: str) -> _Row | None:
    found = _rows(database, "id = ? ORDER BY repetition DESC LIMIT 1", (id,))
    return found[0] if found else None


def _rows(database: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> list[_Row]:
    cursor = database.execute(f"SELECT {_COLUMNS} FROM workflow WHERE {where}", parameters)
    return [_row(values) for values in cursor.fetchall()]


def _row(values: Sequence[Any]) -> _Row:
    found = dict(zip(_COLUMNS.split(", "), values, strict=True))
    row, repetition, run, base_id = (found.pop(name) for name in ("row", "repetition", "run", "id"))
    found["state"] = WorkflowState(found["state"])
    found["is_compensating"] = bool(found["is_compensating"])
    found["is_cancelled"] = bool(found["is_cancelled"])
    found["input"] = _value(found["input"])
    found["result"] = _value(found["result"])
    found["errors"] = failures_from(_value(found["errors"]) or ())
    id = repetition_id(base_id, repetition)
    return _Row(row, repetition, run, WorkflowRecord(id=id, base_id=base_id, **found))


def _steps(database: sqlite3.Connection, key: int) -> tuple[StepRecord, ...]:
    return tuple(line.step for line in _lines(database, key))


def _lines(database: sqlite3.Connection, key: int) -> tuple[StepLine, ...]:
    cursor = database.execute(
        "SELECT position, number, name, target, state, attempt, output, compensation_input, error,"
        " started_at, changed_at FROM step WHERE workflow = ? ORDER BY number",
        (key,),
    )
    return tuple(_line(values) for values in cursor.fetchall())


def _line(values: Sequence[Any]) -> StepLine:
    *plain, output, compensation_input, error, started_at, changed_at = values
    step = step_from((*plain, _value(output), _value(compensation_input), _value(error)))
    return StepLine(step, started_at, changed_at)


def _belongs_to_another(database: sqlite3.Connection, row: _Row, run: Run) -> bool:
    return (
        row.record.state is WorkflowState.RUNNING and row.run != run.row and _is_unfinished(database, row.run)
    )


def _is_unfinished(database: sqlite3.Connection, run: int) -> bool:
    sql = f"SELECT {UNFINISHED} FROM run WHERE row = ?"
    found = database.execute(sql, (run,)).fetchone()
    return bool(found and found[0])


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
