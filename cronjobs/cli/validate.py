"""`cronjobs validate`: every problem of a file at once."""

import os
from typing import TYPE_CHECKING

import click

from cronjobs.cli.problems import problem_lines

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.config.load import Loaded
    from cronjobs.core.failure import Failure
    from cronjobs.core.problem import Problem
    from cronjobs.executors.verdicts import Verdict


@click.command("validate")
@click.argument("file", required=False, type=click.Path())
@click.option("--no-import", is_flag=True, help="Do not import the modules that the jobs name.")
@click.pass_obj
def command(surroundings: "Surroundings", *, file: str | None, no_import: bool) -> int:
    """Check a file and report every problem in it.

    Imports the modules that the jobs name, in processes of their own; runs no job and writes no state.
    """
    from cronjobs.config.load import read

    path = file or surroundings.file
    start = os.getcwd()  # the look at the modules goes to the file's directory
    loaded = read(path, environ=os.environ, state=surroundings.state, app_dir=surroundings.app_dir)
    problems = list(loaded.problems)
    if loaded.callables and not no_import:
        problems += _import_problems(loaded)
        problems.sort(key=lambda each: (each.line, each.column))
    for line in problem_lines(problems, start=start):
        click.echo(line)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        click.echo(f"{path}: {_counted(len(errors), 'problem')}", err=True)
        return 1
    count = len(loaded.configuration.jobs) if loaded.configuration else 0
    click.echo(f"{path}: {_counted(count, 'job')}, no problems")
    return 0


def _import_problems(loaded: "Loaded") -> "tuple[Problem, ...]":
    from cronjobs.executors.imports import prepare_path
    from cronjobs.executors.orders import JobSetup
    from cronjobs.executors.probe import probe

    assert loaded.configuration is not None
    setups = [JobSetup(name, target, args, {}) for name, (target, args) in loaded.callables.items()]
    prepare_path(loaded.configuration.app_dir, loaded.configuration.directory)
    timeout = loaded.configuration.settings.import_timeout_seconds
    failures: dict[str, Failure] = {}
    for verdict in probe(setups, timeout_seconds=timeout, parallel=os.cpu_count() or 1):
        failures |= _failures(verdict, loaded)
    if not failures:
        return ()
    from cronjobs.config.problems import Mistake, located  # late: a file without mistakes needs no places

    return located(
        loaded.source,
        [
            Mistake(_word(failure), ("jobs", name, "callable"), _message(failure))
            for name, failure in failures.items()
        ],
    )


def _failures(verdict: "Verdict", loaded: "Loaded") -> "dict[str, Failure]":
    """Return {job name: what is wrong with its callable} for the jobs of a module."""
    if verdict.failure is None:
        return dict(verdict.failures)
    prefix = f"{verdict.module}:"
    return {
        name: verdict.failure for name, (target, _) in loaded.callables.items() if target.startswith(prefix)
    }


def _word(failure: "Failure") -> str:
    words = {"ModuleNotFoundError": "module", "AttributeError": "attribute", "TypeError": "argument"}
    return words.get(failure.type, "import") if not failure.traceback else "import"


def _message(failure: "Failure") -> str:
    return f"{failure.message}\n{failure.traceback}" if failure.traceback else failure.message


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
