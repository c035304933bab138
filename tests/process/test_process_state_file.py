"""The state file when it is taken, full, gone, damaged or read-only."""

import os
import signal
import subprocess

import pytest
from harness import file_system, wait_until

WORK = """
from notebook import note

def ticks(context):
    note(context.run_id)
"""


def test_a_second_scheduler_on_a_state_file_ends_at_once_and_names_the_first(site):
    site.define({"ticks": {}}, work=WORK)
    first = site.start()
    first.wait_for("run_finished")

    second = site.start()

    assert second.wait() == 5
    assert f"process {first.pid}" in second.errors
    assert "hint:" in second.errors
    assert first.process.poll() is None


def test_a_second_scheduler_is_refused_through_a_link_too(site):
    site.define({"ticks": {}}, work=WORK)
    first = site.start()
    first.wait_for("run_finished")
    link = site.directory / "link.db"
    link.symlink_to(site.state)

    second = site.start(arguments=["--state", str(link)])

    assert second.wait() == 5
    assert f"process {first.pid}" in second.errors


def test_a_scheduler_that_was_killed_leaves_the_state_file_free(site):
    site.define({"ticks": {}}, work=WORK)
    first = site.start()
    first.wait_for("run_finished")
    first.kill()

    second = site.start()

    second.wait_for("run_finished")
    assert second.stop() == 0


def test_a_full_disk_stops_no_scheduler_and_costs_no_count(site):
    site.define({"ticks": {}}, work=WORK)
    with file_system(site.directory / "small", "1m") as small:
        state = small / "cronjobs.db"
        arguments = ["--state", str(state)]
        scheduler = site.start(arguments=arguments)
        scheduler.wait_for("run_finished", job="ticks")

        fill(small / "ballast")
        scheduler.wait_for("claim_failed")
        (small / "ballast").unlink()
        already = len(scheduler.logged("run_finished"))
        scheduler.wait_for_all("run_finished", already + 2, job="ticks")

        assert scheduler.stop() == 0
        site.state = state
        assert site.integrity() == "ok"
        rows = site.command(*arguments, "history", "--json").stdout
        assert sorted(site.notes()) == sorted(set(site.notes()))
        assert all(f'"{run_id}"' in rows for run_id in site.notes())


def fill(path):
    with open(path, "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass  # it is full


@pytest.mark.parametrize("replaced", [False, True])
def test_a_state_file_that_goes_missing_ends_the_scheduler_with_a_clear_message(site, replaced):
    site.define({"ticks": {}}, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("run_finished")

    if replaced:
        (site.directory / "other.db").touch()
        (site.directory / "other.db").rename(site.state)
    else:
        site.state.unlink()

    assert scheduler.wait() == 5
    assert f"{site.state} was removed or replaced" in scheduler.errors
    assert "Traceback" not in scheduler.errors
    wait_until(lambda: not site.processes(), "no process is left")


@pytest.mark.parametrize(
    "content",
    [b"not a database", b"x" * 4096, b"SQLite format 3\0" + b"\xff" * 4080, os.urandom(65_536)],
    ids=["short", "a page", "its header only", "random"],
)
@pytest.mark.parametrize("command", [["run"], ["reset", "ticks", "--yes"], ["trigger", "ticks"], ["history"]])
def test_a_file_that_is_no_state_file_is_refused_untouched(site, content, command):
    site.define({"ticks": {}}, work=WORK)
    site.state.write_bytes(content)

    answer = site.command(*command)

    assert answer.returncode == 5, answer
    assert str(site.state) in answer.stderr
    assert "Traceback" not in answer.stderr
    assert site.state.read_bytes() == content
    assert site.notes() == []


def test_a_state_file_that_is_cut_short_is_refused_untouched(site):
    site.define({"ticks": {"number_of_executions": 2}}, work=WORK)
    site.run_until_done()
    content = site.state.read_bytes()
    cut = content[: len(content) // 2]
    site.state.write_bytes(cut)

    answer = site.command("run")

    assert answer.returncode == 5, answer
    assert site.state.read_bytes() == cut


def test_in_a_read_only_directory_a_scheduler_says_so_and_readers_read(site):
    site.define({"ticks": {"number_of_executions": 2}}, work=WORK)
    with file_system(site.directory / "small", "8m") as small:
        arguments = ["--state", str(small / "cronjobs.db")]
        site.run_until_done(arguments=arguments)
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)

        refused = site.command(*arguments, "run")
        read = site.command(*arguments, "history")

        assert refused.returncode == 5
        assert "--state" in refused.stderr
        assert read.returncode == 0, read.stderr
        assert read.stdout.count("succeeded") == 2


def test_while_another_process_holds_the_write_lock_the_scheduler_waits_and_goes_on(site):
    site.define({"ticks": {}}, work=WORK)
    scheduler = site.start()
    scheduler.wait_for("run_finished")
    holder = subprocess.Popen(
        [
            os.path.realpath("/proc/self/exe"),
            "-c",
            "import sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "d.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()",
            str(site.state),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        holder.stdout.readline()
        scheduler.wait_for("claim_failed")
        holder.send_signal(signal.SIGKILL)

    already = len(scheduler.logged("run_finished"))
    scheduler.wait_for_all("run_finished", already + 1, job="ticks")
    assert scheduler.stop() == 0
    assert sorted(site.notes()) == sorted(set(site.notes()))
