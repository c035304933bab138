"""A run that somebody asks for by hand: claimed, run and recorded like any other, and counted if asked to."""

from signal import SIGINT, SIGKILL, SIGTERM, SIGUSR1

import pytest
from factories import HOUR, NOON, a_claim, a_job
from fakes import Plan

from cronjobs.core.errors import RefusedError
from cronjobs.core.job import Concurrency
from cronjobs.core.ports import Definition
from cronjobs.core.run import Reason, State, Trigger
from cronjobs.processes import Identity

GONE = Identity("another boot", 1, 1)


@pytest.mark.parametrize(
    ("exit_code", "state", "code"), [(0, State.SUCCEEDED, 0), (1, State.FAILED, 1), (7, State.FAILED, 1)]
)
def test_the_exit_code_says_whether_the_run_succeeded(world, exit_code, state, code):
    world.executor.plans["tidy"] = Plan(exit_code=exit_code)

    assert world.by_hand(a_job()).run(counted=False) == code

    (run,) = world.rows()
    assert (run.state, run.exit_code, run.trigger) == (state, exit_code, Trigger.MANUAL)
    assert run.id == "tidy@2026-11-23T12:00:00Z~1"


@pytest.mark.parametrize(("counted", "executions"), [(False, 0), (True, 1)])
def test_a_run_by_hand_counts_only_if_asked_to(world, counted, executions):
    world.by_hand(a_job(number_of_executions=3)).run(counted=counted)

    assert world.executions() == executions


def test_a_used_up_limit_does_not_keep_an_uncounted_run_from_starting(world):
    job = a_job(number_of_executions=1)
    world.by_hand(job).run(counted=True)

    assert world.by_hand(job).run(counted=False) == 0


def test_a_counted_run_past_the_limit_is_refused_with_a_way_out(world):
    job = a_job(number_of_executions=1)
    world.by_hand(job).run(counted=True)

    with pytest.raises(RefusedError, match="has used up its number_of_executions") as refusal:
        world.by_hand(job).run(counted=True)

    assert "cronjobs reset tidy" in refusal.value.hint
    assert world.executions() == len(world.rows()) == 1


def claimed_elsewhere(world, *, dispatcher, job="tidy"):
    store = world.open_store(dispatcher)
    store.define([Definition(job, a_job(job).form)], NOON - HOUR)
    (run,), _ = store.claim([a_claim(job, NOON - 60)], [], ticked_until=NOON, now=NOON - 60)
    return run


def test_a_run_beside_an_unfinished_one_is_refused(world):
    unfinished = claimed_elsewhere(world, dispatcher=None)

    with pytest.raises(RefusedError, match="is not finished") as refusal:
        world.by_hand(a_job()).run(counted=False)

    assert refusal.value.exit_code == 6
    assert refusal.value.hint
    assert world.rows() == [unfinished]


def test_a_run_beside_an_unfinished_one_is_possible_where_overlaps_are_allowed(world):
    claimed_elsewhere(world, dispatcher=None)

    assert world.by_hand(a_job(concurrency=Concurrency.ALLOW)).run(counted=False) == 0


def test_an_unfinished_run_of_a_dispatcher_that_is_gone_is_not_in_the_way(world):
    claimed_elsewhere(world, dispatcher=GONE)

    assert world.by_hand(a_job()).run(counted=False) == 0


def test_other_jobs_claims_are_left_to_the_scheduler(world):
    claimed_elsewhere(world, dispatcher=GONE)
    other = claimed_elsewhere(world, dispatcher=GONE, job="other")

    world.by_hand(a_job()).run(counted=False)

    assert world.rows("other") == [other]


@pytest.mark.parametrize("signum", [SIGINT, SIGTERM])
def test_a_signal_ends_the_run(world, signum):
    world.executor.plans["tidy"] = Plan(seconds=None)
    world.executor.signal_at(5, signum)

    assert world.by_hand(a_job()).run(counted=False) == 128 + signum

    (run,) = world.rows()
    assert (run.state, run.reason, run.signal) == (State.CANCELLED, Reason.USER, "SIGTERM")


def test_a_run_that_does_not_heed_the_signal_is_killed_after_its_respite(world):
    world.executor.plans["tidy"] = Plan(seconds=None, heeds_sigterm=False)
    world.executor.signal_at(5, SIGINT)

    world.by_hand(a_job(kill_after_seconds=3.0)).run(counted=False)

    assert world.executor.signals == [(5, "tidy", SIGTERM), (pytest.approx(8), "tidy", SIGKILL)]


def test_a_second_signal_kills_at_once(world):
    world.executor.plans["tidy"] = Plan(seconds=None, heeds_sigterm=False)
    world.executor.signal_at(5, SIGINT)
    world.executor.signal_at(6, SIGINT)

    assert world.by_hand(a_job()).run(counted=False) == 130

    assert world.executor.signals == [(5, "tidy", SIGTERM), (6, "tidy", SIGKILL)]


def test_a_signal_before_the_start_gives_the_count_back(world):
    world.executor.is_slow = True
    world.executor.signal_at(5, SIGTERM)

    assert world.by_hand(a_job(number_of_executions=1)).run(counted=True) == 143

    assert [run.state for run in world.rows()] == [State.CANCELLED]
    assert world.executions() == 0


def test_a_wake_up_for_schedulers_ends_nothing(world):
    world.executor.plans["tidy"] = Plan(seconds=10)
    world.executor.signal_at(5, SIGUSR1)

    assert world.by_hand(a_job()).run(counted=False) == 0
