"""Commands on jobs that are defined beside their functions."""

import pytest

NIGHTLY = """
from cronjobs import job

print("noise at import")

@job(schedule="0 3 29 2 *", timezone="UTC", number_of_executions=2)
def tidy(logger):
    print("tidied")
"""


@pytest.fixture
def nightly(place):
    (place.directory / "nightly.py").write_text(NIGHTLY)
    place.define('[cronjobs]\ndiscover = ["nightly"]\n')
    return place


@pytest.mark.parametrize("command", ["next", "status"])
def test_a_command_that_lists_jobs_lists_them_and_its_json_is_whole(nightly, command):
    answer = nightly.type(command, "--json")

    assert [entry["job"] for entry in answer.document] == ["tidy"]
    assert answer.err == ""


def test_they_are_triggered_counted_and_reset_like_others(nightly):
    done = nightly.type("trigger", "tidy", "--counted")

    # The trigger runs it in an interpreter that imports its module too.
    assert (done.code, done.out) == (0, "noise at import\ntidied\n")
    assert nightly.type("status", "--json").document[0]["executions"] == 1
    assert nightly.type("history", "--json", "--name", "tidy").document[0]["state"] == "succeeded"
    assert nightly.type("reset", "tidy", "--yes").code == 0
    assert nightly.type("next", "--json").document[0]["execution_number"] == 1


def test_what_needs_no_list_of_jobs_imports_nothing(nightly):
    (nightly.directory / "nightly.py").write_text("open('imported', 'w').close()\n" + NIGHTLY)

    assert nightly.type("history").code == 0
    assert nightly.type("status", "--check").code == 1
    nightly.type(_CRONJOBS_COMPLETE="bash_complete", COMP_WORDS="cronjobs trigger ", COMP_CWORD="2")

    assert not (nightly.directory / "imported").exists()


def test_a_module_that_fails_keeps_a_command_from_pretending_to_know_all_jobs(nightly):
    (nightly.directory / "nightly.py").write_text("1 / 0\n")

    answer = nightly.type("next", "--json")

    assert answer.code == 3
    assert answer.document["error"]["message"].startswith("importing `nightly` failed: ZeroDivisionError")


def test_an_unknown_name_is_answered_with_a_discovered_one(nightly):
    answer = nightly.type("history", "--name", "tidyy")

    assert answer.code == 4
    assert "did you mean `tidy`?" in answer.err
