"""A scheduler that is stopped for a while and goes on."""

import signal
import time
from collections import Counter

from harness import wait_until

WORK = """
from notebook import note

def ticks(context):
    note(context.run_id)
"""


def test_a_scheduler_that_was_stopped_runs_no_occurrence_twice(site):
    site.define(
        {
            "ticks": {},
            "overlapping": {"callable": "work:ticks", "concurrency": "allow"},
            "spawned": {"callable": "work:ticks", "isolation": "spawn"},
        },
        work=WORK,
    )
    scheduler = site.start()
    for name in ("ticks", "overlapping", "spawned"):
        scheduler.wait_for("run_finished", job=name)

    scheduler.signal(signal.SIGSTOP)
    resume_at = time.monotonic() + 3.0
    wait_until(lambda: time.monotonic() > resume_at, "three occurrences have passed")
    scheduler.signal(signal.SIGCONT)
    for name in ("ticks", "overlapping", "spawned"):
        already = len(scheduler.logged("run_finished", job=name))
        scheduler.wait_for_all("run_finished", already + 2, job=name)

    assert scheduler.stop() == 0
    assert max(Counter(site.notes()).values()) == 1
    rows = site.history()
    assert max(Counter(row["id"] for row in rows).values()) == 1
    assert {row["state"] for row in rows} <= {"succeeded", "skipped"}
