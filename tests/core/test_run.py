"""How a run's state may change, and what a run is called."""

from itertools import product

import pytest
from factories import NOON, a_run

from cronjobs.core.run import (
    UNFINISHED,
    Failure,
    Outcome,
    Reason,
    State,
    Usage,
    advance,
    finish,
    instant_text,
    run_id,
)

# A run's life as the rules tell it; whatever is not here is forbidden.
ALLOWED = {
    "claimed": "waiting running missed cancelled lost",
    "waiting": "running missed cancelled lost",
    "running": "succeeded failed timed_out cancelled lost claimed",
}
PAIRS = {(before, after) for before, those in ALLOWED.items() for after in those.split()}


@pytest.mark.parametrize(("before", "after"), sorted(PAIRS))
def test_a_run_goes_where_the_rules_let_it(before, after):
    run = a_run(state=State(before))

    assert advance(run, State(after), pid=4711) == run._replace(state=State(after), pid=4711)


@pytest.mark.parametrize(("before", "after"), sorted(set(product(map(str, State), repeat=2)) - PAIRS))
def test_a_run_goes_nowhere_else(before, after):
    run = a_run(state=State(before))

    with pytest.raises(ValueError, match=f"{before} cannot become {after}"):
        advance(run, State(after))


def test_a_refused_change_names_the_run():
    with pytest.raises(ValueError, match=r"^tidy@2026-11-23T12:00:00Z: "):
        advance(a_run(state=State.LOST), State.RUNNING)


def test_unfinished_is_what_has_a_way_ahead():
    assert set(UNFINISHED) == {State.CLAIMED, State.WAITING, State.RUNNING}


def test_a_run_is_finished_with_all_that_is_known_of_its_end():
    usage = Usage(0.1, 0.2, 1 << 20)
    error = Failure("ValueError", "no such cart")
    run = a_run(state=State.RUNNING, execution_number=3, counting=1)

    finished = finish(run, Outcome(State.FAILED, NOON + 2.5, None, 1, None, error, usage))

    assert finished == run._replace(
        state=State.FAILED, finished_at=NOON + 2.5, exit_code=1, error=error, usage=usage
    )


def test_what_never_ran_cannot_have_succeeded():
    with pytest.raises(ValueError, match="claimed cannot become succeeded"):
        finish(a_run(), Outcome(State.SUCCEEDED, NOON))


def test_a_run_that_never_began_is_cancelled_for_a_reason():
    finished = finish(a_run(), Outcome(State.CANCELLED, NOON, Reason.SHUTDOWN))

    assert (finished.state, finished.reason, finished.started_at) == (State.CANCELLED, Reason.SHUTDOWN, None)


@pytest.mark.parametrize(
    ("manual_number", "attempt", "name"),
    [
        (0, 1, "tidy@2026-11-23T12:00:00Z"),
        (0, 2, "tidy@2026-11-23T12:00:00Z#2"),
        (1, 1, "tidy@2026-11-23T12:00:00Z~1"),
        (12, 3, "tidy@2026-11-23T12:00:00Z~12#3"),
    ],
)
def test_a_run_is_named_after_its_occurrence(manual_number, attempt, name):
    assert run_id("tidy", NOON, manual_number, attempt) == name
    assert a_run(manual_number=manual_number, attempt=attempt).id == name


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NOON, "2026-11-23T12:00:00Z"),
        (NOON + 0.999, "2026-11-23T12:00:00Z"),
        (7_258_118_399, "2199-12-31T23:59:59Z"),
    ],
)
def test_an_instant_is_written_in_utc_to_the_second(instant, text):
    assert instant_text(instant) == text
