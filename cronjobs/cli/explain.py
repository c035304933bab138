"""`cronjobs explain`: what a schedule means."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import click

from cronjobs.cli import options
from cronjobs.cli.options import as_json
from cronjobs.cli.render import print_json
from cronjobs.cli.table import print_wrapped
from cronjobs.core.errors import ScheduleError
from cronjobs.core.run import instant_text
from cronjobs.core.schedule import Schedule, parse_schedule

if TYPE_CHECKING:
    from cronjobs.cli.main import Surroundings

_VALUED = ("--timezone", "--from", "--count", "--name")


class _Command(click.Command):
    """Takes a word with a blank in it for the expression, also where it begins with `-`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such a word behind `--`, where click looks for no options."""
        for place, word in enumerate(args):
            is_value = place > 0 and args[place - 1] in _VALUED
            if word == "--":
                break
            if word.startswith("-") and not is_value and {" ", "\t"} & set(word):
                args = [*args[:place], *args[place + 1 :], "--", word]
                break
        return super().parse_args(ctx, args)


class _Asked(NamedTuple):
    """The text, and in whose name and where it is read. `begin` is when it is looked at, `now` is now."""

    text: str
    zone: str
    job: str
    hash_seed: str
    begin: int
    now: float

    def schedule(self) -> Schedule:
        """Return what the text yields; `@every` counts from where the look at it begins."""
        return parse_schedule(self.text, self.zone, job=self.job, hash_seed=self.hash_seed, anchor=self.begin)


@click.command("explain", cls=_Command)
@click.argument("expression", metavar="EXPR", nargs=-1, required=True)
@click.option("--timezone", metavar="ZONE", help="Its time zone.  [default: the machine's]")
@click.option("--from", "begin", metavar="TIME", help="Strictly after this time.  [default: now]")
@click.option(
    "--count", type=click.IntRange(1, 100_000), default=5, show_default=True, help="How many fires to tell."
)
@click.option(
    "--name", shell_complete=options.complete_job, help="The job whose name `H` is hashed from, and its zone."
)
@as_json
@click.pass_obj
def command(
    surroundings: "Surroundings",
    *,
    expression: tuple[str, ...],
    timezone: str | None,
    begin: str | None,
    count: int,
    name: str | None,
    as_json: bool,
) -> int:
    """Say what a schedule means and when it fires.

    EXPR is a text as it stands in `jobs.toml`, best in quotes. Without --name, no file is read.
    """
    asked = _asked(surroundings, " ".join(expression), timezone, begin, name)
    try:
        schedule = asked.schedule()
    except ScheduleError as error:
        _refuse(asked.text, error, as_json=as_json)
        return 1
    fires = list(islice(_fires(schedule, asked.begin), count))
    if as_json:
        print_json(_document(asked, schedule, fires))
    else:
        _print(asked, schedule, fires)
    return 0


def _asked(
    surroundings: "Surroundings", text: str, timezone: str | None, begin: str | None, name: str | None
) -> _Asked:
    job, hash_seed, zone = name or "", "", timezone
    if name and _has_file(surroundings):
        configuration = surroundings.configuration()
        known = options.find_job(configuration, name)
        hash_seed, zone = configuration.settings.hash_seed, timezone or known.timezone
    zone = _checked_zone(zone)
    now = options.now()
    try:
        start = now if begin is None else options.instant(begin, zone)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="'--from'") from exc
    return _Asked(text, zone, job, hash_seed, int(start // 1), now)


def _has_file(surroundings: "Surroundings") -> bool:
    """Return whether there is a file to look the job up in; where none was asked for, there need not be."""
    if surroundings.file != "jobs.toml" or os.path.exists(surroundings.file):
        return True
    click.echo("note: there is no jobs.toml here; `H` is hashed from the name alone", err=True)
    return False


def _checked_zone(zone: str | None) -> str:
    from cronjobs.config.zone import is_zone, no_zone

    if zone is None:
        try:
            return options.machine_zone()
        except ValueError as exc:
            raise click.UsageError(f"{exc}; --timezone names one") from exc
    if is_zone(zone):
        return zone
    message, hint = no_zone(zone)
    message += f"; {hint}"
    raise click.BadParameter(message, param_hint="'--timezone'")


def _fires(schedule: Schedule, after: int) -> Iterator[int]:
    while (fire := schedule.next_after(after)) is not None:
        yield fire
        after = fire


def _warnings(asked: _Asked, kind: str) -> Iterator[str]:
    from cronjobs.core.schedule import lint
    from cronjobs.core.schedule.cron import has_hash

    if kind in ("wildcard", "fixed") and has_hash(asked.text) and not asked.job:
        yield "`H` is hashed from a job's name, and this is nobody's: `--name JOB` lends one"
    found = lint(
        asked.text,
        asked.zone,
        now=asked.begin,
        job=asked.job,
        hash_seed=asked.hash_seed,
        anchor=asked.begin,
    )
    for each in found:
        yield f"{each.message}; {each.hint}" if each.hint else each.message


def _document(asked: _Asked, schedule: Schedule, fires: Sequence[int]) -> dict[str, object]:
    from cronjobs.core.schedule import meaning

    found = meaning(asked.text, asked.zone, job=asked.job, hash_seed=asked.hash_seed)
    return {
        "expression": asked.text,
        "kind": schedule.kind,
        "description": found.words,
        "timezone": asked.zone,
        "clock_changes": found.clock_changes,
        "fires": [instant_text(fire) for fire in fires],
        "warnings": list(_warnings(asked, schedule.kind)),
    }


def _refuse(text: str, error: ScheduleError, *, as_json: bool) -> None:
    """Say what is wrong with a text: for people with a caret below the place."""
    if as_json:
        said = {"code": error.code, "message": str(error), "hint": error.hint, "column": error.column}
        print_json({"error": said})
        return
    lines = [f"{click.style('error', fg='red')}: {error}"]
    if text.isprintable() or text.replace("\t", " ").isprintable():
        shown = text.replace("\t", " ")
        end = len(text) if error.code == "never" else _end_of_term(shown, error.column)
        carets = "^" * max(1, end - error.column + 1)
        lines += [f"  {shown}", "  " + " " * (error.column - 1) + click.style(carets, fg="red")]
    lines += [f"hint: {error.hint}"] if error.hint else []
    click.echo("\n".join(lines), err=True)


def _end_of_term(text: str, column: int) -> int:
    """Return the column of the last character of the term that begins at `column`."""
    end = column
    while end < len(text) and text[end] not in " ,":
        end += 1
    return end


def _print(asked: _Asked, schedule: Schedule, fires: Sequence[int]) -> None:
    from cronjobs.core.schedule import explanation
    from cronjobs.core.words import aligned, from_now, local_text

    found = explanation(asked.text, asked.zone, now=asked.begin, job=asked.job, hash_seed=asked.hash_seed)
    click.echo(click.style(asked.text, bold=True))
    print_wrapped(f"means    {found.words}", indent=9)
    print_wrapped(f"kind     {schedule.kind}: {found.clock_changes}", indent=9)
    click.echo(f"zone     {asked.zone}")
    click.echo("fires" if fires else f"fires    {_why_none(schedule)}")
    rows = [(local_text(fire, asked.zone), from_now(fire, asked.now)) for fire in fires]
    for line in aligned(rows, indent="  ") if rows else ():
        click.echo(line)
    _print_sentences("warnings", list(_warnings(asked, schedule.kind)))
    _print_sentences("other crons", found.others)


def _why_none(schedule: Schedule) -> str:
    return "whenever the scheduler starts" if schedule.kind == "reboot" else "never again"


def _print_sentences(title: str, sentences: Sequence[str]) -> None:
    if sentences:
        click.echo(title)
    for sentence in sentences:
        print_wrapped(f"  - {sentence}", indent=4)
