"""What README.md shows is what happens."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language, heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_the_first_job_does_what_the_readme_says(tmp_path):
    (module,) = blocks("python", "Your first job")
    (configuration,) = blocks("toml", "Your first job")
    (commands,) = blocks("sh", "Your first job")
    (tmp_path / "tasks.py").write_text(module)
    (tmp_path / "jobs.toml").write_text(configuration)
    script = re.sub(r"^cronjobs", f"{sys.executable} -m cronjobs", commands, flags=re.MULTILINE)

    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "no problems" in done.stdout
    for execution in (1, 2, 3):
        assert f"hello world, execution {execution}" in done.stdout
    assert done.stdout.count("what a job prints is in the log, line by line") == 3
    assert "3/3" in done.stdout


def test_the_workflow_of_the_readme_writes_to_the_subscribers(tmp_path):
    (module,) = blocks("python", "Services, query, workflows")
    (configuration,) = blocks("toml", "Services, query, workflows")
    (tmp_path / "tasks.py").write_text(module)
    (tmp_path / "jobs.toml").write_text(configuration)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.executescript(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, newsletter_subscribed BOOLEAN);"
            "INSERT INTO customers VALUES (1, 'a@b.de', 1), (2, 'c@d.de', 0), (3, 'e@f.de', 1);"
        )

    done = [
        subprocess.run(
            [sys.executable, "-m", "cronjobs", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        for words in (["validate"], ["trigger", "newsletter"], ["workflow", "list", "--json"])
    ]

    checked, triggered, workflows = done
    assert checked.stdout == "jobs.toml: 1 job, no problems\n"
    assert triggered.stdout == "INFO 2 mails sent\n", triggered.stderr
    assert [(each["name"], each["state"]) for each in json.loads(workflows.stdout)] == [
        ("write_to_all", "succeeded")
    ]


def test_the_two_commands_of_the_readme_set_up_everything_on_one_line_each():
    (commands,) = blocks("sh", "Try it")

    run, tests = commands.splitlines()

    for command in (run, tests):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert run.endswith("&& .venv/bin/cronjobs run")
    assert tests.endswith("&& .venv/bin/python -m pytest -q -n 4 --dist worksteal")


def test_the_readme_names_every_key_of_the_configuration_and_no_other():
    from cronjobs.config.fields import TABLES

    section = README.split("\n## jobs.toml\n")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))

    assert named == set(TABLES["jobs"])
    for key in {*TABLES["cronjobs"], *TABLES["defaults"]}:
        assert f"`{key}`" in section


def test_the_dockerfile_of_the_readme_names_commands_that_there_are():
    (dockerfile,) = blocks("dockerfile", "In a container")

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"] in dockerfile
    for words in (["status", "--check"], ["run", "--log-format", "json"]):
        help_text = subprocess.run(
            [sys.executable, "-m", "cronjobs", words[0], "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert words[1] in help_text
