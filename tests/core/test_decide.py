"""What happens to a due occurrence."""

import pytest
from factories import a_job

from cronjobs.core.decide import Decision, Facts, decide, remaining
from cronjobs.core.job import Concurrency
from cronjobs.core.run import Reason


@pytest.mark.parametrize(
    ("executions", "action"),
    [(0, "start"), (2, "start"), (3, "retire"), (4, "retire")],
)
def test_a_job_never_starts_past_its_limit(executions, action):
    job = a_job(number_of_executions=3)

    decision = decide(job, Facts(executions))

    assert decision.action == action


def test_a_job_without_a_limit_always_starts():
    assert decide(a_job(), Facts(executions=1_000_000)) == Decision("start")


@pytest.mark.parametrize(
    ("concurrency", "unfinished", "decision"),
    [
        (Concurrency.FORBID, 0, Decision("start")),
        (Concurrency.FORBID, 1, Decision("skip", Reason.OVERLAP)),
        (Concurrency.FORBID, 7, Decision("skip", Reason.OVERLAP)),
        (Concurrency.ALLOW, 0, Decision("start")),
        (Concurrency.ALLOW, 7, Decision("start")),
    ],
)
def test_only_forbid_looks_at_unfinished_runs(concurrency, unfinished, decision):
    job = a_job(concurrency=concurrency)

    assert decide(job, Facts(unfinished=unfinished)) == decision


def test_a_job_forbids_overlaps_unless_it_says_otherwise():
    assert decide(a_job(), Facts(unfinished=1)) == Decision("skip", Reason.OVERLAP)


def test_a_used_up_limit_comes_before_an_overlap():
    job = a_job(number_of_executions=1)

    assert decide(job, Facts(executions=1, unfinished=1)) == Decision("retire", Reason.LIMIT)


@pytest.mark.parametrize(
    ("limit", "executions", "left"),
    [(None, 0, None), (None, 9, None), (3, 0, 3), (3, 2, 1), (3, 3, 0), (3, 5, 0), (1, 0, 1)],
)
def test_remaining_is_what_the_limit_leaves_and_never_negative(limit, executions, left):
    assert remaining(a_job(number_of_executions=limit), executions) == left
