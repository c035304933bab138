"""Records with everything filled in, so that a test names only what it is about."""

import os
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime

from cronjobs.core.job import Job
from cronjobs.core.ports import Claim, Passed
from cronjobs.core.run import Reason, Run, State, Trigger

NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp())
MINUTE = 60
HOUR = 3600
DAY = 86400

# Where a property test keeps its files: hundreds of them, and none that is to survive a power cut.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def a_job(name="tidy", schedule="* * * * *", *more, timezone="UTC", **rest):
    """more: further texts that it is due by."""
    return Job(name, "shop.jobs:tidy", (schedule, *more), timezone, **rest)


def a_run(job="tidy", scheduled_for=NOON, **rest):
    return Run(
        **{
            "row": 1,
            "job": job,
            "scheduled_for": scheduled_for,
            "manual_number": 0,
            "attempt": 1,
            "trigger": Trigger.SCHEDULE,
            "state": State.CLAIMED,
            **rest,
        }
    )


def a_claim(job="tidy", scheduled_for=NOON, *, trigger=Trigger.SCHEDULE, limit=None, is_exclusive=False):
    return Claim(job, scheduled_for, trigger, limit, is_exclusive)


def a_skip(job="tidy", scheduled_for=NOON, *, reason=Reason.OVERLAP):
    return Passed(job, scheduled_for, scheduled_for, 1, "skipped", reason, Trigger.SCHEDULE)


def a_miss(first, last, count, *, job="tidy"):
    return Passed(job, first, last, count, "missed", Reason.TOO_LATE, Trigger.CATCH_UP)


class Instants:
    """A schedule that fires at the listed instants, and counts how often it was asked for the next one."""

    text = "listed"
    zone = "UTC"
    kind = "fixed"

    def __init__(self, *instants):
        self.instants = sorted(instants)
        self.asked = 0

    def next_after(self, instant):
        self.asked += 1
        place = bisect_right(self.instants, instant)
        return self.instants[place] if place < len(self.instants) else None

    def previous_before(self, instant):
        place = bisect_left(self.instants, instant)
        return self.instants[place - 1] if place else None

    def count_between(self, after, until):
        return max(0, bisect_right(self.instants, until) - bisect_right(self.instants, after))
