"""What a run finds around itself: descriptors, session, directory, environment, signals."""

import json
import os
import subprocess
import sys

import pytest
from harness import Site

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
        "directory": os.path.dirname(os.path.abspath(__file__)),
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


@pytest.fixture(scope="module", params=["fork", "spawn"])
def seen(request, tmp_path_factory):
    """What two runs of a job saw, started by a scheduler that was itself handed the end of a pipe."""
    site = Site(tmp_path_factory.mktemp("surroundings"))
    job = {"number_of_executions": 2, "isolation": request.param, "env": {"COLOUR": "green"}}
    site.define({"looks": job}, work=LOOK)
    reading, writing = os.pipe()
    try:
        site.run_until_done(env={"HOME": "/nowhere"}, pass_fds=[writing])
    finally:
        os.close(reading)
        os.close(writing)
    yield [json.loads(line) for line in site.notes()]
    site.close()


def test_a_run_has_three_descriptors_and_its_channel(seen):
    for run in seen:
        sockets = [target for target in run["descriptors"].values() if target.startswith("socket:")]
        assert len(sockets) == 1
        assert run["descriptors"].keys() >= {"0", "1", "2"}
        kinds = {target.partition(":")[0] for target in run["descriptors"].values()}
        assert kinds == {os.devnull, "pipe", "socket"}


def test_what_the_scheduler_itself_was_handed_is_not_handed_on_to_runs(seen):
    for run in seen:
        pipes = {number for number, target in run["descriptors"].items() if target.startswith("pipe:")}
        assert pipes == {"1", "2"}


def test_each_run_has_a_session_and_a_process_group_of_its_own(seen):
    assert [(run["session"], run["group"]) for run in seen] == [(run["pid"], run["pid"]) for run in seen]
    assert seen[0]["pid"] != seen[1]["pid"]


def test_a_run_s_place_and_environment_are_the_configuration_s(seen):
    for run in seen:
        assert run["cwd"] == run["first_on_path"] == run["directory"]
        assert (run["colour"], run["home"]) == ("green", "/nowhere")


def test_a_run_s_standard_input_is_empty(seen):
    assert [run["stdin"] for run in seen] == [os.devnull] * 2


def test_a_run_s_signals_are_python_s_own_but_for_sigterm(seen):
    command = [sys.executable, "-c", "import json, work; print(json.dumps(work.signals()))"]

    answer = subprocess.run(command, cwd=seen[0]["directory"], capture_output=True, text=True)

    plain = json.loads(answer.stdout)
    for run in seen:
        differing = {name for name in plain if run["signals"][name] != plain[name]}
        assert differing == {"SIGTERM"}
        assert run["mask"] == []
