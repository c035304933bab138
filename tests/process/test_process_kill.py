"""KILL of the scheduler at any moment: counts stay exact, nothing runs twice, nothing survives it."""

import os
import random
import time
from collections import Counter

from harness import wait_until

ROUNDS = int(os.environ.get("CRONJOBS_KILL_ROUNDS", "15"))
SEED = 20261124
SHORTEST_SECONDS, LONGEST_SECONDS = 0.2, 1.5

WORK = """
import time
from notebook import note

def work(context):
    note(context.job_name, context.run_id)
    time.sleep(0.2)
"""

JOBS = {
    "often": {"number_of_executions": 200},
    "rarely": {"number_of_executions": 5},
    "spawned": {"number_of_executions": 200, "isolation": "spawn"},
    "overlapping": {"number_of_executions": 200, "concurrency": "allow"},
}


def test_no_kill_makes_a_job_run_twice_or_past_its_limit_and_nothing_survives_one(site):
    site.define({name: {"callable": "work:work", **job} for name, job in JOBS.items()}, work=WORK)
    moments = random.Random(SEED)

    for _ in range(ROUNDS):
        scheduler = site.start()
        # Not for luck: a random moment is what the test is about.
        time.sleep(moments.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
        assert scheduler.process.poll() is None, scheduler.errors
        scheduler.kill()
        wait_until(lambda: not site.processes(), f"nothing survives: {site.processes()}")
    scheduler = site.start()
    scheduler.wait_for("run_finished", job="often", state="succeeded")
    code = scheduler.stop()

    assert code == 0
    assert site.integrity() == "ok"
    rows = site.history()
    executions = site.executions()
    entries = Counter(line.split()[0] for line in site.notes())
    assert max(Counter(line.split()[1] for line in site.notes()).values()) == 1
    assert max(Counter((row["job"], row["scheduled_for"]) for row in rows).values()) == 1
    for name, job in JOBS.items():
        counted = [row for row in rows if row["job"] == name and row["execution_number"] is not None]
        assert executions[name] == len(counted) <= job["number_of_executions"]
        assert entries[name] <= executions[name]
        assert {row["state"] for row in counted} <= {"succeeded", "lost"}
