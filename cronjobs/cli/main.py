"""The command group: finds a command's file when it is called, and turns errors into exit codes."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from cronjobs import __version__
from cronjobs.core.errors import ConfigError, CronjobsError

if TYPE_CHECKING:
    from cronjobs.core.job import Configuration
    from cronjobs.signals import SignalPipe

COMMANDS = {
    "run": "Run the scheduler in the foreground.",
    "next": "Print coming runs, soonest first.",
    "status": "Print one line for each job.",
    "history": "Print runs, newest first.",
    "validate": "Check a file and report every problem in it.",
    "trigger": "Run a job now, in the foreground.",
    "reset": "Set a job's count of executions to zero.",
    "completion": "Print the completion script of a shell.",
}
_ALIASES = {"list": "status"}
_REPORT = "this is an error of cronjobs itself; please report it, with the lines above, to its maintainers"
EXIT_CODES = """\
\b
Exit codes:
  0        done
  1        what was checked or run failed
  2        usage
  3        configuration unusable (validate: 1)
  4        no such job or run
  5        state file unusable: locked, damaged, newer, read-only
  6        refused: a policy keeps the job from starting
  70       an error of cronjobs itself
  130, 143 ended by a second signal"""


class Surroundings:
    """What the options before the command say; a command reads the configuration when it needs it."""

    def __init__(
        self, file: str, state: str | None, app_dir: str | None, signals: "SignalPipe | None"
    ) -> None:
        self.file = file
        self.state = state
        self.app_dir = app_dir
        self.signals = signals

    def configuration(self) -> "Configuration":
        """Return what the file says; ConfigError if that cannot be used."""
        from cronjobs.config.load import load

        return load(self.file, environ=os.environ, state=self.state, app_dir=self.app_dir)


class LateGroup(click.Group):
    """Imports a command's module when the command is called, or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order of their help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of that name."""
        name = _ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"cronjobs.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; what is not found is answered with what was probably meant."""
        if args and args[0] not in COMMANDS and args[0] not in _ALIASES and not args[0].startswith("-"):
            from cronjobs.core.suggest import did_you_mean

            hint = did_you_mean(args[0], [*COMMANDS, *_ALIASES])
            raise click.UsageError(f"no command {args[0]!r}. {hint}".rstrip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LateGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "CRONJOBS"},
    epilog=EXIT_CODES,
)
@click.option("-f", "--file", default="jobs.toml", show_default=True, help="The configuration.")
@click.option("--state", help="The state file; instead of `state` in [cronjobs].")
@click.option("--app-dir", help="First on the jobs' import path; instead of the file's directory.")
@click.version_option(__version__, prog_name="cronjobs", message="%(prog)s %(version)s")
@click.pass_context
def group(context: click.Context, file: str, state: str | None, app_dir: str | None) -> None:
    """A cron for Python functions.

    Every option can be set in the environment too: --state is CRONJOBS_STATE, --grace of run is
    CRONJOBS_RUN_GRACE.
    """
    context.obj = Surroundings(file, state, app_dir, context.obj)


def run_command_line(arguments: Sequence[str], signals: "SignalPipe | None" = None) -> int:
    """Run a command and return its exit code; whatever goes wrong is said on standard error."""
    try:
        result: Any = group.main(list(arguments), prog_name="cronjobs", standalone_mode=False, obj=signals)
        sys.stdout.flush()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.Abort:
        click.echo("aborted", err=True)
        return 130
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except CronjobsError as exc:
        _explain(exc, as_json="--json" in arguments)
        return exc.exit_code
    except BrokenPipeError:
        _forget_output()
        return 0
    except Exception:  # the loop's edge: an error of our own
        import traceback

        traceback.print_exc()
        click.echo(_REPORT, err=True)
        return 70
    return result if isinstance(result, int) else 0


def _explain(error: CronjobsError, *, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps({"error": {"message": str(error), "hint": error.hint}}))
        return
    problems = error.problems if isinstance(error, ConfigError) else ()
    if problems:
        from cronjobs.cli.render import problem_lines

        for line in problem_lines(problems):
            click.echo(line, err=True)
        return
    click.echo(f"error: {error}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)


def _forget_output() -> None:
    """Nobody reads it: without this, Python complains at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
