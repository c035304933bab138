"""`cronjobs completion`: what a shell needs to complete our words."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell."""
    click.echo(script(context.find_root().command, shell))


def script(group: click.Command, shell: str) -> str:
    """Return the script that a shell evaluates."""
    completion = get_completion_class(shell)
    assert completion is not None
    return completion(group, {}, "cronjobs", "_CRONJOBS_COMPLETE").source()
