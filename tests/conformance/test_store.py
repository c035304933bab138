"""The exam that every `Store` must pass: counts are exact and durable, and nothing is owned twice."""

import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from factories import DAY, HOUR, MEMORY, MINUTE, NOON, a_claim, a_miss, a_skip
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cronjobs.core.decide import Facts
from cronjobs.core.ports import Definition
from cronjobs.core.run import (
    TRANSITIONS,
    Failure,
    Outcome,
    Reason,
    Run,
    State,
    Trigger,
    Usage,
    advance,
    finish,
)
from cronjobs.processes import own_identity
from cronjobs.store.sqlite import SqliteStore

CLAIMER = str(Path(__file__).with_name("claimer.py"))


def define(store, *names, form="hourly", now=NOON):
    return store.define([Definition(name, form) for name in names], now)


def claim(store, *claims, passed=(), now=NOON):
    return store.claim(claims, passed, ticked_until=int(now), now=now)


def claim_one(store, *arguments, **options):
    """Claim an occurrence; return its run, or None."""
    runs, _ = claim(store, a_claim(*arguments, **options))
    return runs[0] if runs else None


def started(run, *, now=NOON + 0.5):
    return advance(run, State.RUNNING, started_at=now, pid=4711, start_ticks=99)


def ended(run, state=State.SUCCEEDED, *, now=NOON + 2, **rest):
    return finish(run, Outcome(state, now, **rest))


def run_through(store, run):
    running = started(run)
    store.start([running])
    store.finish([ended(running, exit_code=0)])


def executions(store, job="tidy"):
    return store.facts([job])[job].executions


def counted(store, job="tidy"):
    """Return how many rows belong to the job's present counting."""
    counting = store.facts([job])[job].counting
    return sum(run.counting == counting for run in store.history(job=job, limit=100_000))


# Counting


def test_a_claim_counts_before_anything_starts(store, open_store):
    define(store, "tidy")

    run = claim_one(store, limit=3)

    assert (run.state, run.execution_number, run.started_at) == (State.CLAIMED, 1, None)
    assert executions(open_store()) == 1


def test_what_claim_returns_is_what_is_written(store, open_store):
    define(store, "tidy", "other")

    runs, _ = claim(store, a_claim("tidy", limit=3), a_claim("other", NOON + 1, trigger=Trigger.CATCH_UP))

    assert sorted(open_store().unfinished()) == sorted(runs)
    assert [run.claimed_at for run in runs] == [NOON, NOON]


def test_executions_are_numbered_from_one_on(store):
    define(store, "tidy")

    runs, _ = claim(store, *(a_claim(scheduled_for=NOON + hour * HOUR) for hour in range(3)))

    assert [run.execution_number for run in runs] == [1, 2, 3]


def test_runs_come_in_the_order_of_their_claims(store):
    define(store, "tidy", "other")
    claims = [a_claim("tidy", NOON + 5), a_claim("other", NOON), a_claim("tidy", NOON + 1)]

    runs, _ = claim(store, *claims)

    assert [run[1:3] for run in runs] == [each[:2] for each in claims]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_batch_of_claims_stops_at_the_limit(store, limit):
    define(store, "tidy")

    runs, _ = claim(store, *(a_claim(scheduled_for=NOON + n, limit=limit) for n in range(5)))

    assert [run.scheduled_for for run in runs] == [NOON + n for n in range(limit)]
    assert executions(store) == limit


def test_a_used_up_limit_leaves_no_row(store):
    define(store, "tidy")
    claim_one(store, limit=1)

    refused = claim_one(store, scheduled_for=NOON + 1, limit=1)

    assert refused is None
    assert len(store.history()) == 1


def test_a_job_without_a_limit_is_counted_and_never_refused(store):
    define(store, "tidy")

    runs, _ = claim(store, *(a_claim(scheduled_for=NOON + n) for n in range(1000)))

    assert len(runs) == executions(store) == 1000


def test_a_lower_limit_holds_at_once(store):
    define(store, "tidy")
    claim(store, *(a_claim(scheduled_for=NOON + n, limit=5) for n in range(4)))

    assert claim_one(store, scheduled_for=NOON + 10, limit=3) is None


def test_the_limits_of_two_jobs_have_nothing_to_do_with_each_other(store):
    define(store, "tidy", "other")

    claim(store, a_claim("tidy", limit=1), a_claim("other", limit=2), a_claim("other", NOON + 1, limit=2))

    assert (executions(store, "tidy"), executions(store, "other")) == (1, 2)


@pytest.mark.parametrize("state", sorted(TRANSITIONS[State.RUNNING] - {State.CLAIMED}))
def test_what_began_stays_counted_however_it_ends(store, state):
    define(store, "tidy")
    running = started(claim_one(store))
    store.start([running])

    store.finish([ended(running, state)])

    assert executions(store) == counted(store) == 1


@pytest.mark.parametrize("state", [State.CANCELLED, State.MISSED])
@pytest.mark.parametrize("is_waiting", [False, True])
def test_what_never_began_gives_its_count_back(store, open_store, state, is_waiting):
    define(store, "tidy")
    run = claim_one(store, limit=1)
    if is_waiting:
        store.wait([run])
        run = advance(run, State.WAITING)

    store.finish([ended(run, state)])

    assert executions(open_store()) == counted(store) == 0
    assert claim_one(store, scheduled_for=NOON + 1, limit=1).execution_number == 1


def test_a_lost_claim_stays_counted_because_it_may_have_begun(store):
    define(store, "tidy")

    store.finish([ended(claim_one(store), State.LOST)])

    assert executions(store) == counted(store) == 1


def test_a_run_that_went_back_to_claimed_gives_its_count_back(store):
    define(store, "tidy")
    running = started(claim_one(store))
    store.start([running])
    back = advance(running, State.CLAIMED, started_at=None, pid=None, start_ticks=None)
    store.start([back])

    store.finish([ended(back, State.CANCELLED)])

    assert executions(store) == counted(store) == 0


def test_a_count_is_given_back_once_however_often_the_end_is_written(store):
    define(store, "tidy")
    claim_one(store)
    run = claim_one(store, scheduled_for=NOON + 1)

    for _ in range(2):
        store.finish([ended(run, State.CANCELLED)])

    assert executions(store) == counted(store) == 1


def test_a_count_goes_back_to_the_counting_it_came_from(store):
    define(store, "tidy")
    old = claim_one(store)
    store.reset("tidy")
    claim_one(store, scheduled_for=NOON + 1)

    store.finish([ended(old, State.CANCELLED)])

    assert executions(store) == counted(store) == 1


# Owning an occurrence


def test_an_occurrence_is_claimed_once(store, open_store):
    define(store, "tidy")
    claim_one(store)

    assert claim_one(store) is None
    assert claim_one(open_store()) is None
    assert executions(store) == 1


def test_an_occurrence_that_is_over_is_not_claimed_again(store):
    define(store, "tidy")
    run_through(store, claim_one(store))

    assert claim_one(store) is None


def test_an_occurrence_whose_run_was_cancelled_is_not_claimed_again(store):
    define(store, "tidy")
    store.finish([ended(claim_one(store), State.CANCELLED)])

    assert claim_one(store) is None


@pytest.mark.parametrize("minute", range(4))
def test_an_occurrence_inside_a_merged_row_is_not_claimed(store, minute):
    define(store, "tidy")
    for each in range(4):
        claim(store, passed=[a_skip(scheduled_for=NOON + each * MINUTE)])

    assert claim_one(store, scheduled_for=NOON + minute * MINUTE) is None
    assert executions(store) == 0


@pytest.mark.parametrize("instant", [NOON - MINUTE, NOON + 4 * MINUTE])
def test_an_occurrence_outside_a_merged_row_is_claimed(store, instant):
    define(store, "tidy")
    for each in range(4):
        claim(store, passed=[a_skip(scheduled_for=NOON + each * MINUTE)])

    assert claim_one(store, scheduled_for=instant) is not None


def test_the_first_free_second_comes_after_all_that_rows_stand_for(store):
    define(store, "tidy", "other")
    claim(store, a_claim(scheduled_for=NOON), passed=[a_miss(NOON + 1, NOON + 3, 3)])
    claim_one(store, job="other", scheduled_for=NOON + 4)
    store.claim_manual(a_claim(scheduled_for=NOON + 4), counted=False, now=NOON + 4)

    free = [store.first_free("tidy", NOON + second) - NOON for second in (-1, 0, 2, 4)]

    assert free == [-1, 4, 4, 4]


def test_a_missed_row_covers_all_that_it_stands_for(store):
    define(store, "tidy")
    claim(store, passed=[a_miss(NOON, NOON + 9 * HOUR, 10)])

    assert claim_one(store, scheduled_for=NOON + 5 * HOUR) is None


def test_jobs_do_not_take_each_others_occurrences(store):
    define(store, "tidy", "other")

    runs, _ = claim(store, a_claim("tidy"), a_claim("other"), passed=[a_miss(0, NOON, 5, job="third")])

    assert len(runs) == 2


def test_an_exclusive_claim_gives_way_to_a_run_of_another_dispatcher(store, open_store):
    define(store, "tidy")
    manual = open_store().claim_manual(a_claim(trigger=Trigger.MANUAL), counted=False, now=NOON)

    runs, rows = claim(store, a_claim(scheduled_for=NOON + 1, is_exclusive=True))

    assert runs == []
    assert [(row.state, row.reason, row.scheduled_for, row.skipped_count) for row in rows] == [
        (State.SKIPPED, Reason.OVERLAP, NOON + 1, 1)
    ]
    assert store.unfinished() == [manual]
    assert executions(store) == 0


def test_an_exclusive_claim_waits_for_nobody_elses_job(store):
    define(store, "tidy", "other")
    claim_one(store, "other")

    assert claim_one(store, "tidy", is_exclusive=True) is not None


def test_an_exclusive_claim_is_possible_again_after_the_end(store):
    define(store, "tidy")
    run_through(store, claim_one(store))

    assert claim_one(store, scheduled_for=NOON + 1, is_exclusive=True) is not None


def test_an_exclusive_claim_of_an_occurrence_that_somebody_owns_writes_nothing(store, open_store):
    define(store, "tidy", "other")
    claim(store, a_claim("other"))
    owned = claim_one(open_store(), is_exclusive=True)
    before = store.history()

    runs, rows = claim(store, a_claim(is_exclusive=True))

    assert (runs, rows) == ([], [])
    assert store.history() == before
    assert owned in before


def test_of_two_exclusive_claims_in_one_transaction_one_gets_through(store):
    define(store, "tidy")

    runs, rows = claim(store, a_claim(is_exclusive=True), a_claim(scheduled_for=NOON + 1, is_exclusive=True))

    assert [run.scheduled_for for run in runs] == [NOON]
    assert [row.scheduled_for for row in rows] == [NOON + 1]


# Runs by hand


def test_a_manual_run_does_not_count(store):
    define(store, "tidy")

    run = store.claim_manual(a_claim(trigger=Trigger.MANUAL, limit=1), counted=False, now=NOON)

    assert (run.trigger, run.execution_number, run.counting) == (Trigger.MANUAL, None, None)
    assert executions(store) == 0


def test_a_manual_run_counts_if_asked_to(store):
    define(store, "tidy")

    run = store.claim_manual(a_claim(trigger=Trigger.MANUAL, limit=1), counted=True, now=NOON)

    assert run.execution_number == 1
    assert executions(store) == counted(store) == 1


def test_a_counted_manual_run_is_refused_past_the_limit(store):
    define(store, "tidy")
    claim_one(store, limit=1)
    before = store.history()

    refused = store.claim_manual(
        a_claim(scheduled_for=NOON + 1, trigger=Trigger.MANUAL, limit=1), counted=True, now=NOON
    )

    assert refused is Reason.LIMIT
    assert store.history() == before


def test_a_manual_run_is_refused_beside_an_unfinished_one(store):
    define(store, "tidy")
    claim_one(store)

    refused = store.claim_manual(
        a_claim(scheduled_for=NOON + 1, trigger=Trigger.MANUAL, is_exclusive=True), counted=False, now=NOON
    )

    assert refused is Reason.OVERLAP


def test_a_manual_run_takes_no_scheduled_occurrences_place(store):
    define(store, "tidy")
    store.claim_manual(a_claim(trigger=Trigger.MANUAL), counted=False, now=NOON)

    assert claim_one(store).id == "tidy@2026-11-23T12:00:00Z"


def test_manual_runs_of_one_second_are_numbered(store):
    define(store, "tidy")

    names = [
        store.claim_manual(a_claim(trigger=Trigger.MANUAL), counted=False, now=NOON).id for _ in range(3)
    ]

    assert names == [f"tidy@2026-11-23T12:00:00Z~{number}" for number in (1, 2, 3)]


def test_a_counted_manual_run_that_never_began_gives_its_count_back(store):
    define(store, "tidy")
    run = store.claim_manual(a_claim(trigger=Trigger.MANUAL), counted=True, now=NOON)

    store.finish([ended(run, State.CANCELLED, reason=Reason.USER)])

    assert executions(store) == counted(store) == 0


# What is decided against


def test_consecutive_skips_share_a_row(store):
    define(store, "tidy")
    claim_one(store)
    for minute in (1, 2, 3):
        _, rows = claim(store, passed=[a_skip(scheduled_for=NOON + minute * MINUTE)])

    assert [(row.first_scheduled_for, row.scheduled_for, row.skipped_count) for row in rows] == [
        (NOON + MINUTE, NOON + 3 * MINUTE, 3)
    ]
    assert len(store.history()) == 2


def test_a_run_between_two_skips_gives_each_its_row(store):
    define(store, "tidy")
    claim(store, passed=[a_skip(scheduled_for=NOON)])
    claim_one(store, scheduled_for=NOON + 1)
    claim(store, passed=[a_skip(scheduled_for=NOON + 2)])

    assert [run.skipped_count for run in store.history(job="tidy")] == [1, None, 1]


def test_a_run_claimed_together_with_a_later_skip_parts_it_from_an_earlier_one(store):
    define(store, "tidy")
    claim(store, passed=[a_skip(scheduled_for=NOON)])

    runs, _ = claim(store, a_claim(scheduled_for=NOON + 1), passed=[a_skip(scheduled_for=NOON + 2)])

    assert [run.scheduled_for for run in runs] == [NOON + 1]
    assert [run.skipped_count for run in store.history(job="tidy")] == [1, None, 1]


def test_skips_for_different_reasons_do_not_share_a_row(store):
    define(store, "tidy")
    claim(store, passed=[a_skip(scheduled_for=NOON)])
    claim(store, passed=[a_skip(scheduled_for=NOON + 1, reason=Reason.LIMIT)])

    assert [run.reason for run in store.history(job="tidy")] == [Reason.LIMIT, Reason.OVERLAP]


def test_skips_of_different_jobs_do_not_share_a_row(store):
    claim(store, passed=[a_skip("tidy", NOON), a_skip("other", NOON + 1), a_skip("tidy", NOON + 2)])

    assert [(run.job, run.skipped_count) for run in store.history(job="tidy")] == [("tidy", 2)]
    assert [(run.job, run.skipped_count) for run in store.history(job="other")] == [("other", 1)]


def test_a_manual_run_does_not_part_consecutive_skips(store):
    define(store, "tidy")
    claim(store, passed=[a_skip(scheduled_for=NOON)])
    store.claim_manual(a_claim(scheduled_for=NOON + 1, trigger=Trigger.MANUAL), counted=False, now=NOON + 1)

    _, rows = claim(store, passed=[a_skip(scheduled_for=NOON + 2)])

    assert rows[0].skipped_count == 2


def test_misses_share_one_row_with_first_last_and_count(store):
    _, rows = claim(store, passed=[a_miss(NOON - DAY, NOON, 25)])

    assert [(row.state, row.reason, row.trigger) for row in rows] == [
        (State.MISSED, Reason.TOO_LATE, Trigger.CATCH_UP)
    ]
    assert store.history() == rows
    assert (rows[0].first_scheduled_for, rows[0].scheduled_for, rows[0].skipped_count) == (
        NOON - DAY,
        NOON,
        25,
    )


def test_what_is_decided_against_is_not_counted(store):
    define(store, "tidy")

    claim(store, passed=[a_skip(), a_miss(NOON - DAY, NOON - HOUR, 24)])

    assert store.facts(["tidy"]) == {"tidy": Facts(executions=0, unfinished=0, counting=1)}


@pytest.mark.parametrize(
    "passed",
    [
        pytest.param(a_skip(scheduled_for=NOON + MINUTE), id="skipped"),
        pytest.param(a_miss(NOON + MINUTE, NOON + MINUTE, 1), id="missed"),
    ],
)
def test_an_occurrence_inside_a_skipped_row_is_not_written_down_again(store, passed):
    """After the clock was set back, occurrences come by a second time."""
    define(store, "tidy", "other")
    claim(store, a_claim("other"))
    for minute in range(4):
        claim(store, passed=[a_skip(scheduled_for=NOON + minute * MINUTE)])
    before = store.history()

    assert claim(store, passed=[passed]) == ([], [])

    assert store.history() == before
    assert claim_one(store, scheduled_for=NOON + 3 * MINUTE) is None


@pytest.mark.parametrize("passed", [a_skip(), a_miss(NOON, NOON, 1)], ids=["skipped", "missed"])
def test_an_occurrence_that_ran_is_not_written_down_again(store, passed):
    define(store, "tidy", "other")
    claim(store, a_claim("other"))
    run_through(store, claim_one(store))
    claim(store, passed=[a_skip(scheduled_for=NOON + MINUTE)])
    before = store.history()

    assert claim(store, passed=[passed]) == ([], [])

    assert store.history() == before


# A run's record


def test_a_run_is_recorded_from_claim_to_end(store, open_store):
    define(store, "tidy")
    running = started(claim_one(store, limit=3))
    store.start([running])
    assert open_store().unfinished() == [running]
    error = Failure("shop.errors.CartError", "no such cart", "Traceback ...")
    outcome = Outcome(State.FAILED, NOON + 2.5, None, 3, None, error, Usage(0.25, 0.5, 1 << 30))

    store.finish([finish(running, outcome)])

    (found,) = open_store().history()
    assert found == finish(running, outcome)


def test_an_exception_is_recorded_whatever_characters_it_has(store):
    """As `os.fsdecode` makes them of a file name that is no UTF-8."""
    define(store, "tidy")
    running = started(claim_one(store))
    store.start([running])
    error = Failure("FileNotFoundError", "caf\udce9.csv", "Traceback: caf\udce9.csv, 50 €")

    store.finish([ended(running, State.FAILED, exit_code=1, error=error)])

    (found,) = store.history()
    assert found.error == Failure("FileNotFoundError", r"caf\udce9.csv", r"Traceback: caf\udce9.csv, 50 €")


def test_an_end_by_a_signal_has_no_exit_code(store):
    define(store, "tidy")
    running = started(claim_one(store))
    store.start([running])

    store.finish([ended(running, State.TIMED_OUT, signal="SIGKILL")])

    (found,) = store.history()
    assert (found.state, found.exit_code, found.signal) == (State.TIMED_OUT, None, "SIGKILL")


def test_waiting_is_written_and_is_unfinished(store, open_store):
    define(store, "tidy")
    run = claim_one(store)

    store.wait([run])

    assert open_store().unfinished() == [advance(run, State.WAITING)]


def test_starts_and_outcomes_may_share_a_transaction(store):
    define(store, "tidy", "other")
    (first, second), _ = claim(store, a_claim("tidy"), a_claim("other"))
    first = started(first)
    store.start([first])

    store.start([started(second)], [ended(first, exit_code=0)])

    assert [(run.job, run.state) for run in store.history()] == [
        ("other", State.RUNNING),
        ("tidy", State.SUCCEEDED),
    ]


def test_unfinished_runs_come_oldest_first(store):
    define(store, "tidy", "other")
    claim(store, a_claim("tidy", NOON + 5), a_claim("other", NOON), a_claim("tidy", NOON + 1))
    store.finish([ended(store.unfinished()[0], State.CANCELLED)])

    assert [(run.job, run.scheduled_for) for run in store.unfinished()] == [
        ("tidy", NOON + 1),
        ("tidy", NOON + 5),
    ]


def test_an_adopted_run_names_its_new_dispatcher(store, open_store):
    define(store, "tidy")
    run = claim_one(store)
    store.wait([run])
    heir = open_store()

    (adopted,) = heir.adopt(heir.unfinished())

    assert adopted == run._replace(dispatcher=adopted.dispatcher)
    assert adopted.dispatcher != run.dispatcher
    assert heir.unfinished() == [adopted]


def test_dispatchers_are_those_of_unfinished_runs(store, open_store):
    define(store, "tidy", "other")
    other = open_store()
    run_through(other, claim_one(other, "other"))

    run = claim_one(store)

    assert store.dispatchers() == {run.dispatcher: own_identity()}


# What decisions need


def test_facts_are_of_the_jobs_asked_for(store):
    define(store, "tidy", "other")
    claim(store, a_claim("tidy"), a_claim("tidy", NOON + 1), a_claim("other"))
    run_through(store, store.unfinished()[0])

    found = store.facts(["tidy", "unheard-of"])

    assert found == {"tidy": Facts(2, 1, 1), "unheard-of": Facts(0, 0, 1)}


@pytest.mark.parametrize("how_many", [0, 1, 499, 500, 501, 1000, 5001])
def test_facts_are_found_for_however_many_jobs(store, how_many):
    names = [f"job-{number}" for number in range(how_many)]
    define(store, *names, "one-more")
    claim(store, *(a_claim(name) for name in names), a_claim("one-more"))

    assert store.facts(names) == {name: Facts(1, 1, 1) for name in names}


def test_a_job_has_its_form_since_it_was_first_seen_in_it(store):
    define(store, "tidy", form="hourly", now=NOON)

    assert define(store, "tidy", "other", form="hourly", now=NOON + 5) == {"tidy": NOON, "other": NOON + 5}


def test_an_edited_job_has_its_form_from_now_on(store):
    define(store, "tidy", form="hourly", now=NOON)

    assert define(store, "tidy", form="daily", now=NOON + 5)["tidy"] == NOON + 5
    assert define(store, "tidy", form="hourly", now=NOON + 9)["tidy"] == NOON + 9


def test_only_what_has_changed_after_an_instant_is_told(store):
    store.define([Definition("old", "hourly"), Definition("edited", "hourly")], NOON)

    found = store.define([Definition("old", "hourly"), Definition("edited", "daily")], NOON + 9, after=NOON)

    assert found == {"edited": NOON + 9}


def test_an_edit_changes_no_count(store):
    define(store, "tidy", form="hourly")
    claim_one(store)

    define(store, "tidy", form="daily")

    assert executions(store) == 1


def test_a_new_state_has_not_looked_anywhere(store):
    assert store.ticked_until() is None


def test_a_claim_says_how_far_the_scheduler_has_looked(store, open_store):
    store.claim([], [], ticked_until=NOON, now=NOON + 0.5)

    assert open_store().ticked_until() == NOON


def test_a_tick_says_how_far_the_scheduler_has_looked(store, open_store):
    store.tick(ticked_until=NOON + 30, now=NOON + 30.5)

    assert (open_store().ticked_until(), open_store().ticked_at()) == (NOON + 30, NOON + 30.5)


def test_only_what_another_has_written_is_a_change(store, open_store):
    define(store, "tidy")
    other = open_store()
    store.changed()

    define(store, "second")
    own = store.changed()
    other.reset("tidy")

    assert own is False
    assert [store.changed(), store.changed()] == [True, False]


# Reset


def test_reset_begins_a_new_counting_at_zero(store):
    define(store, "tidy")
    claim_one(store, limit=1)

    was = store.reset("tidy")

    assert was == 1
    assert store.facts(["tidy"])["tidy"] == Facts(executions=0, unfinished=1, counting=2)
    assert claim_one(store, scheduled_for=NOON + 1, limit=1).execution_number == 1


def test_a_job_that_never_ran_can_be_reset(store):
    assert store.reset("tidy") == 0
    assert executions(store) == 0


def test_reset_of_one_job_leaves_the_others_counts(store):
    define(store, "tidy", "other")
    claim(store, a_claim("tidy"), a_claim("other"))

    store.reset("tidy")

    assert (executions(store, "tidy"), executions(store, "other")) == (0, 1)


# What people ask


def a_history(store):
    """Write three runs of `tidy`, two of `other`; the first has failed."""
    define(store, "tidy", "other")
    for number, name in enumerate(["tidy", "other", "tidy", "other", "tidy"]):
        running = started(claim_one(store, name, NOON + number * MINUTE))
        store.start([running])
        store.finish([ended(running, State.SUCCEEDED if number else State.FAILED)])


@pytest.mark.parametrize(
    ("asked", "minutes"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"limit": 2}, [4, 3]),
        ({"job": "tidy"}, [4, 2, 0]),
        ({"job": "tidy", "limit": 1}, [4]),
        ({"state": "failed"}, [0]),
        ({"state": "succeeded"}, [4, 3, 2, 1]),
        ({"job": "other", "state": "failed"}, []),
        ({"job": "unheard-of"}, []),
    ],
)
def test_history_is_newest_first_and_of_what_was_asked_for(store, asked, minutes):
    a_history(store)

    assert [(run.scheduled_for - NOON) // MINUTE for run in store.history(**asked)] == minutes


def test_the_last_run_is_each_jobs_newest(store):
    a_history(store)

    found = store.last_runs(["tidy", "other", "unheard-of"])

    assert {job: run.scheduled_for for job, run in found.items()} == {
        "tidy": NOON + 4 * MINUTE,
        "other": NOON + 3 * MINUTE,
    }


def test_a_row_that_stands_for_no_run_is_no_last_run(store):
    a_history(store)
    claim(store, passed=[a_skip(scheduled_for=NOON + DAY), a_miss(NOON + DAY, NOON + DAY, 1, job="other")])

    found = store.last_runs(["tidy", "other"])

    assert {run.state for run in found.values()} == {State.SUCCEEDED}


def test_a_manual_run_may_be_the_last(store):
    a_history(store)

    manual = store.claim_manual(
        a_claim(scheduled_for=NOON + 4 * MINUTE, trigger=Trigger.MANUAL), counted=False, now=NOON
    )

    assert store.last_runs(["tidy"]) == {"tidy": manual}


# Forgetting


def test_prune_forgets_what_is_older_than_an_instant(store):
    a_history(store)

    forgotten = store.prune(before=NOON + 2 * MINUTE, rows_a_job=100)

    assert forgotten == 2
    assert [(run.scheduled_for - NOON) // MINUTE for run in store.history()] == [4, 3, 2]


def test_prune_keeps_so_many_rows_a_job(store):
    a_history(store)

    forgotten = store.prune(before=0, rows_a_job=2)

    assert forgotten == 1
    assert [(run.job, (run.scheduled_for - NOON) // MINUTE) for run in store.history()] == [
        ("tidy", 4),
        ("other", 3),
        ("tidy", 2),
        ("other", 1),
    ]


def test_prune_forgets_nothing_unfinished(store):
    define(store, "tidy")
    claimed = claim_one(store)
    waiting = claim_one(store, scheduled_for=NOON + 1)
    store.wait([waiting])
    running = claim_one(store, scheduled_for=NOON + 2)
    store.start([started(running)])

    assert store.prune(before=NOON + DAY, rows_a_job=1) == 0
    assert [run.row for run in store.unfinished()] == [claimed.row, waiting.row, running.row]


def test_prune_changes_no_count(store):
    a_history(store)

    forgotten = store.prune(before=NOON + DAY, rows_a_job=1)

    assert forgotten == 3
    assert executions(store) == 3


def test_prune_keeps_each_jobs_last_success_however_old(store):
    a_history(store)
    failing = started(claim_one(store, scheduled_for=NOON + HOUR))
    store.start([failing])
    store.finish([ended(failing, State.FAILED, exit_code=1)])

    store.prune(before=NOON + DAY, rows_a_job=1)

    assert [(run.job, (run.scheduled_for - NOON) // MINUTE) for run in store.history()] == [
        ("tidy", 4),
        ("other", 3),
    ]


# The last success


def test_the_last_success_is_the_newest_run_that_succeeded(store, open_store):
    define(store, "tidy")
    for minute, result in enumerate(['{"seen":1}', '{"seen":2}']):
        running = started(claim_one(store, scheduled_for=NOON + minute * MINUTE), now=NOON + minute * MINUTE)
        store.start([running])
        store.finish([ended(running, exit_code=0, result=result)])
    failing = started(claim_one(store, scheduled_for=NOON + HOUR))
    store.start([failing])
    store.finish([ended(failing, State.FAILED, exit_code=1)])

    found = open_store().last_success("tidy")

    assert (found.started_at, found.result) == (NOON + MINUTE, '{"seen":2}')


def test_a_job_that_never_succeeded_has_no_last_success(store):
    define(store, "tidy")
    claim_one(store)

    assert store.last_success("tidy") is None


def test_prune_forgets_no_dispatcher_that_may_still_claim(store, open_store):
    define(store, "tidy")
    other = open_store()

    store.prune(before=NOON - 30 * DAY, rows_a_job=100)

    run = claim_one(other)
    assert store.dispatchers() == {run.dispatcher: own_identity()}


# Several at once


def start_claimer(path, first, how_many, *, limit=100):
    claimer = subprocess.Popen(
        [sys.executable, CLAIMER, path, "tidy", str(limit), str(first), str(how_many)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert claimer.stdout.readline() == "ready\n"
    return claimer


@pytest.mark.parametrize("apart", [0, 1000], ids=["the same occurrences", "occurrences of their own"])
def test_two_processes_together_never_exceed_the_limit(store, path, apart):
    define(store, "tidy")

    with start_claimer(path, NOON, 200) as one, start_claimer(path, NOON + apart, 200) as other:
        for claimer in (one, other):
            claimer.stdin.write("go\n")
            claimer.stdin.flush()
        printed = [claimer.communicate(timeout=60)[0] for claimer in (one, other)]
    claimed = [int(instant) for text in printed for instant in text.split()]

    assert len(claimed) == len(set(claimed)) == 100
    assert executions(store) == counted(store) == 100
    numbers = sorted(run.execution_number for run in store.history(limit=1000))
    assert numbers == list(range(1, 101))


def test_two_threads_with_a_store_each_never_exceed_the_limit(store, path):
    define(store, "tidy")
    barrier = threading.Barrier(2)
    claimed = []

    def claim_many():
        own = SqliteStore.open(path)
        barrier.wait()
        runs = [claim_one(own, scheduled_for=NOON + number, limit=20) for number in range(50)]
        claimed.extend(run.scheduled_for for run in runs if run)
        own.close()

    threads = [threading.Thread(target=claim_many) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == len(set(claimed)) == 20
    assert executions(store) == counted(store) == 20


def test_a_process_killed_while_it_claims_leaves_exact_counts(store, open_store, path):
    define(store, "tidy")
    confirmed = set()

    for number in range(20):
        with start_claimer(path, NOON + 1000 * number, "endless", limit=100_000) as claimer:
            claimer.stdin.write("go\n")
            claimer.stdin.flush()
            confirmed |= {int(claimer.stdout.readline()) for _ in range(1 + number)}
            claimer.kill()
            confirmed |= {int(line) for line in claimer.stdout.read().split()}

    survivor = open_store()
    rows = survivor.history(limit=100_000)
    assert confirmed <= {run.scheduled_for for run in rows}
    assert executions(survivor) == counted(survivor)
    assert counted(survivor) == len(rows) - sum(run.state is State.CANCELLED for run in rows)


@settings(max_examples=100, stateful_step_count=30, deadline=None, derandomize=True)
class Counting(RuleBasedStateMachine):
    """Whatever happens in whatever order, the count is the number of rows that count."""

    def __init__(self):
        super().__init__()
        self.opened = ExitStack()
        directory = self.opened.enter_context(TemporaryDirectory(dir=MEMORY))
        self.stores = [self.open(f"{directory}/state.db") for _ in range(2)]
        self.unfinished = []
        self.limit = 5
        define(self.stores[0], "tidy")

    def open(self, path):
        store = SqliteStore.open(path)
        self.opened.callback(store.close)
        store.attach(own_identity(), now=NOON)
        return store

    @rule(
        which=st.integers(0, 1),
        instants=st.lists(st.integers(0, 40), min_size=1, max_size=4),
        is_exclusive=st.booleans(),
    )
    def claim(self, which, instants, is_exclusive):
        claims = [
            a_claim(scheduled_for=NOON + instant, limit=self.limit, is_exclusive=is_exclusive)
            for instant in instants
        ]
        runs, _ = claim(self.stores[which], *claims)
        assert all(run.execution_number <= self.limit for run in runs)
        self.unfinished += runs

    @rule(instant=st.integers(0, 40), length=st.integers(0, 5), kind=st.sampled_from(["skip", "miss"]))
    def pass_over(self, instant, length, kind):
        last = NOON + instant + length
        passed = a_skip(scheduled_for=last) if kind == "skip" else a_miss(NOON + instant, last, length + 1)
        claim(self.stores[0], passed=[passed])

    @rule(which=st.integers(0, 1), counted=st.booleans(), is_exclusive=st.booleans())
    def claim_by_hand(self, which, counted, is_exclusive):
        wanted = a_claim(trigger=Trigger.MANUAL, limit=self.limit, is_exclusive=is_exclusive)
        run = self.stores[which].claim_manual(wanted, counted=counted, now=NOON)
        if isinstance(run, Run):
            self.unfinished.append(run)

    @precondition(lambda self: self.unfinished)
    @rule(data=st.data())
    def go_on(self, data):
        place = data.draw(st.integers(0, len(self.unfinished) - 1))
        run = self.unfinished.pop(place)
        state = data.draw(st.sampled_from(sorted(TRANSITIONS[run.state])))
        store = self.stores[data.draw(st.integers(0, 1))]
        if state is State.WAITING:
            store.wait([run])
            self.unfinished.append(advance(run, state))
        elif state is State.RUNNING:
            store.start([started(run)])
            self.unfinished.append(started(run))
        elif state is State.CLAIMED:
            back = advance(run, state, started_at=None, pid=None, start_ticks=None)
            store.start([back])
            self.unfinished.append(back)
        else:
            store.finish([ended(run, state)])

    @rule(which=st.integers(0, 1))
    def reset(self, which):
        self.stores[which].reset("tidy")

    @rule(limit=st.integers(1, 10))
    def edit_the_limit(self, limit):
        self.limit = limit

    @invariant()
    def the_count_is_the_number_of_rows_that_count(self):
        assert executions(self.stores[0]) == counted(self.stores[1])

    @invariant()
    def what_is_unfinished_is_what_was_not_ended(self):
        found = {run.row for run in self.stores[1].unfinished()}
        assert found == {run.row for run in self.unfinished}

    def teardown(self):
        self.opened.close()


TestCounting = Counting.TestCase
