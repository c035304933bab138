"""A process that claims occurrences, for tests that need several, or one that can be killed.

claimer.py STATE JOB LIMIT FIRST COUNT: waits for a line on standard input, then claims COUNT occurrences,
a second apart, one by one, and prints the instant of each that it got once that is committed.
claimer.py STATE JOB LIMIT FIRST endless: the same without an end, and takes each run to a final state.
"""

import sys
from itertools import count, islice

from cronjobs.core.ports import Claim
from cronjobs.core.run import Outcome, Reason, Run, State, Trigger, advance, finish
from cronjobs.processes import own_identity
from cronjobs.store.sqlite import SqliteStore


def main(path: str, job: str, limit: str, first: str, how_many: str) -> None:
    store = SqliteStore.open(path)
    store.attach(own_identity(), now=int(first))
    print("ready", flush=True)
    sys.stdin.readline()
    instants = count(int(first))
    for instant in instants if how_many == "endless" else islice(instants, int(how_many)):
        claim = Claim(job, instant, Trigger.SCHEDULE, int(limit))
        runs, _ = store.claim([claim], [], ticked_until=instant, now=instant)
        if runs:
            print(instant, flush=True)
        if how_many == "endless":
            bring_to_an_end(store, runs)


def bring_to_an_end(store: SqliteStore, runs: list[Run]) -> None:
    for run in runs:
        if run.scheduled_for % 3 == 0:
            store.finish([finish(run, Outcome(State.CANCELLED, 0, Reason.SHUTDOWN))])
            continue
        started = advance(run, State.RUNNING, started_at=float(run.scheduled_for), pid=1, start_ticks=1)
        store.start([started])
        store.finish([finish(started, Outcome(State.SUCCEEDED, run.scheduled_for + 1, exit_code=0))])


if __name__ == "__main__":
    main(*sys.argv[1:])
