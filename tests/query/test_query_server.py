"""The PostgreSQL of the tests leaves nothing behind, however the tests end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import postgres
import pytest

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import postgres
with postgres.server(Path(sys.argv[2])) as directory:
    print(directory, (directory / "data" / "postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("ending", [None, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_whoever_started_it(postgresql_server, ending):
    programs = postgres.find_programs()
    command = [sys.executable, "-c", PROGRAM, str(Path(postgres.__file__).parent), str(programs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        directory, pid = starter.stdout.readline().split()
        assert is_running(pid)
        if ending:
            starter.send_signal(ending)

    assert becomes_true(lambda: not is_running(pid))
    assert becomes_true(lambda: not Path(directory).exists())


def is_running(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def becomes_true(fact):
    deadline = time.monotonic() + 60
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
