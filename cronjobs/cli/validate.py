"""`cronjobs validate`: every problem of a file at once."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cronjobs.cli import options
from cronjobs.cli.problems import concise_line, github_line, named_from, problem_lines

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.config.load import Loaded
    from cronjobs.core.failure import Failure
    from cronjobs.core.problem import Problem
    from cronjobs.executors.verdicts import Verdict


def _note_json(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Have errors said in JSON where everything is."""
    if value == "json":
        context.obj.as_json = True
    return value


@click.command("validate")
@click.argument("file", required=False, type=click.Path())
@click.option("--strict", is_flag=True, help="Let warnings count as problems.")
@click.option("--no-import", is_flag=True, help="Do not import the modules that the jobs name.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["full", "concise", "json", "github"]),
    default="full",
    show_default=True,
    callback=_note_json,
    help="With the line and a caret, a line each, one JSON document, or GitHub's annotations.",
)
@click.pass_obj
def command(
    surroundings: "Surroundings", *, file: str | None, strict: bool, no_import: bool, form: str
) -> int:
    """Check a file and report every problem in it.

    Imports the modules that the jobs name, in processes of their own; runs no job and writes no state.
    """
    from cronjobs.config.load import read

    path = file or surroundings.file
    start = os.getcwd()  # the look at the modules goes to the file's directory
    loaded = read(path, environ=os.environ, state=surroundings.state, app_dir=surroundings.app_dir)
    problems = [*loaded.problems, *_warnings(loaded)]
    if loaded.callables and not no_import:
        problems += _import_problems(loaded)
    problems.sort(key=lambda each: (each.line, each.column))
    _show(problems, form, start)
    is_refused = any(strict or problem.severity == "error" for problem in problems)
    if form != "json":
        click.echo(f"{path}: {_verdict(loaded, problems)}", err=is_refused or form != "full")
    return 1 if is_refused else 0


def _warnings(loaded: "Loaded") -> "tuple[Problem, ...]":
    from cronjobs.config.advice import advice

    found = advice(loaded, now=int(options.now()))
    if not found:
        return ()
    from cronjobs.config.problems import located  # late: a file without mistakes needs no places

    return located(loaded.source, found)


def _show(problems: "Sequence[Problem]", form: str, start: str) -> None:
    if form == "full":
        for line in problem_lines(problems, start=start):
            click.echo(line)
        return
    if form == "json":
        from cronjobs.cli.render import print_json  # late: people need none of it

        print_json({"problems": [named_from(problem, start)._asdict() for problem in problems]})
        return
    line_of = concise_line if form == "concise" else github_line
    for problem in problems:
        click.echo(line_of(named_from(problem, start)))


def _verdict(loaded: "Loaded", problems: "Sequence[Problem]") -> str:
    """Return how many problems there are, or jobs and warnings."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if errors:
        return _counted(errors, "problem") + (f", {_counted(warnings, 'warning')}" if warnings else "")
    jobs = _counted(len(loaded.configuration.jobs) if loaded.configuration else 0, "job")
    return f"{jobs}, {_counted(warnings, 'warning') if warnings else 'no problems'}"


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
