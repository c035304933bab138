"""Real schedulers for tests: a directory with a `jobs.toml`, the processes started on it, and their end.

Nothing here asserts. What a test waits for and does not get in time is raised as `TooLate`, with the log.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tomli_w

DEADLINE_SECONDS = 30.0
EVERY_SECOND = "* * * * * *"
_MARK = "CRONJOBS_TEST_SITE"
_LAST_LINES = 40
_MOST_OUTPUT_EVENTS = 20_000

# In every site, so that jobs can leave word of what they did: one line each, whole even if many write.
_NOTEBOOK = """
import os

NOTES = os.path.join(os.path.dirname(__file__), "notes")

def note(*words):
    descriptor = os.open(NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, (" ".join(map(str, words)) + "\\n").encode())
    os.close(descriptor)
"""

# Gives a command the terminal on its standard input as its controlling one.
WITH_TERMINAL = [
    sys.executable,
    "-c",
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
]


class TooLate(AssertionError):
    """What was waited for did not come in time."""


class Process(NamedTuple):
    """A process of a site, as /proc shows it."""

    pid: int
    parent: int
    state: str  # "Z" is a zombie
    arguments: str


def wait_until(fact: Callable[[], Any], what: str, *, seconds: float = DEADLINE_SECONDS) -> Any:
    """Return what `fact` returns as soon as that is true; TooLate, naming `what`, if it never is."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        if time.monotonic() > deadline:
            raise TooLate(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)
    return found


def limited_by(limits: str) -> list[str]:
    """Return a prefix that runs a command under a shell's `ulimit` with these options."""
    return ["sh", "-c", f'ulimit {limits} && exec "$@"', "sh"]


class Scheduler:
    """One `cronjobs run` and its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: int | None, errors: Path) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self.unreadable: list[bytes] = []  # lines of the log that are no JSON object
        self._errors = errors
        self._tail: deque[str] = deque(maxlen=_LAST_LINES)
        self._news = threading.Condition()
        self._outputs = 0
        self._is_at_end = log is None
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        if log is not None:
            self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def errors(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text(errors="replace")

    def signal(self, signum: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, signum)

    def wait_for(self, event: str, *, seconds: float = DEADLINE_SECONDS, **fields: Any) -> dict[str, Any]:
        """Return the first line of the log that is this event with these fields."""
        return self.wait_for_all(event, 1, seconds=seconds, **fields)[0]

    def wait_for_all(
        self, event: str, count: int, *, seconds: float = DEADLINE_SECONDS, **fields: Any
    ) -> list[dict[str, Any]]:
        """Return the first `count` lines of the log that are this event with these fields."""
        wanted = {"event": event, **fields}
        deadline = time.monotonic() + seconds
        with self._news:
            while len(found := self._matching(wanted)) < count:
                left = deadline - time.monotonic()
                if left <= 0 or self._is_at_end:
                    why = "the log ended without" if self._is_at_end else f"not within {seconds:g} s:"
                    raise TooLate(f"{why} {count} of {wanted}, only {len(found)}\n{self._story()}")
                self._news.wait(left)
        return found[:count]

    def logged(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the lines of the log so far that are this event with these fields."""
        with self._news:
            return self._matching({"event": event, **fields})

    def output(self, job: str, stream: str = "stdout") -> list[str]:
        """Return what a job's runs have written so far, line by line."""
        return [line["message"] for line in self.logged("output", job=job, stream=stream)]

    def wait(self, *, seconds: float = DEADLINE_SECONDS) -> int:
        """Return its exit code, minus the signal if one ended it, once its whole log is read."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TooLate(f"process {self.pid} did not end within {seconds:g} s\n{self._story()}") from None
        if self._reader.is_alive():
            self._reader.join(seconds)
        return code

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self._reader.join(DEADLINE_SECONDS)
            self.process.stdout.close()

    def _matching(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [line for line in self.events if wanted.items() <= line.items()]

    def _read(self, log: int) -> None:
        with open(log, "rb", closefd=False) as lines:
            try:
                for line in lines:
                    self._note(line)
            except OSError:
                pass  # the other end of a terminal is gone
        with self._news:
            self._is_at_end = True
            self._news.notify_all()

    def _note(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            self.unreadable.append(line)
            event = {"event": "unreadable"}
        with self._news:
            if event["event"] == "output":
                self._outputs += 1
            if self._outputs <= _MOST_OUTPUT_EVENTS or event["event"] != "output":
                self.events.append({key: _hashable(value) for key, value in event.items()})
            self._tail.append(line.decode(errors="replace").rstrip()[:300])
            self._news.notify_all()

    def _story(self) -> str:
        return "\n".join(["--- log:", *self._tail, "--- standard error:", self.errors[-4000:]])


def _hashable(value: Any) -> Any:
    """Return a JSON value so that dictionaries of such can be compared as sets of items."""
    return tuple(sorted(value.items())) if isinstance(value, dict) else value


class Site:
    """A directory with a `jobs.toml`, its modules, and every process that was started on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "jobs.toml"
        self.state = directory / "cronjobs.db"
        self._mark = uuid.uuid4().hex
        self._schedulers: list[Scheduler] = []

    def define(
        self,
        jobs: Mapping[str, Mapping[str, Any]],
        *,
        settings: Mapping[str, Any] | None = None,
        **modules: str,
    ) -> None:
        """Write `jobs.toml` and the modules.

        A job that does not say otherwise calls the function `work:NAME` and is due every second.
        """
        tables = {
            name: {"callable": f"work:{name}", "schedule": EVERY_SECOND, "timezone": "UTC", **job}
            for name, job in jobs.items()
        }
        self.file.write_text(tomli_w.dumps({"cronjobs": dict(settings or {}), "jobs": tables}))
        for name, source in (modules | {"notebook": _NOTEBOOK}).items():
            (self.directory / f"{name}.py").write_text(textwrap.dedent(source))

    def start(
        self,
        *options: str,
        under: Sequence[str] = (),
        arguments: Sequence[str] = (),
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        log: int | None = None,
        pass_fds: Sequence[int] = (),
        start_new_session: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Scheduler:
        """Start a scheduler.

        under: a command that runs it. arguments: before `run`. log: where to read its log if not in a pipe.
        """
        errors = self.directory / f"stderr-{len(self._schedulers)}"
        command = [sys.executable, "-m", "cronjobs", "--file", str(self.file), *arguments]
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                [*under, *command, "run", "--log-format", "json", *options],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=self._environment(env),
                pass_fds=pass_fds,
                start_new_session=start_new_session,
            )
        if log is None and process.stdout is not None:
            log = process.stdout.fileno()
        scheduler = Scheduler(process, log, errors)
        self._schedulers.append(scheduler)
        return scheduler

    def run_until_done(self, **how: Any) -> Scheduler:
        """Return a scheduler that has done all there was to do, and has ended with 0."""
        scheduler = self.start("--exit-when-done", **how)
        code = scheduler.wait(seconds=2 * DEADLINE_SECONDS)
        if code != 0:
            raise AssertionError(f"the scheduler ended with {code}\n{scheduler._story()}")
        return scheduler

    def popen(self, *arguments: str, under: Sequence[str] = (), **how: Any) -> "subprocess.Popen[str]":
        """Start another command on this site; the caller waits for it."""
        command = [*under, sys.executable, "-m", "cronjobs", "--file", str(self.file), *arguments]
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        return subprocess.Popen(command, env=self._environment(), text=True, **how)

    def command(self, *arguments: str, **how: Any) -> "subprocess.CompletedProcess[str]":
        """Run another command on this site to its end."""
        with self.popen(*arguments, **how) as process:
            try:
                out, err = process.communicate(timeout=2 * DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def history(self, job: str | None = None) -> list[dict[str, Any]]:
        """Return the rows of the history, oldest first."""
        answer = self.command("history", "--json", "--limit", "100000", *(["--name", job] if job else []))
        if answer.returncode:
            raise AssertionError(f"history ended with {answer.returncode}: {answer.stderr}")
        rows: list[dict[str, Any]] = json.loads(answer.stdout)
        return rows[::-1]

    def wait_for_row(self, job: str, state: str, *, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """Return the first row of the history in which the job is in this state."""

        def row() -> dict[str, Any] | None:
            return next((row for row in self.history(job) if row["state"] == state), None)

        found: dict[str, Any] = wait_until(row, f"{job} is {state}", seconds=seconds)
        return found

    def executions(self) -> dict[str, int]:
        """Return each job's count."""
        return {job["job"]: job["executions"] for job in json.loads(self.command("status", "--json").stdout)}

    def notes(self) -> list[str]:
        """Return what jobs have noted down."""
        path = self.directory / "notes"
        return path.read_text().splitlines() if path.exists() else []

    def integrity(self) -> str:
        """Return what SQLite says of the state file."""
        database = sqlite3.connect(self.state)
        try:
            return str(database.execute("PRAGMA integrity_check").fetchone()[0])
        finally:
            database.close()

    def processes(self) -> list[Process]:
        """Return every living process that was started on this site, whoever its parent is by now."""
        mark = f"{_MARK}={self._mark}".encode()
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and mark in _read_file(f"/proc/{entry.name}/environ").split(b"\0"):
                process = _look_at(int(entry.name))
                if process is not None:
                    found.append(process)
        return found

    def zygotes(self, scheduler: Scheduler) -> list[int]:
        """Return the pids of a scheduler's warm servers."""
        return [
            process.pid
            for process in self.processes()
            if process.parent == scheduler.pid and "cronjobs.executors.zygote" in process.arguments
        ]

    def close(self) -> None:
        """End every process of this site."""
        for scheduler in self._schedulers:
            if scheduler.process.poll() is None:
                scheduler.process.kill()
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (living := self.processes()) and time.monotonic() < deadline:
            for process in living:
                _kill(process.pid)
            time.sleep(0.01)
        for scheduler in self._schedulers:
            scheduler.close()

    def _environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, **(env or {}), _MARK: self._mark}


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _look_at(pid: int) -> Process | None:
    fields = _read_file(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if not fields:
        return None
    arguments = _read_file(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")
    return Process(pid, int(fields[1]), fields[0].decode(), arguments)


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""  # it is gone, or somebody else's


def is_running(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    process = _look_at(pid)
    return process is not None and process.state not in "ZX"


def children_of(pid: int) -> list[Process]:
    """Return the processes, zombies too, whose parent this is."""
    pids = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    return [process for each in pids if (process := _look_at(each)) and process.parent == pid]


def peak_memory_bytes(pid: int) -> int:
    """Return the most memory that a living process has ever had resident."""
    for line in _read_file(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} is gone")


def seconds_apart(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return by how many seconds each row's occurrence comes after the one before it."""
    instants = [int(datetime.fromisoformat(row["scheduled_for"]).timestamp()) for row in rows]
    return [later - earlier for earlier, later in pairwise(instants)]


@contextmanager
def file_system(directory: Path, size: str) -> Iterator[Path]:
    """Give a file system of its own to a new directory; skip the test where this may not be done."""
    directory.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "cronjobs-test", str(directory)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"a file system of its own needs root: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
