"""Jobs that are programs: run like the others, and gone when they are told to go."""

import os
import pwd
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from harness import Site, wait_until

ONCE = {"number_of_executions": 1}


def define(site: Site, jobs: dict, **modules: str) -> None:
    """Write a `jobs.toml`; a job that has a `command` has no `callable`."""
    site.define({name: ONCE | job for name, job in jobs.items()}, **modules)
    import tomllib

    import tomli_w

    document = tomllib.loads(site.file.read_text())
    for job in document["jobs"].values():
        if "command" in job:
            del job["callable"]
    site.file.write_text(tomli_w.dumps(document))


LOOK = """
import os, signal, sys
is_plain = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
files = sorted(os.listdir("/proc/self/fd"))
open("seen", "w").write(f"{sys.stdin.read()!r} {is_plain} {os.getpid() == os.getsid(0)} {len(files)}")
"""
GREET = "echo $GREETING ${NAME:-world} > greeting; echo done"
WHOM = """
import os

def function():
    open("whom", "w").write(f"{os.geteuid()} {os.getegid()}")

def fails():
    raise ValueError("no beans")
"""
SAY_WHO = ["sh", "-c", "echo $(id -u) $(id -g) $HOME $USER > who"]


@pytest.fixture(params=["run", "trigger"])
def run(request):
    """Run every job of a site once, by a scheduler or by hand; return {job: its row of the history}."""

    def run_all(site: Site, *names: str) -> dict:
        if request.param == "run":
            site.run_until_done()
        else:
            for name in names:
                site.command("trigger", name)
        return {row["job"]: row for row in site.history()}

    return run_all


@pytest.fixture
def open_site():
    """A site that everybody may enter and write to: pytest closes its own directories to others."""
    if os.geteuid() != 0:
        pytest.skip("only root may become somebody else")
    with TemporaryDirectory(prefix="cronjobs-") as directory:
        os.chmod(directory, 0o777)
        site = Site(Path(directory))
        yield site
        site.close()


def test_a_program_runs_and_its_end_is_recorded(site, run):
    define(
        site,
        {
            "good": {"command": ["true"]},
            "bad": {"command": ["sh", "-c", "echo wrong >&2; exit 3"]},
            "killed": {"command": "kill -KILL $$"},
            "shell": {"command": GREET, "env": {"GREETING": "hi"}},
            "missing": {"command": ["no-such-program"]},
            "no-program": {"command": ["./jobs.toml"]},
        },
    )

    rows = run(site, "good", "bad", "killed", "shell", "missing", "no-program")

    ends = {name: (row["state"], row["exit_code"], row["signal"]) for name, row in rows.items()}
    assert ends == {
        "good": ("succeeded", 0, None),
        "bad": ("failed", 3, None),
        "killed": ("failed", None, "SIGKILL"),
        "shell": ("succeeded", 0, None),
        "missing": ("failed", 127, None),
        "no-program": ("failed", 126, None),
    }
    assert (site.directory / "greeting").read_text() == "hi world\n"
    assert rows["bad"]["error"] is None
    assert rows["missing"]["error"]["message"] == "no-such-program: No such file or directory"
    assert rows["no-program"]["error"]["message"] == "./jobs.toml: Permission denied"


def test_a_program_has_what_a_program_expects(site, run):
    (site.directory / "look.py").write_text(LOOK)
    define(
        site,
        {
            "looks": {"command": ["python3", "look.py"]},
            "pipes": {"command": "yes | head -n 1 > first; grep SigIgn /proc/self/status > ignored"},
        },
    )

    run(site, "looks", "pipes")

    assert (site.directory / "seen").read_text() == "'' True True 4"  # the fourth is the listing's
    assert (site.directory / "first").read_text() == "y\n"
    ignored = int((site.directory / "ignored").read_text().split()[1], 16)
    assert ignored & 0x7FFFFFFF == 0  # above are those that the C library keeps for itself


def test_what_a_program_prints_is_logged(site):
    define(site, {"talks": {"command": ["sh", "-c", "echo out; echo err >&2"]}})

    scheduler = site.run_until_done()

    lines = [(each["stream"], each["message"]) for each in scheduler.events if each["event"] == "output"]
    assert sorted(lines) == [("stderr", "err"), ("stdout", "out")]


def test_a_program_is_terminated_at_its_timeout_with_all_that_it_started(site):
    define(site, {"hangs": {"command": "sleep 600 & sleep 600", "timeout": "1s", "kill_after": "30s"}})

    site.run_until_done()

    (row,) = site.history("hangs")
    assert (row["state"], row["signal"]) == ("timed_out", "SIGTERM")
    wait_until(lambda: not site.processes(), "nothing of it is left")


def test_a_program_ends_with_its_scheduler(site):
    define(site, {"hangs": {"command": ["sh", "-c", "echo begun > begun; exec sleep 600"]}})
    scheduler = site.start()
    wait_until((site.directory / "begun").exists, "the program runs")

    scheduler.kill()

    wait_until(lambda: not site.processes(), "nothing survives")


def test_jobs_work_in_their_own_directory(site, run):
    (site.directory / "below").mkdir()
    define(
        site,
        {
            "program": {"command": ["sh", "-c", "pwd > here"], "cwd": "below"},
            "function": {"cwd": "below"},
            "nowhere": {"command": ["true"], "cwd": "no-such-directory"},
        },
        work="import os\ndef function(): open('there', 'w').write(os.getcwd())",
    )

    rows = run(site, "program", "function", "nowhere")

    below = site.directory / "below"
    assert (below / "here").read_text().strip() == str(below)
    assert (below / "there").read_text() == str(below)
    assert rows["nowhere"]["state"] == "failed"
    assert rows["nowhere"]["error"]["message"] == "its `cwd` is no-such-directory: No such file or directory"


def test_jobs_run_as_their_user(open_site, run):
    site = open_site
    nobody = pwd.getpwnam("nobody")
    define(
        site,
        {
            "program": {"command": SAY_WHO, "user": "nobody"},
            "function": {"user": "nobody"},
            "fails": {"user": "nobody"},
            "unknown": {"command": ["true"], "user": "no-such-user"},
        },
        work=WHOM,
    )

    rows = run(site, "program", "function", "fails", "unknown")

    expected = f"{nobody.pw_uid} {nobody.pw_gid}"
    assert (site.directory / "who").read_text() == f"{expected} {nobody.pw_dir} nobody\n"
    assert (site.directory / "whom").read_text() == expected
    assert (rows["fails"]["error"]["type"], rows["fails"]["error"]["message"]) == ("ValueError", "no beans")
    message = "it cannot run as the user no-such-user: there is no user 'no-such-user'"
    assert rows["unknown"]["error"]["message"] == message


def test_a_program_that_runs_as_somebody_else_ends_with_its_scheduler_too(open_site):
    site = open_site
    define(site, {"hangs": {"command": ["sh", "-c", "echo begun; exec sleep 600"], "user": "nobody"}})
    scheduler = site.start()
    scheduler.wait_for("output", job="hangs")

    scheduler.kill()

    wait_until(lambda: not site.processes(), "nothing survives")
