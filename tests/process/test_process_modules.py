"""Modules that cannot be carried through a fork, or not be imported at all, and their healthy siblings."""

import os

import pytest
from harness import Site, seconds_apart

HEALTHY = """
from notebook import note

def ticks():
    note("ticks")
"""

THREAD_WITH_LOCK = """
import threading
lock = threading.Lock()
taken = threading.Event()

def hold():
    with lock:
        taken.set()
        threading.Event().wait()

threading.Thread(target=hold, daemon=True).start()
taken.wait()

def job():
    print("held" if lock.locked() and len(threading.enumerate()) == 2 else "not held")
"""

SOCKET = """
import socket
ours, theirs = socket.socketpair()

def job():
    ours.send(b"x")
    print(theirs.recv(1).decode())
"""

EPOLL = """
import select
poller = select.epoll()

def job():
    print(poller.poll(0))
"""

# Ends by itself only once its interpreter is told to.
NON_DAEMON_THREAD = """
import threading
done = threading.Event()
thread = threading.Thread(target=done.wait)
thread.start()

def job():
    print("alive" if thread.is_alive() else "dead")
    done.set()
"""

THREAD_THAT_NEVER_ENDS = """
import threading
threading.Thread(target=threading.Event().wait).start()

def job():
    pass
"""

IMPORT_THAT_HANGS = """
import time
time.sleep(600)

def job():
    pass
"""


def a_job_of(module):
    return {"callable": f"{module}:job", "number_of_executions": 1}


# module, what its import leaves behind, what its job prints
RISKY = [
    ("locks", THREAD_WITH_LOCK, "1 thread", "held"),
    ("connects", SOCKET, "a socket", "x"),
    ("polls", EPOLL, "an epoll instance", "[]"),
    ("lingers", NON_DAEMON_THREAD, "1 thread", "alive"),
]
# module, its source, what is wrong with it
UNUSABLE = [
    ("raises", "raise ValueError('no beans at import')", "ValueError", "no beans at import"),
    ("lacks_module", "import no_such_module_here", "ModuleNotFoundError", "no_such_module_here"),
    ("lacks_callable", "def other(): pass", "AttributeError", "no `job`"),
    ("has_number", "job = 7", "TypeError", "cannot be called"),
    ("exits", "import sys; sys.exit(4)", "SystemExit", "4"),
    ("exits_hard", "import os; os._exit(4)", "ImportError", "exit code 4"),
    ("segfaults", "import ctypes; ctypes.string_at(0)", "ImportError", "SIGSEGV"),
    ("misspelt", "def job(: pass", "SyntaxError", "invalid syntax"),
    ("hangs", IMPORT_THAT_HANGS, "TimeoutError", "took longer than 3 s"),
    ("missing", None, "ModuleNotFoundError", "no module `missing`"),
]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The log and, for each job, the history of a scheduler with a job in every one of these modules."""
    site = Site(tmp_path_factory.mktemp("modules"))
    sources = {name: source for name, source, *_ in (*RISKY, *UNUSABLE)}
    jobs = {name: a_job_of(name) for name in sources}
    site.define(
        {**jobs, "ticks": {"number_of_executions": 5, "concurrency": "allow"}},
        settings={"import_timeout": "3s"},
        work=HEALTHY,
        **{name: source for name, source in sources.items() if source is not None},
    )
    scheduler = site.run_until_done()
    rows = site.history()
    yield scheduler, {name: [row for row in rows if row["job"] == name] for name in (*jobs, "ticks")}
    site.close()


@pytest.mark.parametrize(("name", "left", "printed"), [(name, *facts) for name, _, *facts in RISKY])
def test_what_no_fork_survives_is_imported_afresh_for_each_run(imported, name, left, printed):
    scheduler, history = imported

    warnings = [line for line in scheduler.logged("import_leaves_threads") if f"`{name}`" in line["message"]]

    assert [line["level"] for line in warnings] == ["warning"]
    assert left in warnings[0]["message"]
    assert scheduler.output(name) == [printed]
    assert [row["state"] for row in history[name]] == ["succeeded"]


@pytest.mark.parametrize(("name", "error", "says"), [(name, *facts) for name, _, *facts in UNUSABLE])
def test_a_module_that_cannot_be_imported_fails_its_own_jobs(imported, name, error, says):
    scheduler, history = imported

    (failed,) = history[name]

    assert (failed["state"], failed["exit_code"], failed["error"]["type"]) == ("failed", 1, error)
    assert says in failed["error"]["message"]
    (said,) = scheduler.logged("import_failed", job=name)
    assert says in said["message"]


def test_no_module_keeps_a_healthy_sibling_from_its_occurrences(imported):
    _, history = imported

    ticks = history["ticks"]

    assert [row["state"] for row in ticks] == ["succeeded"] * 5
    assert seconds_apart(ticks) == [1] * 4


def test_imports_that_hang_keep_no_sibling_waiting_however_many_they_are(site):
    hanging = {f"hangs_{number}": IMPORT_THAT_HANGS for number in range(len(os.sched_getaffinity(0)) + 1)}
    jobs = {name: a_job_of(name) for name in hanging}
    # Named last, the healthy one is looked at last.
    site.define({**jobs, "ticks": {}}, settings={"import_timeout": "10m"}, work=HEALTHY, **hanging)

    scheduler = site.start()

    assert scheduler.wait_for("run_finished", job="ticks")["state"] == "succeeded"


def test_a_short_import_timeout_that_a_zygote_s_own_start_exceeds_does_not_end_the_scheduler(site):
    site.define({"ticks": {"number_of_executions": 2}}, settings={"import_timeout": "20ms"}, work=HEALTHY)

    scheduler = site.run_until_done()

    assert "Traceback" not in scheduler.errors
    assert site.executions() == {"ticks": 2}


def test_what_a_module_prints_at_import_is_logged_once(site):
    source = """
    import os, sys
    print("printed at import")
    print("complained at import", file=sys.stderr)
    os.write(1, b"written at import")

    def job():
        print("in the job")
    """
    site.define(
        {"loud": {**a_job_of("loud"), "number_of_executions": 3}, "ticks": {"number_of_executions": 3}},
        work=HEALTHY,
        loud=source,
    )

    scheduler = site.run_until_done()

    messages = [line["message"] for line in scheduler.logged("import_output")]
    assert sorted(messages) == [
        "loud: complained at import",
        "loud: printed at import",
        "loud: written at import",
    ]
    assert scheduler.output("loud") == ["in the job"] * 3
    assert scheduler.output("loud", "stderr") == []


def test_a_non_daemon_thread_of_an_import_that_never_ends_ends_with_its_run_s_time_limit(site):
    site.define(
        {
            "endless": {**a_job_of("endless"), "timeout": "3s", "kill_after": "500ms"},
            "ticks": {"number_of_executions": 2},
        },
        work=HEALTHY,
        endless=THREAD_THAT_NEVER_ENDS,
    )

    site.run_until_done()

    assert [row["state"] for row in site.history("endless")] == ["timed_out"]
    assert [row["state"] for row in site.history("ticks")] == ["succeeded"] * 2


def test_random_numbers_differ_from_run_to_run(site):
    source = """
    import random
    import numpy
    from notebook import note

    def draws():
        note(random.random(), numpy.random.rand())
    """
    site.define({"draws": {"number_of_executions": 4, "concurrency": "allow"}}, work=source)

    site.run_until_done()

    drawn = [line.split() for line in site.notes()]
    assert len({first for first, _ in drawn}) == 4
    assert len({second for _, second in drawn}) == 4


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_threads_of_a_job_and_its_exit_functions_complete(site, isolation):
    source = """
    import atexit, threading, time
    from notebook import note

    def works(begun):
        begun.set()
        time.sleep(0.3)
        note("thread")

    def job():
        begun = threading.Event()
        atexit.register(note, "atexit")
        threading.Thread(target=works, args=(begun,)).start()
        begun.wait()
        note("returned")
    """
    site.define({"job": {"number_of_executions": 1, "isolation": isolation}}, work=source)

    site.run_until_done()

    assert site.notes() == ["returned", "thread", "atexit"]
    assert [row["state"] for row in site.history()] == ["succeeded"]


def test_a_flood_at_import_and_thousands_of_jobs_are_no_longer_than_an_answer_may_be(site):
    jobs = {
        f"a-job-with-a-name-of-some-length-{number}": {"callable": "work:ticks"} for number in range(3000)
    }
    for job in jobs.values():
        job["schedule"] = "0 0 1 1 *"
    jobs["ticks"] = {"number_of_executions": 1}
    site.define(jobs, work='print("é" * 60_000)\ndef ticks():\n    pass\n')
    scheduler = site.start()

    scheduler.wait_for("run_finished", job="ticks", state="succeeded")

    assert scheduler.logged("import_failed") == []
    assert scheduler.logged("import_output")
