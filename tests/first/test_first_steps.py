"""First steps: a function, a `jobs.toml` beside it, and every command once. Read it from top to bottom.

The commands run as they do in a shell, in the directory of the two files.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

# A job is a function. What it prints is logged; `logger` and `context` are given to whoever names them.
TASKS = """
def greet(name, logger, context):
    logger.info("execution %d of %s", context.execution_number, context.job_name)
    print("hello", name)

async def fail():
    raise ValueError("the beans are out")
"""

# Six fields begin with seconds: both jobs are due every two seconds, `greet` three times in all.
JOBS = """
[defaults]
timezone = "UTC"

[jobs.greet]
callable = "tasks:greet"
schedule = "*/2 * * * * *"
number_of_executions = 3
args = { name = "world" }

[jobs.fail]
callable = "tasks:fail"
schedule = "*/2 * * * * *"
number_of_executions = 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory with the two files, in which nothing has run yet."""
    directory = tmp_path_factory.mktemp("home")
    (directory / "tasks.py").write_text(TASKS)
    (directory / "jobs.toml").write_text(JOBS)
    return directory


def cronjobs(directory, *words):
    """Type a command in a directory; return the finished process."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CRONJOBS_")}
    return subprocess.run(
        [sys.executable, "-m", "cronjobs", *words],
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def answer_of(directory, *words):
    """Return the JSON document that a command prints."""
    return json.loads(cronjobs(directory, *words, "--json").stdout)


# 1. Is the file right? Every mistake would be shown at once, with its place.


def test_validate_finds_the_file_good(home):
    answer = cronjobs(home, "validate")

    assert answer.returncode == 0
    assert answer.stdout == "jobs.toml: 2 jobs, no problems\n"


def test_validate_shows_a_mistake_in_its_place(home, tmp_path):
    mistaken = tmp_path / "jobs.toml"
    mistaken.write_text(JOBS.replace("tasks:greet", "tasks:great"))
    shutil.copy(home / "tasks.py", tmp_path)

    answer = cronjobs(tmp_path, "validate")

    assert answer.returncode == 1
    assert "jobs.toml:6:13" in answer.stdout
    assert "did you mean `greet`?" in answer.stdout


# 2. What will run, and when?


def test_next_lists_no_more_than_the_executions_that_are_left(home):
    coming = answer_of(home, "next", "--name", "greet")

    assert [run["execution_number"] for run in coming] == [1, 2, 3]


# 3. Run it. Usually it goes on until Ctrl-C; here it ends when no job can ever run again.


@pytest.fixture(scope="module")
def ran(home, tmp_path_factory):
    """A directory like `home` after `cronjobs run --exit-when-done > log`."""
    directory = shutil.copytree(home, tmp_path_factory.mktemp("ran") / "home")
    answer = cronjobs(directory, "run", "--exit-when-done")
    assert answer.returncode == 0, answer.stderr
    (directory / "log").write_text(answer.stdout)
    return directory


def test_run_begins_with_the_schedule_and_logs_what_jobs_print(ran):
    announcement, head, *log = (ran / "log").read_text().splitlines()

    assert announcement.endswith("counts start at zero")
    assert head.split() == ["NEXT", "RUN", "JOB", "EXECUTION"]
    assert len([line for line in log if line.endswith("greet  | hello world")]) == 3


def test_a_job_that_fails_harms_nobody_else(ran):
    log = (ran / "log").read_text()

    assert log.count("fail  error: failed") == 1
    assert log.count("greet  succeeded") == 3


# 4. How did it go?


def test_status_has_a_line_for_each_job(ran):
    head, greet, fail = cronjobs(ran, "status").stdout.splitlines()

    assert head.split() == ["JOB", "SCHEDULE", "LAST", "RUN", "EXECUTIONS", "NEXT", "RUN"]
    assert "every 2 seconds" in greet
    assert "succeeded" in greet
    assert greet.split()[-2:] == ["3/3", "done"]
    assert "failed: ValueError" in fail
    assert fail.split()[-2:] == ["1/1", "done"]


def test_history_has_every_run_and_why_it_failed(ran):
    runs = answer_of(ran, "history")

    assert (
        sorted((run["job"], run["state"]) for run in runs)
        == [("fail", "failed")] + [("greet", "succeeded")] * 3
    )
    (failed,) = [run for run in runs if run["job"] == "fail"]
    assert (failed["error"]["type"], failed["error"]["message"]) == ("ValueError", "the beans are out")


# 5. By hand. Counts are kept in `cronjobs.db`: a job that is done stays done until it is reset.


@pytest.fixture
def done(ran, tmp_path):
    """A copy of the directory after the run, for a test to change."""
    return shutil.copytree(ran, tmp_path / "copy")


def test_running_again_runs_nothing_again(done):
    assert cronjobs(done, "run", "--exit-when-done").returncode == 0

    assert len(answer_of(done, "history")) == 4


def test_trigger_runs_a_job_now_whatever_its_count(done):
    answer = cronjobs(done, "trigger", "greet")

    assert answer.returncode == 0
    assert answer.stdout.splitlines()[-1] == "hello world"
    assert cronjobs(done, "trigger", "fail").returncode == 1


def test_reset_lets_a_job_begin_again(done):
    assert answer_of(done, "next", "--name", "greet") == []

    cronjobs(done, "reset", "greet")

    assert [run["execution_number"] for run in answer_of(done, "next", "--name", "greet")] == [1, 2, 3]
