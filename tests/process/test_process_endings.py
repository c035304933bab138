"""How runs end, in every way there is, and what stands in the history then."""

import pytest
from harness import Site, seconds_apart

WORK = """
import asyncio, ctypes, os, signal, subprocess, sys, time

class Odd(BaseException):
    pass

def succeeds():
    print("fine")

def exits_with_zero():
    sys.exit(0)

def exits_with_nothing():
    sys.exit()

def segfaults():
    ctypes.string_at(0)

def exits_hard():
    os._exit(3)

def exits():
    sys.exit(2)

def exits_with_text():
    sys.exit("the beans are out")

def raises():
    raise ValueError("no beans")

def raises_base():
    raise Odd("very odd")

def raises_interrupt():
    raise KeyboardInterrupt

async def raises_async():
    await asyncio.sleep(0)
    raise ValueError("no async beans")

def is_killed():
    subprocess.run(["kill", "-KILL", str(os.getpid())])
    time.sleep(600)

def hangs():
    time.sleep(600)

def ignores_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(600)

def swallows_sigterm():
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

def cleans_up():
    try:
        time.sleep(600)
    finally:
        print("cleaned up")

async def cleans_up_async():
    try:
        await asyncio.sleep(600)
    finally:
        await asyncio.sleep(0)
        print("cleaned up")

def prints_and_exits_hard():
    print("a line")
    sys.stdout.write("a part of a line")
    sys.stdout.flush()
    os._exit(3)

def prints_and_segfaults():
    print("a line")
    sys.stderr.write("a part of a line")
    sys.stderr.flush()
    ctypes.string_at(0)
"""

TIMED_OUT = {"timeout": "2s", "kill_after": "500ms"}
# job, what it is defined with, state, exit code, signal, type and message of its error
ENDINGS = [
    ("succeeds", {}, "succeeded", 0, None, None),
    ("exits_with_zero", {}, "succeeded", 0, None, None),
    ("exits_with_nothing", {}, "succeeded", 0, None, None),
    ("segfaults", {}, "failed", None, "SIGSEGV", None),
    ("exits_hard", {}, "failed", 3, None, None),
    ("exits", {}, "failed", 2, None, ("SystemExit", "2")),
    ("exits_with_text", {}, "failed", 1, None, ("SystemExit", "the beans are out")),
    ("raises", {}, "failed", 1, None, ("ValueError", "no beans")),
    ("raises_base", {}, "failed", 1, None, ("Odd", "very odd")),
    ("raises_interrupt", {}, "failed", 1, None, ("KeyboardInterrupt", "")),
    ("raises_async", {}, "failed", 1, None, ("ValueError", "no async beans")),
    ("is_killed", {}, "failed", None, "SIGKILL", None),
    ("hangs", TIMED_OUT, "timed_out", None, "SIGTERM", None),
    ("ignores_sigterm", TIMED_OUT, "timed_out", None, "SIGKILL", None),
    ("swallows_sigterm", TIMED_OUT, "timed_out", None, "SIGKILL", None),
    ("cleans_up", TIMED_OUT, "timed_out", None, "SIGTERM", None),
    ("cleans_up_async", TIMED_OUT, "timed_out", None, "SIGTERM", None),
    ("prints_and_exits_hard", {}, "failed", 3, None, None),
    ("prints_and_segfaults", {}, "failed", None, "SIGSEGV", None),
]
NAMES = [name for name, *_ in ENDINGS]


@pytest.fixture(scope="module", params=["fork", "spawn"])
def ended(request, tmp_path_factory):
    """The log and, for each job, the history of one scheduler that ran every job of the table twice."""
    site = Site(tmp_path_factory.mktemp("endings"))
    policy = {"number_of_executions": 2, "concurrency": "allow", "isolation": request.param}
    site.define({name: policy | options for name, options, *_ in ENDINGS}, work=WORK)
    scheduler = site.run_until_done()
    rows = site.history()
    yield scheduler, {name: [row for row in rows if row["job"] == name] for name in NAMES}
    site.close()


@pytest.mark.parametrize(
    ("name", "state", "exit_code", "signal", "error"),
    [(name, *expected) for name, _, *expected in ENDINGS],
    ids=NAMES,
)
def test_a_run_is_recorded_as_it_ended(ended, name, state, exit_code, signal, error):
    _, history = ended

    rows = history[name]

    assert [(row["state"], row["exit_code"], row["signal"]) for row in rows] == [
        (state, exit_code, signal)
    ] * 2
    errors = [row["error"] and (row["error"]["type"], row["error"]["message"]) for row in rows]
    assert errors == [error] * 2


@pytest.mark.parametrize("name", NAMES)
def test_neither_a_run_s_end_nor_a_sibling_s_puts_off_the_next_occurrence(ended, name):
    _, history = ended

    rows = history[name]

    assert seconds_apart(rows) == [1]


@pytest.mark.parametrize("name", ["cleans_up", "cleans_up_async"])
def test_sigterm_lets_a_job_clean_up(ended, name):
    scheduler, _ = ended

    assert scheduler.output(name) == ["cleaned up"] * 2


@pytest.mark.parametrize(
    ("name", "stdout", "stderr"),
    [
        ("prints_and_exits_hard", ["a line", "a part of a line"], []),
        ("prints_and_segfaults", ["a line"], ["a part of a line"]),
    ],
)
def test_what_was_written_before_a_hard_end_is_not_lost(ended, name, stdout, stderr):
    scheduler, _ = ended

    assert sorted(scheduler.output(name)) == sorted(stdout * 2)
    assert scheduler.output(name, "stderr") == stderr * 2


def test_a_traceback_begins_in_the_job_s_own_code(ended):
    _, history = ended

    trace = history["raises"][0]["error"]["traceback"]

    assert "in raises" in trace
    assert "executors" not in trace
