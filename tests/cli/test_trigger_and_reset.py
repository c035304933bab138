"""`trigger` and `reset`: a job by hand, and a count from the beginning."""

import pytest


def executions(place):
    return place.type("status", "--json").document[0]["executions"]


def test_a_trigger_passes_output_on_and_is_recorded_as_manual(place):
    answer = place.type("trigger", "greet")

    assert (answer.code, answer.out, answer.err) == (0, "hello world\n", "")
    (run,) = place.type("history", "--json").document
    assert (run["job"], run["trigger"], run["state"]) == ("greet", "manual", "succeeded")


def test_a_trigger_that_fails_says_how_on_standard_error(place):
    answer = place.type("trigger", "fail")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("about to fail\nTraceback (most recent call last):\n")
    assert answer.err.endswith("ValueError: no beans\n")


def test_a_trigger_counts_only_if_it_is_told_to(place):
    place.type("trigger", "greet")
    assert executions(place) == 0

    place.type("trigger", "greet", "--counted")
    assert executions(place) == 1


def test_a_reset_sets_the_count_to_zero_and_keeps_the_history(place):
    place.type("trigger", "greet", "--counted")
    place.type("trigger", "greet", "--counted")

    answer = place.type("reset", "greet")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "greet: executions were 2, now 0; no scheduler is running\n"
    assert executions(place) == 0
    assert len(place.type("history", "--json").document) == 2


def test_a_reset_of_a_job_that_never_ran_makes_the_state_file_and_says_so(place):
    answer = place.type("reset", "greet")

    assert answer.out == "greet: executions were 0, now 0; no scheduler is running\n"
    assert answer.err == f"new state file {place.state}: counts start at zero\n"


@pytest.mark.parametrize(
    ("words", "typed", "is_asked", "left"),
    [([], "y\n", True, 0), ([], "n\n", True, 1), ([], "\n", True, 1), (["--yes"], "", False, 0)],
)
def test_a_reset_asks_first_in_a_terminal(place, words, typed, is_asked, left):
    place.type("trigger", "greet", "--counted")

    shown = place.in_terminal("reset", "greet", *words, typed=typed)

    assert ("Set the executions of greet to zero?" in shown) is is_asked
    assert ("nothing was changed" in shown) is bool(left)
    assert executions(place) == left
