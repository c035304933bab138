import pytest

from cronjobs.core.suggest import closest, did_you_mean, named, quoted

KEYS = ("callable", "schedule", "number_of_executions", "timezone", "args")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("callabel", "callable"),
        ("Schedule", "schedule"),
        ("numberOfExecutions", "number_of_executions"),
        ("number-of-executions", "number_of_executions"),
        ("arg", "args"),
        ("func", "callable"),
        ("fUnC", "callable"),
        ("colour", ""),
        ("", ""),
        ("callable" * 100, ""),
    ],
)
def test_the_closest_word_is_found_if_one_is_close(word, meant):
    assert closest(word, KEYS, also={"func": "callable", "wheel": "tyre"}) == meant


def test_another_word_for_something_that_is_no_candidate_is_not_suggested():
    assert closest("wheel", KEYS, also={"wheel": "tyre"}) == ""


def test_a_suggestion_is_a_question_or_nothing():
    assert did_you_mean("schedul", KEYS) == "did you mean `schedule`?"
    assert did_you_mean("colour", KEYS) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", '"a b"'),
        ("a\nb\x1b[31m", r'"a\nb\x1b[31m"'),
        ("\udcff", r'"\udcff"'),
        ("Zürich", '"Zürich"'),
        ("x" * 100, '"' + "x" * 57 + '..."'),
    ],
)
def test_a_quoted_text_is_one_printable_line(text, shown):
    assert quoted(text) == shown
    assert named(text) == f"`{shown[1:-1]}`"
