"""Completion: the scripts that are shipped, and what a shell is answered."""

import importlib.metadata
from pathlib import Path

import pytest

from cronjobs.cli.main import COMMANDS

SHIPPED = Path(__file__).parents[2] / "completions"
FILES = {"bash": "cronjobs.bash", "zsh": "_cronjobs", "fish": "cronjobs.fish"}
CLICK = tuple(map(int, importlib.metadata.version("click").split(".")[:2]))


@pytest.mark.skipif(CLICK < (8, 2), reason="older versions of click write other scripts")
@pytest.mark.parametrize("shell", FILES)
def test_the_shipped_script_is_what_the_command_prints(place, shell):
    assert (SHIPPED / FILES[shell]).read_text() == place.type("completion", shell).out


def completed(place, line):
    """Return what bash is answered for a line whose last word is to be completed."""
    words = line.split(" ")
    answer = place.type(_CRONJOBS_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert (answer.code, answer.err) == (0, "")
    return [line.removeprefix("plain,") for line in answer.lines if line]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cronjobs st", ["status"]),
        ("cronjobs ", [*COMMANDS]),
        ("cronjobs next --n", ["--name"]),
        ("cronjobs explain --t", ["--timezone"]),
        ("cronjobs completion z", ["zsh"]),
        ("cronjobs trigger g", ["greet"]),
        ("cronjobs reset ", ["greet", "fail", "off"]),
        ("cronjobs next --name f", ["fail"]),
        ("cronjobs history --name o", ["off"]),
        ("cronjobs -f other.toml trigger ", ["elsewhere"]),
        ("cronjobs -f none.toml trigger ", []),
    ],
)
def test_commands_options_and_jobs_are_completed_without_importing_jobs(place, line, words):
    (place.directory / "tasks.py").write_text("open('imported', 'w').close()\n")
    (place.directory / "other.toml").write_text(
        '[jobs.elsewhere]\ncallable = "tasks:greet"\nschedule = "@daily"\n'
    )

    assert completed(place, line) == words
    assert not (place.directory / "imported").exists()
