"""`cronjobs validate`: every problem of a file at once."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import click

from cronjobs.cli.problems import problem_lines

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.config.load import Loaded
    from cronjobs.config.problems import Mistake
    from cronjobs.core.failure import Failure
    from cronjobs.core.job import Configuration, QuerySettings
    from cronjobs.core.problem import Problem
    from cronjobs.executors.verdicts import Verdict
    from cronjobs.signatures import Misfit


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
    loaded = read(
        path,
        environ=os.environ,
        state=surroundings.state,
        app_dir=surroundings.app_dir,
        discovers=not no_import,
    )
    problems = list(loaded.problems)
    configuration = loaded.configuration
    if configuration and not no_import:
        problems += _import_problems(loaded, configuration)
        problems.sort(key=lambda each: (each.file != loaded.source.file, each.file, each.line, each.column))
    for line in problem_lines(problems, start=start):
        click.echo(line)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        click.echo(f"{path}: {_counted(len(errors), 'problem')}", err=True)
        return 1
    count = len(configuration.jobs) if configuration else 0
    skipped = no_import and configuration and configuration.settings.discover
    without = "; the modules in `discover` were not looked at" if skipped else ""
    click.echo(f"{path}: {_counted(count, 'job')}, no problems{without}")
    return 0


def _import_problems(loaded: "Loaded", configuration: "Configuration") -> "list[Problem]":
    from cronjobs.config.problems import located

    mistakes = list(_import_mistakes(loaded, configuration))
    if not mistakes:
        return []
    in_python = [each for each in mistakes if each.path[0] == "jobs" and each.path[1] in loaded.definitions]
    problems = list(located(loaded.source, [each for each in mistakes if each not in in_python]))
    if in_python:
        from cronjobs.config.discover import placed  # late: few files have such jobs

        problems += [placed(loaded.definitions[str(each.path[1])], each) for each in in_python]
    return problems


def _import_mistakes(loaded: "Loaded", configuration: "Configuration") -> Iterator["Mistake"]:
    from cronjobs.config.problems import Mistake
    from cronjobs.executors.imports import prepare_path
    from cronjobs.executors.orders import JobSetup
    from cronjobs.executors.probe import probe
    from cronjobs.services.supplies import Supplies

    setups = [JobSetup(name, target, args, {}) for name, (target, args) in loaded.callables.items()]
    supplies = Supplies(configuration.services, {}, configuration.query)
    verdicts: dict[str, Verdict] = {}
    prepare_path(configuration.app_dir, configuration.directory)
    timeout = configuration.settings.import_timeout_seconds
    for verdict in probe(setups, supplies, timeout_seconds=timeout, parallel=os.cpu_count() or 1):
        verdicts[verdict.module] = verdict
        for name, (target, _) in loaded.callables.items():
            found = verdict.failures.get(name), verdict.misfits.get(name, ())
            yield from _of_callable(verdict, ("jobs", name, "callable"), target, *found)
        for key, service in configuration.services.items():
            found = verdict.service_failures.get(key), verdict.service_misfits.get(key, ())
            yield from _of_callable(verdict, ("services", key, "factory"), service.factory, *found)
    if configuration.query is not None:
        yield from _of_query(configuration.query)
    if configuration.services:
        from cronjobs.executors.findings import Findings  # late: few files have services

        findings = Findings({}, supplies)
        findings.verdicts.update(verdicts)
        for key, message in findings.circles().items():
            hint = "let one of them take `container`, and resolve the other when it is used"
            yield Mistake("circle", ("services", key), message, hint)


def _of_query(settings: "QuerySettings") -> Iterator["Mistake"]:
    from cronjobs.config.problems import Mistake
    from cronjobs.core.errors import QueryError
    from cronjobs.services.query import make_query  # late: few files have one

    try:
        make_query(settings.url, settings.relations).close()
    except QueryError as exc:
        key = "url" if str(exc).startswith("query.url") else "relations"
        yield Mistake("value", ("query", key), str(exc), exc.hint)


def _of_callable(
    verdict: "Verdict",
    path: tuple[str, str, str],
    target: str,
    failure: "Failure | None",
    misfits: Sequence["Misfit"],
) -> Iterator["Mistake"]:
    """Give what a verdict has found wrong with a callable that is named at `path`, if it is of its module."""
    from cronjobs.config.problems import Mistake

    if not target.startswith(f"{verdict.module}:"):
        return
    if misfits:
        for misfit in misfits:
            place = (*path[:2], "args", misfit.argument) if misfit.argument else path
            at: Literal["key", "value"] = "key" if misfit.argument else "value"
            yield Mistake("argument", place, f"{target}: {misfit.message}", misfit.hint, at)
    elif broken := verdict.failure or failure:
        yield Mistake(_word(broken), path, _message(broken))


def _word(failure: "Failure") -> str:
    words = {"ModuleNotFoundError": "module", "AttributeError": "attribute", "TypeError": "argument"}
    return words.get(failure.type, "import") if not failure.traceback else "import"


def _message(failure: "Failure") -> str:
    return f"{failure.message}\n{failure.traceback}" if failure.traceback else failure.message


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
