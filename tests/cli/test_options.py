"""The options: before the command, in the environment, and what `-h` says of them."""

import click
import pytest

from cronjobs.__main__ import OPTIONS_WITH_VALUES, command_of
from cronjobs.cli.main import COMMANDS, group

ALL = [
    (command.name, option)
    for command in (group, *(group.get_command(click.Context(group), name) for name in COMMANDS))
    for option in command.params
    if isinstance(option, click.Option) and option.expose_value
]


@pytest.mark.parametrize(
    ("command", "option"), ALL, ids=[f"{name} {option.opts[-1]}" for name, option in ALL]
)
def test_every_option_has_the_variable_that_is_named_like_it(command, option):
    flag = option.opts[-1].removeprefix("--").upper().replace("-", "_")

    assert option.envvar == ("CRONJOBS_" if command == "group" else f"CRONJOBS_{command.upper()}_") + flag


def test_the_command_is_found_behind_the_options_before_it():
    words = {opt for option in group.params if not option.is_flag for opt in option.opts}

    assert words == OPTIONS_WITH_VALUES
    assert (
        command_of(["-f", "run", "--state=run", "-frun", "--color", "never", "next", "--name", "run"])
        == "next"
    )
    assert command_of(["--file", "jobs.toml", "run", "--grace", "1s"]) == "run"
    assert command_of(["-f"]) == command_of(["--help"]) == command_of([]) == ""


def test_a_job_that_is_called_run_can_be_triggered(place):
    place.define('[jobs.run]\ncallable = "tasks:greet"\nschedule = "@daily"\nargs = { name = "world" }\n')

    assert place.type("trigger", "run").out == "hello world\n"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_tells_of_itself_and_of_each_of_its_options(place, command, flag):
    answer = place.type(command, flag)

    assert answer.code == 0
    assert answer.lines[0].startswith(f"Usage: cronjobs {command} [OPTIONS]")
    options = [option for name, option in ALL if name == command]
    assert all(option.opts[-1] in answer.out for option in options)
    assert all(option.help for option in options)


# Before the command


@pytest.fixture
def elsewhere(place):
    """A place whose jobs.toml is broken, beside a good one in a directory of its own."""
    (place.directory / "sub").mkdir()
    (place.directory / "jobs.toml").rename(place.directory / "sub" / "other.toml")
    (place.directory / "tasks.py").rename(place.directory / "sub" / "tasks.py")
    place.define("broken")
    return place


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["-f", "sub/other.toml"], {}),
        (["--file", "sub/other.toml"], {}),
        ([], {"CRONJOBS_FILE": "sub/other.toml"}),
        (["-f", "sub/other.toml"], {"CRONJOBS_FILE": "none.toml"}),
    ],
)
def test_the_file_is_named_by_option_then_by_variable(elsewhere, words, variables):
    assert elsewhere.type(*words, "status", **variables).code == 0
    assert elsewhere.type(*words, "trigger", "greet", **variables).out == "hello world\n"
    assert (elsewhere.directory / "sub" / "cronjobs.db").exists()


def test_an_empty_variable_is_none(place):
    assert place.type("status", CRONJOBS_FILE="", CRONJOBS_STATE="", CRONJOBS_STATUS_JSON="").code == 0


@pytest.mark.parametrize(
    ("words", "variables"), [(["--state", "here.db"], {}), ([], {"CRONJOBS_STATE": "here.db"})]
)
def test_the_state_file_is_named_from_the_working_directory(elsewhere, words, variables):
    elsewhere.type("-f", "sub/other.toml", *words, "reset", "greet", **variables)

    assert (elsewhere.directory / "here.db").exists()
    assert not (elsewhere.directory / "sub" / "cronjobs.db").exists()


@pytest.mark.parametrize(
    ("words", "variables"), [(["--app-dir", "lib"], {}), ([], {"CRONJOBS_APP_DIR": "lib"})]
)
def test_the_app_dir_stands_in_for_the_files_directory(place, words, variables):
    (place.directory / "lib").mkdir()
    (place.directory / "lib" / "tasks.py").write_text("def greet(name):\n    print('from lib')\n")

    assert place.type(*words, "trigger", "greet", **variables).out == "from lib\n"


# In the environment


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["next", "--name", "fail", "--json"], {"CRONJOBS_NEXT_NAME": "fail", "CRONJOBS_NEXT_JSON": "1"}),
        (
            ["next", "--from", "2027-01-04", "--until", "2027-01-06", "--count", "9"],
            {
                "CRONJOBS_NEXT_FROM": "2027-01-04",
                "CRONJOBS_NEXT_UNTIL": "2027-01-06",
                "CRONJOBS_NEXT_COUNT": "9",
            },
        ),
        (["status", "--json"], {"CRONJOBS_STATUS_JSON": "true"}),
        (["status", "--check"], {"CRONJOBS_STATUS_CHECK": "1"}),
        (
            ["history", "--state", "failed", "--limit", "1", "--json"],
            {
                "CRONJOBS_HISTORY_STATE": "failed",
                "CRONJOBS_HISTORY_LIMIT": "1",
                "CRONJOBS_HISTORY_JSON": "1",
            },
        ),
        (["validate", "--no-import"], {"CRONJOBS_VALIDATE_NO_IMPORT": "1"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_variable_does_what_its_option_does(place, words, variables):
    place.type("trigger", "fail")
    place.type("trigger", "fail")

    assert place.type(words[0], **variables) == place.type(*words)


def test_json_from_the_environment_holds_for_errors_too(place):
    answer = place.type("next", "--name", "gret", CRONJOBS_NEXT_JSON="1")

    assert answer.document["error"]["hint"] == "did you mean `greet`?"


def test_counted_from_the_environment_is_counted(place):
    place.type("trigger", "greet", CRONJOBS_TRIGGER_COUNTED="1")

    assert place.type("status", "--json").document[0]["executions"] == 1


def test_the_version_that_an_image_notes_in_its_environment_is_no_request_for_it(place):
    assert place.type("status", CRONJOBS_VERSION="1", CRONJOBS_HELP="1") == place.type("status")


def test_list_is_another_name_for_status(place):
    assert place.type("list", "--json") == place.type("status", "--json")
    assert place.type("list", CRONJOBS_STATUS_JSON="1") == place.type("status", "--json")
