"""What the processes that run jobs are told: of the jobs once, of each run when it is to start."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cronjobs.signatures import Plan

if TYPE_CHECKING:
    from cronjobs.core.ports import Launch


class JobSetup(NamedTuple):
    """What a process needs to know of a job before it can run it.

    plan: how to call it, where that has been found out already; to find out takes `inspect`, which makes
    every fork of a process that has loaded it slower. needs: the keys of the services that it names, and of
    those that these need, `query` among them: what a process that serves it imports ahead.
    command: a program and its arguments, where there is no `callable`. cwd: None is the configuration's.
    """

    name: str
    callable: str
    args: Mapping[str, Any]
    env: Mapping[str, str]
    plan: Plan | None = None
    needs: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    cwd: str | None = None
    user: str | None = None

    @classmethod
    def read(cls, values: Sequence[Any]) -> "JobSetup":
        """Return the set-up from what came as JSON."""
        name, target, args, env, plan, needs, command, cwd, user = values
        read = None if plan is None else Plan.read(plan)
        return cls(name, target, args, env, read, tuple(needs), tuple(command), cwd, user)


class GoingOn(NamedTuple):
    """A workflow to be gone on with, or undone, instead of calling the job's function.

    target: `pkg.mod:name` of the workflow. id: without its `~n`. intent: `retry` or `cancel`.
    goal: the state in which it is to end; in another one, the run has failed.
    """

    target: str
    id: str
    intent: str
    goal: str


class Order(NamedTuple):
    """A run, as its process is told of it: a `Launch` whose job is a place among the set-up's jobs."""

    number: int
    job: int
    run_id: str
    scheduled_for: int
    attempt: int
    execution_number: int
    remaining_executions: int | None

    @classmethod
    def of(cls, launch: "Launch", place: int) -> "Order":
        """Return the order for a launch."""
        number, _, run_id, scheduled_for, attempt, execution_number, remaining_executions = launch
        return cls(number, place, run_id, scheduled_for, attempt, execution_number, remaining_executions)
