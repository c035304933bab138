"""Workflows whose process dies at a chosen moment, and is followed by others until they have ended."""

import asyncio
import inspect
import threading

from workflow_parts import Container, Died, DyingJournal, JumpingClock, RunContext

from cronjobs import WorkflowFailedError, step
from cronjobs.workflows.memory import MemoryJournal


class World:
    """What steps do in it. It asserts that nothing is done that the journal has as done.

    failing: {what: how many of its first attempts fail}, for "do a" and "undo a".
    """

    def __init__(self, failing=None):
        self.failing = failing or {}
        self.journal = MemoryJournal("process 1", clock=JumpingClock())
        self.done = []
        self._lock = threading.Lock()
        self.act = self.make_step(max_retries=1)
        self.try_to_act = self.make_step(name="try", continue_on_failure=True)
        self.act_async = self.make_step(is_async=True, max_retries=1)
        self.try_to_act_async = self.make_step(is_async=True, name="try", continue_on_failure=True)

    def make_step(self, *, is_async=False, name="act", **options):
        def act(name, context):
            return self.do(f"do {name}", context)

        async def act_async(name, context):
            await asyncio.sleep(0)
            return self.do(f"do {name}", context)

        def undo(compensation_input, context):
            return self.do(f"undo {compensation_input or 'what failed at ' + context.position}", context)

        made = step(name=name, **options)(act_async if is_async else act)
        made.target += f" {name} {is_async} {id(self)}"
        from cronjobs.workflows.step import _STEPS

        _STEPS[made.target] = made
        made.compensate(undo)
        return made

    def do(self, what, context):
        record = self.recorded(context)
        state = "running" if what.startswith("do") else "compensating"
        assert (str(record.state), record.attempt) == (state, context.attempt), f"{what}: {record}"
        with self._lock:
            self.done.append((what, context.idempotency_key, context.attempt))
        if context.attempt <= self.failing.get(what, 0):
            raise ValueError(f"cannot {what}")
        return what.removeprefix("do ")

    def recorded(self, context):
        for workflow in self.journal.workflows():
            if workflow.id == context.workflow_id:
                return workflow.steps[context.position]
        raise AssertionError(f"there is no workflow {context.workflow_id}")

    def run(self, workflow, *deaths):
        """Run a workflow in one process after the other; return how it ended, and the calls of the last.

        deaths: (the call to the journal, whether it is written) at which each process dies.
        """
        journal = self.journal
        for number, (dies_at, is_written) in enumerate((*deaths, (10_000, False)), start=2):
            dying = DyingJournal(journal, dies_at, is_written=is_written)
            container = Container(dying, RunContext())
            try:
                return self._ended(workflow, container), dying.calls
            except Died:
                journal.die()
                journal = journal.as_owner(f"process {number}")
                if ended := self._written_end():
                    return ended, dying.calls
        raise AssertionError("the last process has died")

    def _written_end(self):
        """Return how the outermost workflow failed, where that was written before its process died.

        To call it again would be another beginning, by the four rules.
        """
        for record in self.journal.workflows()[:1]:
            if str(record.state) in ("reverted", "failed"):
                steps = {step.position: str(step.state) for step in record.steps.values()}
                return None, told(record.errors), (str(record.state), steps)
        return None

    def _ended(self, workflow, container):
        try:
            begun = workflow(container, _clock=JumpingClock()).run()
            result = asyncio.run(begun) if inspect.isawaitable(begun) else begun
        except WorkflowFailedError as error:
            return None, told(error.errors), states(error.transaction)
        return result.result, told(result.errors), states(result.transaction)


def told(errors):
    """Return errors without an order: what runs at the same time fails in any."""
    return sorted((each.position, each.action, each.error.type, each.error.message) for each in errors)


def states(transaction):
    """Return how a workflow ended, and where its steps stand."""
    return str(transaction.state), {each.position: str(each.state) for each in transaction.steps}
