"""`cronjobs validate`: every problem of a file at once."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import click

from cronjobs.cli import options
from cronjobs.cli.problems import concise_line, github_line, named_from, problem_lines

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings
    from cronjobs.config.load import Loaded
    from cronjobs.config.problems import Mistake
    from cronjobs.core.failure import Failure
    from cronjobs.core.job import Configuration, QuerySettings
    from cronjobs.core.problem import Problem
    from cronjobs.executors.verdicts import Verdict
    from cronjobs.signatures import Misfit


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
    loaded = read(
        path,
        environ=os.environ,
        state=surroundings.state,
        app_dir=surroundings.app_dir,
        discovers=not no_import,
    )
    warnings: list[Mistake] = []

    def warn() -> None:
        warnings.extend(_warnings(loaded))

    problems = list(loaded.problems)
    if loaded.configuration and not no_import:
        problems += _located(loaded, _import_mistakes(loaded, loaded.configuration, meanwhile=warn))
    else:
        warn()
    problems += _located(loaded, warnings)
    problems.sort(key=lambda each: (each.file != loaded.source.file, each.file, each.line, each.column))
    _show(problems, form, start)
    is_refused = any(strict or problem.severity == "error" for problem in problems)
    if form != "json":
        verdict = _verdict(loaded, problems, no_import=no_import)
        click.echo(f"{path}: {verdict}", err=is_refused or form != "full")
    return 1 if is_refused else 0


def _warnings(loaded: "Loaded") -> "list[Mistake]":
    from cronjobs.config.advice import advice

    return advice(loaded, now=int(options.now()))


def _located(loaded: "Loaded", mistakes: "Iterable[Mistake]") -> "Iterator[Problem]":
    """Give mistakes as problems of the file, and those of jobs beside their functions of the modules."""
    in_file: list[Mistake] = []
    for mistake in mistakes:
        if mistake.path[:1] == ("jobs",) and (definition := loaded.definitions.get(str(mistake.path[1]))):
            from cronjobs.config.discover import placed  # late: few files have such jobs

            yield placed(definition, mistake)
        else:
            in_file.append(mistake)
    if in_file:
        from cronjobs.config.problems import located  # late: a file without mistakes needs no places

        yield from located(loaded.source, in_file)


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


def _verdict(loaded: "Loaded", problems: "Sequence[Problem]", *, no_import: bool) -> str:
    """Return how many problems there are, or jobs and warnings."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if errors:
        return _counted(errors, "problem") + (f", {_counted(warnings, 'warning')}" if warnings else "")
    configuration = loaded.configuration
    jobs = _counted(len(configuration.jobs) if configuration else 0, "job")
    skipped = no_import and configuration and configuration.settings.discover
    without = "; the modules in `discover` were not looked at" if skipped else ""
    return f"{jobs}, {_counted(warnings, 'warning') if warnings else 'no problems'}{without}"


def _import_mistakes(
    loaded: "Loaded", configuration: "Configuration", *, meanwhile: Callable[[], None]
) -> Iterator["Mistake"]:
    from cronjobs.config.problems import Mistake
    from cronjobs.executors.imports import prepare_path
    from cronjobs.executors.orders import JobSetup
    from cronjobs.executors.probe import probe
    from cronjobs.services.supplies import Supplies

    setups = [JobSetup(name, target, args, {}) for name, (target, args) in loaded.callables.items()]
    misread = _misread(loaded, configuration)
    supplies = Supplies(configuration.services, {}, configuration.query, misread)
    verdicts: dict[str, Verdict] = {}
    prepare_path(configuration.app_dir, configuration.directory)
    timeout = configuration.settings.import_timeout_seconds
    looks = probe(
        setups, supplies, timeout_seconds=timeout, parallel=os.cpu_count() or 1, meanwhile=meanwhile
    )
    for verdict in looks:
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


def _misread(loaded: "Loaded", configuration: "Configuration") -> tuple[str, ...]:
    """Return what parameters are called for services, and a query, that have mistakes of their own."""
    from cronjobs.targets import parameter_name  # late: the modules are looked at with it

    services = loaded.document.get("services")
    keys = services if isinstance(services, dict) else ()
    query = ("query",) if "query" in loaded.document and configuration.query is None else ()
    return (*query, *(parameter_name(key) for key in keys if key not in configuration.services))


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
