"""Questions and answers survive JSON, and nonsense is told from them."""

import json

import pytest

from cronjobs.core.failure import Failure
from cronjobs.core.questions import (
    AskLastSuccess,
    Compensate,
    End,
    LastSucceeded,
    Lost,
    Nonsense,
    Record,
    Recorded,
    answer_from,
    question_from,
    said,
)
from cronjobs.core.workflow import (
    Admitted,
    Begin,
    Concluded,
    Intent,
    Refused,
    StepRecord,
    StepState,
    WorkflowFailure,
    WorkflowState,
)

FAILURE = Failure("OSError", "no tape", "Traceback ...")
STEP = StepRecord("2.0.1", 4, "pack", "shop.flows:pack", StepState.FAILED, 3, {"a": [1]}, [2], FAILURE)
ERRORS = (WorkflowFailure("pack", "2.0.1", "compensate", FAILURE),)

QUESTIONS = [
    AskLastSuccess(),
    Begin("a", "ship", "shop.flows:ship", {"x": None}, 60.0, Intent.RETRY),
    Begin("a", "ship", "shop.flows:ship", [1]),
    Record(7, STEP),
    Record(7, STEP._replace(error=None)),
    Compensate(7, ERRORS),
    End(7, WorkflowState.FAILED, {"sent": 2}, ERRORS),
]
ANSWERS = [
    LastSucceeded(None),
    LastSucceeded(1.5, {"seen": 3}),
    Admitted(7, "a~2", None, 1.5, True, (STEP,), ERRORS),
    Concluded("a", [1], (STEP,)),
    Refused("a", WorkflowState.RUNNING, "tidy@2026-11-23T12:00:00Z"),
    Recorded(True),
    Lost("taken over"),
    Nonsense("what?"),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_understood_as_it_was_asked(question):
    assert question_from(json.loads(json.dumps(said(question)))) == question


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_understood_as_it_was_given(answer):
    assert answer_from(json.loads(json.dumps(said(answer)))) == answer


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        7,
        "begin",
        [],
        [[]],
        {},
        ["Drop", "everything"],
        ["Record"],
        ["Record", 7],
        ["Record", "seven", list(STEP)],
        ["Record", 10**30, list(STEP)],
        ["Record", 7, ["0", 10**30, *STEP[2:]]],
        ["Begin", "order-\udcff", "ship", "shop.flows:ship", None],
        ["Record", 7, [1, 2]],
        ["End", 7, "paused", None, []],
        ["End", 7, "failed", None, [[1]]],
        ["Begin", "a", "ship", "shop.flows:ship", None, "long"],
        ["Begin", "a", "ship", "shop.flows:ship", None, None, "destroy"],
        ["Compensate", 7, 7],
        ["AskLastSuccess", 1],
    ],
)
def test_nonsense_is_no_question(nonsense):
    with pytest.raises(ValueError, match="no question"):
        question_from(nonsense)
