"""Signals to the scheduler, from its first moment on, as process 1 and from a terminal."""

import os
import pty
import random
import signal
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path

import pytest
from harness import WITH_TERMINAL, children_of, is_running, wait_until

WORK = """
import os, signal, subprocess, sys, time
from notebook import NOTES, note

def waits_for_a_word():
    note("begun")
    while "end" not in open(NOTES).read().split():
        time.sleep(0.01)

def sleeps():
    note("begun")
    time.sleep(600)

def ignores_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("begun")
    time.sleep(600)

def forks_twice():
    program = "import subprocess; subprocess.Popen(['sh', '-c', 'echo $$ >> orphans; exec true'])"
    subprocess.run([sys.executable, "-c", program])
    note("begun")

def notes_interrupts():
    signal.signal(signal.SIGINT, lambda signum, frame: note("interrupted"))
    note("begun")
    while "end" not in open(NOTES).read().split():
        time.sleep(0.01)
"""

NEW_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def once(name, **options):
    return {name: {"number_of_executions": 1, **options}}


def begin(site, scheduler):
    scheduler.wait_for("run_started")
    wait_until(site.notes, "the job has begun")


def say_end(site):
    with open(site.directory / "notes", "a") as notes:
        notes.write("end\n")


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_ends_within_the_grace_has_succeeded(site, signum, isolation):
    site.define(once("waits_for_a_word", isolation=isolation), settings={"grace": "60s"}, work=WORK)
    scheduler = site.start()
    begin(site, scheduler)

    scheduler.signal(signum)
    scheduler.wait_for("stopping")
    say_end(site)

    assert scheduler.wait() == 0
    assert [(row["state"], row["reason"]) for row in site.history()] == [("succeeded", None)]
    assert site.processes() == []


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize(("name", "ended_by"), [("sleeps", "SIGTERM"), ("ignores_sigterm", "SIGKILL")])
def test_a_run_that_outlives_the_grace_is_cancelled(site, name, ended_by, isolation):
    site.define(once(name, kill_after="500ms", isolation=isolation), settings={"grace": "200ms"}, work=WORK)
    scheduler = site.start()
    begin(site, scheduler)

    code = scheduler.stop()

    assert code == 0
    (row,) = site.history()
    assert (row["state"], row["reason"], row["signal"]) == ("cancelled", "shutdown", ended_by)
    assert site.processes() == []


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_everything_at_once(site, signum, code, isolation):
    job = once("ignores_sigterm", kill_after="10m", isolation=isolation)
    site.define(job, settings={"grace": "10m"}, work=WORK)
    scheduler = site.start()
    begin(site, scheduler)

    scheduler.signal(signum)
    scheduler.wait_for("stopping")
    scheduler.signal(signum)

    assert scheduler.wait() == code
    (row,) = site.history()
    assert (row["state"], row["reason"], row["signal"]) == ("cancelled", "shutdown", "SIGKILL")
    assert site.processes() == []


def test_a_second_signal_after_the_grace_ends_everything_at_once(site):
    site.define(once("ignores_sigterm", kill_after="10m"), settings={"grace": "0s"}, work=WORK)
    scheduler = site.start()
    begin(site, scheduler)

    scheduler.signal(signal.SIGTERM)
    scheduler.wait_for("stopping")
    scheduler.signal(signal.SIGTERM)

    assert scheduler.wait() == 143
    assert [(row["state"], row["signal"]) for row in site.history()] == [("cancelled", "SIGKILL")]


def test_what_waits_for_room_at_the_shutdown_is_cancelled_and_gives_its_count_back(site):
    names = [f"job-{number}" for number in range(3)]
    jobs = {name: {"callable": "work:sleeps", "number_of_executions": 1} for name in names}
    site.define(jobs, settings={"grace": "0s", "max_parallel": 1}, work=WORK)
    scheduler = site.start()
    begin(site, scheduler)

    code = scheduler.stop()

    assert code == 0
    states = sorted((row["state"], row["reason"], row["started_at"] is None) for row in site.history())
    assert states == [("cancelled", "shutdown", False)] + [("cancelled", "shutdown", True)] * 2
    assert sorted(site.executions().values()) == [0, 0, 1]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_first_moments_ends_the_scheduler_and_leaves_nothing(site, signum):
    site.define({"sleeps": {}}, settings={"grace": "0s"}, work=WORK)
    moments = random.Random(signum)

    for _ in range(8):
        scheduler = site.start()
        # Not for luck: a random moment is what the test is about.
        time.sleep(moments.uniform(0.0, 0.4))
        scheduler.signal(signum)
        # Until Python has read our first line, it treats signals in its own way.
        assert scheduler.wait() in (0, -signum, 1 if signum == signal.SIGINT else 0), scheduler.errors
        wait_until(lambda: not site.processes(), "nothing is left")

    assert {row["state"] for row in site.history()} <= {"cancelled"}
    assert site.integrity() == "ok" if site.state.exists() else True


def test_ctrl_c_in_a_terminal_reaches_the_scheduler_and_not_the_jobs(site):
    site.define(
        once("notes_interrupts") | once("spawned", callable="work:notes_interrupts", isolation="spawn"),
        settings={"grace": "60s"},
        work=WORK,
    )
    terminal, end = pty.openpty()
    tty.setraw(end)  # no echo in the log ...
    modes = termios.tcgetattr(end)
    modes[3] |= termios.ISIG  # ... but Ctrl-C is a signal
    termios.tcsetattr(end, termios.TCSANOW, modes)
    try:
        scheduler = site.start(
            under=WITH_TERMINAL, stdin=end, stdout=end, log=terminal, start_new_session=True
        )
        os.close(end)
        wait_until(lambda: site.notes() == ["begun"] * 2, "both jobs have begun")

        os.write(terminal, b"\x03")
        scheduler.wait_for("stopping")
        say_end(site)
        code = scheduler.wait()
    finally:
        os.close(terminal)

    assert code == 0
    assert site.notes() == ["begun", "begun", "end"]
    assert [row["state"] for row in site.history()] == ["succeeded"] * 2


# While the file is read


@pytest.fixture
def reading(site):
    """A scheduler whose file does not end yet: returns it, and who reads for it."""
    os.mkfifo(site.file)
    scheduler = site.start()
    (reader,) = wait_until(lambda: children_of(scheduler.pid), "the file is read")
    return scheduler, reader


def test_a_signal_while_the_file_is_read_is_heeded_before_anything_is_started(site, reading):
    scheduler, reader = reading
    os.kill(scheduler.pid, signal.SIGTERM)
    os.kill(reader.pid, signal.SIGTERM)

    site.define({"sleeps": {}}, work=WORK)

    assert scheduler.wait() == 0, scheduler.errors
    assert [each["event"] for each in scheduler.events[-2:]] == ["stopping", "stopped"]
    assert not scheduler.logged("run_started")


@pytest.mark.parametrize(("signum", "name"), [(signal.SIGKILL, "SIGKILL"), (40, "SIG40")])
def test_a_reader_that_is_killed_is_told_of(reading, signum, name):
    scheduler, reader = reading

    os.kill(reader.pid, signum)

    assert scheduler.wait() == 70
    assert scheduler.errors == f"error: the process that reads the configuration was ended by {name}\n"


def test_a_scheduler_that_is_killed_takes_its_reader_with_it(reading):
    scheduler, reader = reading

    scheduler.kill()

    wait_until(lambda: not is_running(reader.pid), "the reader is gone")


def test_a_reader_that_fails_says_why(site):
    broken = site.directory / "broken"
    broken.mkdir()
    (broken / "click.py").write_text("raise ImportError('half installed')\n")

    scheduler = site.start(env={"PYTHONPATH": str(broken)})

    assert scheduler.wait() == 70
    assert scheduler.errors.endswith("ImportError: half installed\n")


SIGNALLED_AT_BIRTH = """
import os, signal
from cronjobs.signals import SignalPipe
fork = os.fork
def fork_and_signal():
    pid = fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGINT)
    return pid
os.fork = fork_and_signal
signals = SignalPipe.open()
pid = signals.fork()
if pid == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
os.kill(os.getpid(), signal.SIGTERM)
print([signal.Signals(each).name for each in signals.read() if each != signal.SIGCHLD])
"""


def test_a_signal_that_the_reader_gets_is_none_to_the_scheduler():
    # Ctrl-C reaches both; for the scheduler it is the first signal all the same.
    command = [sys.executable, "-c", SIGNALLED_AT_BIRTH]

    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (answer.stdout, answer.stderr) == ("['SIGTERM']\n", "")


# As process 1


@pytest.fixture
def namespaced(site):
    """A function that starts a scheduler as process 1 of a namespace: returns it and its pid out here."""
    done = subprocess.run([*NEW_NAMESPACE, "true"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a PID namespace needs root: {done.stderr.strip()}")

    def start():
        scheduler = site.start(under=NEW_NAMESPACE)
        (first,) = wait_until(lambda: children_of(scheduler.pid), "the namespace has its process 1")
        return scheduler, first.pid

    return start


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_process_1_ends_on_a_signal(site, namespaced, signum):
    site.define(once("sleeps"), settings={"grace": "0s"}, work=WORK)
    scheduler, first = namespaced()
    begin(site, scheduler)

    os.kill(first, signum)

    assert scheduler.wait() == 0
    assert [(row["state"], row["reason"]) for row in site.history()] == [("cancelled", "shutdown")]
    assert site.processes() == []


def test_process_1_reaps_orphans_and_its_own_children_keep_their_exit_codes(site, namespaced):
    jobs = {"forks_twice": {"number_of_executions": 3, "concurrency": "allow"}}
    jobs["spawned"] = {**jobs["forks_twice"], "callable": "work:forks_twice", "isolation": "spawn"}
    site.define(jobs, work=WORK)
    scheduler, first = namespaced()

    scheduler.wait_for_all("run_finished", 3, job="forks_twice", state="succeeded")
    scheduler.wait_for_all("run_finished", 3, job="spawned", state="succeeded")

    orphans = site.directory / "orphans"
    wait_until(lambda: len(orphans.read_text().splitlines()) == 6, "all orphans have begun")
    wait_until(lambda: not [each for each in children_of(first) if each.state == "Z"], "no zombie is left")
    os.kill(first, signal.SIGTERM)
    assert scheduler.wait() == 0


def test_everything_dies_with_process_1(site, namespaced):
    site.define(once("sleeps") | once("spawned", callable="work:sleeps", isolation="spawn"), work=WORK)
    scheduler, first = namespaced()
    wait_until(lambda: len(site.notes()) == 2, "both jobs have begun")

    os.kill(first, signal.SIGKILL)

    scheduler.wait()
    wait_until(lambda: not is_running(first) and not site.processes(), "nothing is left")


def test_process_1_warns_where_the_state_file_is_on_no_volume(site, namespaced):
    site.define(once("passes"), work="def passes():\n    pass\n")
    scheduler, _ = namespaced()

    scheduler.wait_for("run_finished")

    is_on_root = site.directory.stat().st_dev == Path("/").stat().st_dev
    assert bool(scheduler.logged("state_not_kept", level="warning")) == is_on_root


def test_a_scheduler_that_is_not_process_1_says_nothing_of_volumes(site):
    site.define(once("passes"), work="def passes():\n    pass\n")

    scheduler = site.run_until_done()

    assert scheduler.logged("state_not_kept") == []
