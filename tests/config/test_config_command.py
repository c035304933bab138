"""Jobs that are programs, in `jobs.toml`."""

from pathlib import Path

import pytest

from cronjobs.config.load import read


def loaded(directory: Path, job: str):
    path = directory / "jobs.toml"
    path.write_text(f"[jobs.a]\n{job}\nschedule = '@daily'\n")
    return read(str(path), environ={"TZ": "UTC", "WHERE": "/srv"})


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("['backup', '--to', '${WHERE}']", ("backup", "--to", "/srv")),
        ("['backup']", ("backup",)),
        ("'backup > $HOME/${NAME:-x} $$'", ("/bin/sh", "-c", "backup > $HOME/${NAME:-x} $$")),
    ],
)
def test_a_command_is_a_program_or_a_text_that_is_left_to_the_shell(tmp_path, written, command):
    found = loaded(tmp_path, f"command = {written}")

    assert found.problems == ()
    job = found.configuration.jobs["a"]
    assert (job.callable, job.command, job.cwd, job.user) == ("", command, None, None)
    assert found.callables == {}


def test_a_job_says_where_it_works_and_as_whom(tmp_path):
    found = loaded(tmp_path, "command = ['true']\ncwd = 'below'\nuser = 'nobody'")

    job = found.configuration.jobs["a"]
    assert (job.cwd, job.user) == ("below", "nobody")


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        ("command = 7", "2:11 E203 `command` must be an array of strings"),
        ("command = []", "2:11 E204 `command` names no program"),
        ("command = ['']", "2:13 E204 `command` names no program"),
        ("command = ['a', 7]", "2:17 E203 `command` must be an array of strings"),
        ("command = ['a', \"\\u0000\"]", "2:18 E204 `command` contains a NUL"),
        ("command = ''", "2:12 E204 `command` is empty"),
        ("callable = 'a:b'\ncommand = ['a']", "3:1 E204 a job has a `callable` or a `command`, not both"),
        ("command = ['a']\nargs = {b = 1}", "3:1 E204 `args` are for a `callable`"),
        ("", "1:1 E202 the job `a` has no `callable`"),
        ("cmd = ['a']", "2:1 E201 unknown key `cmd`"),
    ],
)
def test_a_mistake_in_a_command_is_placed(tmp_path, job, problem):
    first, *_ = sorted(loaded(tmp_path, job).problems, key=lambda each: -each.line)

    assert f"{first.line}:{first.column} {first.code} {first.message}".startswith(problem)


def test_whoever_names_nothing_to_run_is_told_of_both_ways(tmp_path):
    (problem,) = loaded(tmp_path, "").problems

    assert problem.hint.endswith("; `command` may stand instead")
