"""`cronjobs validate`: every problem of a file at once."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cronjobs.cli.render import problem_lines

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.config.load import Loaded
    from cronjobs.core.problem import Problem
    from cronjobs.core.run import Failure


@click.command("validate")
@click.argument("file", required=False)
@click.pass_obj
def command(surroundings: "Surroundings", *, file: str | None) -> int:
    """Check a file and report every problem in it.

    Imports the modules that the jobs name, in processes of their own; runs no job and writes no state.
    """
    from cronjobs.config.load import read

    path = file or surroundings.file
    loaded = read(path, environ=os.environ, state=surroundings.state, app_dir=surroundings.app_dir)
    problems = sorted(
        [*loaded.problems, *_import_problems(loaded)], key=lambda each: (each.line, each.column)
    )
    errors = [problem for problem in problems if problem.severity == "error"]
    for line in problem_lines(problems):
        click.echo(line)
    if errors:
        click.echo(f"{path}: {_counted(len(errors), 'problem')}", err=True)
        return 1
    count = len(loaded.configuration.jobs) if loaded.configuration else 0
    click.echo(f"{path}: {_counted(count, 'job')}, no problems")
    return 0


def _import_problems(loaded: "Loaded") -> Iterator["Problem"]:
    if loaded.configuration is None or not loaded.callables:
        return
    from cronjobs.config.problems import Mistake, located
    from cronjobs.executors.imports import prepare_path
    from cronjobs.executors.orders import JobSetup
    from cronjobs.executors.probe import probe

    setups = [JobSetup(name, target, args, {}) for name, (target, args) in loaded.callables.items()]
    prepare_path(loaded.configuration.app_dir, loaded.configuration.directory)
    timeout = loaded.configuration.settings.import_timeout_seconds
    mistakes = []
    for verdict in probe(setups, timeout_seconds=timeout, parallel=os.cpu_count() or 1):
        of_module = {
            setup.name: verdict.failure for setup in setups if setup.callable.startswith(verdict.module + ":")
        }
        for name, failure in (of_module if verdict.failure else verdict.failures).items():
            if failure is not None:
                path = ("jobs", name, "callable")
                mistakes.append(Mistake(_word(failure), path, _message(failure)))
    yield from located(loaded.source, mistakes)


def _word(failure: "Failure") -> str:
    words = {"ModuleNotFoundError": "module", "AttributeError": "attribute", "TypeError": "argument"}
    return words.get(failure.type, "import") if not failure.traceback else "import"


def _message(failure: "Failure") -> str:
    return f"{failure.message}\n{failure.traceback}" if failure.traceback else failure.message


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
