"""The command group: finds a command's file when it is called, and turns errors into exit codes."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cronjobs import __version__
from cronjobs.core.errors import ConfigError, CronjobsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cronjobs.cli.foreground import Instructions
    from cronjobs.core.job import Configuration

COMMANDS = {
    "run": "Run the scheduler in the foreground.",
    "next": "Print coming runs, soonest first.",
    "status": "Print one line for each job (also: list).",
    "history": "Print runs, newest first.",
    "validate": "Check a file and report every problem in it.",
    "explain": "Say what a schedule means and when it fires.",
    "simulate": "Print every run of a time, by the scheduler itself on virtual time.",
    "trigger": "Run a job now, in the foreground.",
    "workflow": "List, show, retry and cancel workflows.",
    "reset": "Set a job's count of executions to zero.",
    "completion": "Print the completion script of a shell.",
}
_ALIASES = {"list": "status"}
_REPORT = "this is an error of cronjobs itself; please report it, with its traceback, to its maintainers"
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
    """What the options before the command say; a command reads the configuration when it needs it.

    colour: None leaves it to whether standard output is a terminal. hand_over: see `run_command_line`.
    """

    def __init__(
        self, *, as_json: bool = False, hand_over: "Callable[[Instructions], int] | None" = None
    ) -> None:
        self.file = "jobs.toml"
        self.state: str | None = None
        self.app_dir: str | None = None
        self.colour: bool | None = None
        self.as_json = as_json
        self.hand_over = hand_over

    def configuration(self, *, discovers: bool = True) -> "Configuration":
        """Return what the file says; ConfigError if that cannot be used.

        discovers: with the jobs of the modules that it names, which have to be imported for them.
        """
        from cronjobs.config.load import load

        return load(
            self.file, environ=os.environ, state=self.state, app_dir=self.app_dir, discovers=discovers
        )


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
        # Not `importlib`: its own import takes as long as half a command's.
        command: click.Command = __import__(f"cronjobs.cli.{name}", fromlist=["command"]).command
        _read_environment(command, f"CRONJOBS_{name}")
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the command; without any word, print the help where errors go."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; what is not found is answered with what was probably meant."""
        if args[0] not in COMMANDS and args[0] not in _ALIASES and not ctx.resilient_parsing:
            from cronjobs.core.suggest import did_you_mean

            hint = did_you_mean(args[0], [*COMMANDS, *_ALIASES]) or "`cronjobs --help` lists the commands"
            raise UsageError(f"no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LateGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    epilog=EXIT_CODES,
)
@click.option("-f", "--file", default="jobs.toml", show_default=True, help="The configuration.")
@click.option("--state", help="The state file; instead of `state` in [cronjobs].")
@click.option("--app-dir", help="First on the jobs' import path; instead of the file's directory.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="auto: on a terminal, unless NO_COLOR is set.",
)
@click.version_option(__version__, prog_name="cronjobs", message="%(prog)s %(version)s")
@click.pass_context
def group(context: click.Context, file: str, state: str | None, app_dir: str | None, color: str) -> None:
    """A cron for Python functions.

    Every option can be set in the environment too: --state is CRONJOBS_STATE, --grace of run is
    CRONJOBS_RUN_GRACE.
    """
    surroundings: Surroundings = context.obj
    surroundings.file = file
    surroundings.state = state
    surroundings.app_dir = app_dir
    surroundings.colour = context.color = _colour(color)


def _colour(choice: str) -> bool | None:
    if choice != "auto":
        return choice == "always"
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def _read_environment(command: click.Command, prefix: str) -> None:
    """Let every option be set by a variable that is named like it.

    Not by click's own `auto_envvar_prefix`: that goes by the parameter's name in Python, and takes the
    CRONJOBS_VERSION with which an image notes what it installed for a request to print the version.
    """
    for option in command.params:
        if isinstance(option, click.Option) and option.expose_value:  # not --help, --version
            option.envvar = f"{prefix}_{option.opts[-1].lstrip('-')}".upper().replace("-", "_")
    if isinstance(command, click.Group) and not isinstance(command, LateGroup):
        for name, each in command.commands.items():
            _read_environment(each, f"{prefix}_{name}")


_read_environment(group, "CRONJOBS")


def run_command_line(
    arguments: Sequence[str], hand_over: "Callable[[Instructions], int] | None" = None
) -> int:
    """Run a command and return its exit code; whatever goes wrong is said on standard error.

    hand_over: what `run` gives its instructions to, and returns the exit code of; no other command takes it.
    """
    for stream in (sys.stdout, sys.stderr):
        # A text that the terminal's encoding lacks is shown escaped, and fails nothing.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # they are text files
    surroundings = Surroundings(as_json="--json" in arguments, hand_over=hand_over)
    return written(lambda: _run(arguments, surroundings))


def written(call: "Callable[[], int]") -> int:
    """Return the exit code that a call returns, or the one for its output not being written."""
    try:
        code = call()
        sys.stdout.flush()
    except OSError as exc:
        # Nobody reads it, or the disk is full. Without this, Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(exc, BrokenPipeError):
            return 0
        try:
            click.echo(f"error: {exc.strerror}", err=True)
        except OSError:
            pass  # that disk is full as well: the exit code has it all the same
        return 1
    return code


def _run(arguments: Sequence[str], surroundings: Surroundings) -> int:
    """Run a command; an OSError is one of writing its output."""
    try:
        result: Any = group.main(list(arguments), "cronjobs", standalone_mode=False, obj=surroundings)
    except SystemExit:  # click's end where nobody reads the output, or a shell has its completions
        return 0
    except Exception as exc:
        return explained(exc, surroundings)
    return result if isinstance(result, int) else 0


def explained(error: Exception, surroundings: Surroundings) -> int:
    """Say on standard error what has gone wrong, and return the exit code; raises what writing raised."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        click.echo("aborted", err=True)
        return 130
    if isinstance(error, click.UsageError):
        _explain(_in_our_words(error), surroundings, usage=error.ctx)
        return UsageError.exit_code
    if isinstance(error, CronjobsError):
        _explain(error, surroundings)
        return error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
        raise error
    import traceback  # late: only errors of our own need it

    traceback.print_exception(error)
    _explain(CronjobsError(f"{type(error).__name__}: {error}", hint=_REPORT), surroundings)
    return CronjobsError.exit_code


def _in_our_words(error: click.UsageError) -> UsageError:
    """Return what click found wrong on the command line, with a way out."""
    message = error.format_message().rstrip(".")
    path = error.ctx.command_path if error.ctx else "cronjobs"
    hint = f"`{path} --help` says what it takes"
    if isinstance(error, click.NoSuchOption) and any(error.option_name in each.opts for each in group.params):
        hint = f"it stands before the command: `cronjobs {error.option_name} ... {path.partition(' ')[2]}`"
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _explain(error: CronjobsError, surroundings: Surroundings, *, usage: click.Context | None = None) -> None:
    problems = error.problems if isinstance(error, ConfigError) else ()
    if surroundings.as_json:
        import json

        hint = error.hint or ("`cronjobs validate` shows them" if problems else "")
        click.echo(json.dumps({"error": {"message": str(error), "hint": hint}}))
        return
    lines = [] if usage is None else [usage.get_usage()]
    if problems:
        from cronjobs.cli.problems import problem_lines

        lines += problem_lines(problems)
    else:
        lines.append(f"{click.style('error', fg='red')}: {error}")
        lines += [f"hint: {error.hint}"] if error.hint else []
    click.echo("\n".join(lines), err=True, color=surroundings.colour)
