"""What a run finds around itself: descriptors, session, directory, environment, signals."""

import json
import os
import subprocess
import sys

import pytest

LOOK = """
import json, os, signal, sys
from notebook import note

def looks():
    descriptors = {}
    for text in os.listdir("/proc/self/fd"):
        try:
            descriptors[text] = os.readlink(f"/proc/self/fd/{text}")
        except OSError:
            pass  # the one that listed them
    note(json.dumps({
        "pid": os.getpid(),
        "session": os.getsid(0),
        "group": os.getpgrp(),
        "cwd": os.getcwd(),
        "colour": os.environ.get("COLOUR"),
        "home": os.environ.get("HOME"),
        "stdin": os.readlink("/proc/self/fd/0"),
        "descriptors": descriptors,
        "signals": signals(),
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "first_on_path": sys.path[0],
    }))

def signals():
    named = [each for each in signal.valid_signals() if isinstance(each, signal.Signals)]
    return {each.name: str(signal.getsignal(each)).split(" at ")[0] for each in named}
"""


@pytest.fixture(params=["fork", "spawn"])
def looking(request, site):
    """A site whose job looks around twice; its isolation is each of the two."""
    job = {"number_of_executions": 2, "isolation": request.param, "env": {"COLOUR": "green"}}
    site.define({"looks": job}, work=LOOK)
    return site


@pytest.fixture
def seen(looking):
    """What the two runs saw."""
    looking.run_until_done(env={"HOME": "/nowhere"})
    return [json.loads(line) for line in looking.notes()]


def test_a_run_has_three_descriptors_and_its_channel(seen):
    for run in seen:
        extra = {number: target for number, target in run["descriptors"].items() if int(number) > 2}
        assert len(extra) == 1, extra
        assert all(target.startswith("socket:") for target in extra.values())


def test_what_the_scheduler_itself_was_handed_is_not_handed_on_to_runs(looking):
    reading, writing = os.pipe()
    try:
        looking.run_until_done(pass_fds=[writing])
    finally:
        os.close(reading)
        os.close(writing)

    for run in map(json.loads, looking.notes()):
        assert [target for target in run["descriptors"].values() if target.startswith("pipe:")] == [
            run["descriptors"]["1"],
            run["descriptors"]["2"],
        ]


def test_each_run_has_a_session_and_a_process_group_of_its_own(seen):
    assert [(run["session"], run["group"]) for run in seen] == [(run["pid"], run["pid"]) for run in seen]
    assert seen[0]["pid"] != seen[1]["pid"]


def test_a_run_s_place_and_environment_are_the_configuration_s(seen, site):
    for run in seen:
        assert run["cwd"] == str(site.directory)
        assert run["first_on_path"] == str(site.directory)
        assert (run["colour"], run["home"]) == ("green", "/nowhere")


def test_a_run_s_standard_input_is_empty(seen):
    assert [run["stdin"] for run in seen] == [os.devnull] * 2


def test_a_run_s_signals_are_python_s_own_but_for_sigterm(seen, tmp_path):
    (tmp_path / "plain.py").write_text(
        "import json, work; print(json.dumps(work.signals()))", encoding="utf-8"
    )
    plain = json.loads(subprocess.run([sys.executable, tmp_path / "plain.py"], capture_output=True).stdout)

    for run in seen:
        differing = {name for name in plain if run["signals"][name] != plain[name]}
        assert differing == {"SIGTERM"}
        assert run["mask"] == []
