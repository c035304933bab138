"""The command line as a process: what is typed, and what comes back."""

import errno
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = [sys.executable, "-m", "cronjobs"]
DEADLINE_SECONDS = 30.0

# All of them are far from due, so that only what a test starts has run.
JOBS = """
[defaults]
timezone = "UTC"

[jobs.greet]
callable = "tasks:greet"
schedule = "0 3 29 2 *"
number_of_executions = 3
args = { name = "world" }

[jobs.fail]
callable = "tasks:fail"
schedule = "30 4 * * 1-5"
timezone = "Europe/Berlin"

[jobs.off]
callable = "tasks:greet"
schedule = "@daily"
args = { name = "nobody" }
enabled = false
"""
TASKS = """
import sys, time

def greet(name):
    print("hello", name)

def fail():
    print("about to fail", file=sys.stderr)
    raise ValueError("no beans\\nand no tea")

def hang():
    print("begun", flush=True)
    time.sleep(600)
"""


class Answer(NamedTuple):
    """What a command leaves behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, read as one JSON document."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Place:
    """A directory with a `jobs.toml` and the module it names, where commands are typed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "cronjobs.db"
        self.define(JOBS)
        (directory / "tasks.py").write_text(TASKS)

    def define(self, text: str) -> None:
        """Write the `jobs.toml`."""
        (self.directory / "jobs.toml").write_text(text)

    def type(self, *words: str, **variables: str) -> Answer:
        """Run a command to its end, with these variables in its environment."""
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.directory,
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def shell(self, script: str) -> Answer:
        """Run a shell script in which `"$@"` is the command."""
        done = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND],
            cwd=self.directory,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def in_terminal(self, *words: str, columns: int = 80, typed: str = "", **variables: str) -> str:
        """Run a command in a terminal of this width; return what it shows, escape sequences included.

        typed: what somebody has typed already when the command starts.
        """
        terminal, end = pty.openpty()
        os.write(terminal, typed.encode())
        termios.tcsetwinsize(end, (24, columns))
        process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.directory,
            env=environment(variables),
            stdin=end,
            stdout=end,
            stderr=end,
        )
        os.close(end)
        shown = _read_to_end(terminal)
        process.wait(DEADLINE_SECONDS)
        # Linux may say that the other end is closed before it hands over the last that was written there.
        shown += _read_to_end(terminal)
        os.close(terminal)
        return shown.decode().replace("\r\n", "\n")

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command; its output is read from its pipe."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.directory,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def _read_to_end(terminal: int) -> bytes:
    """Return what a terminal shows until Linux says, by an error, that nobody has its other end open."""
    shown = b""
    try:
        while some := os.read(terminal, 65536):
            shown += some
    except OSError as exc:
        if exc.errno != errno.EIO:
            raise
    return shown


def environment(variables: dict[str, str]) -> dict[str, str]:
    """Return this process's environment without what would change a command's answer, and with these."""
    foreign = ("CRONJOBS_", "_CRONJOBS_", "NO_COLOR", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "TZ": "UTC", **variables}
