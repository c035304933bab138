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
    # Whatever had not begun when the scheduler was told to stop was given up.
    rows = [row for row in rows if (row["reason"], row["started_at"]) != ("shutdown", None)]
    assert {row["state"] for row in rows} <= {"succeeded", "skipped"}


def test_a_scheduler_that_was_stopped_for_a_minute_leaves_what_was_due_to_catch_up(site):
    jobs = {"ticks": {}, "spawned": {"isolation": "spawn"}}
    for keys in jobs.values():
        # A run that is unfinished when the scheduler is stopped must not be in the way of what is caught up.
        keys |= {"callable": "work:ticks", "concurrency": "allow"}
    site.define(jobs, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("run_finished", job="ticks")

    scheduler.signal(signal.SIGSTOP)
    resume_at = time.monotonic() + 63.0
    wait_until(lambda: time.monotonic() > resume_at, "what was due is over a minute late", seconds=90)
    scheduler.signal(signal.SIGCONT)

    (stalled,) = scheduler.wait_for_all("stalled", 1)
    assert "1 min" in stalled["message"]
    for name in ("ticks", "spawned"):
        already = len(scheduler.logged("run_finished", job=name, state="succeeded"))
        scheduler.wait_for_all("run_finished", already + 2, job=name, state="succeeded")
    assert scheduler.stop() == 0
    rows = site.history()
    assert max(Counter(site.notes()).values()) == 1
    assert max(Counter(row["id"] for row in rows).values()) == 1
    for name in ("ticks", "spawned"):
        mine = [row for row in rows if row["job"] == name]
        assert [row["trigger"] for row in mine if row["state"] == "succeeded"].count("catch_up") == 1
        (missed,) = [row for row in mine if row["state"] == "missed"]
        assert missed["skipped_count"] > 50
