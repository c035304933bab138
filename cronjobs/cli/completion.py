"""`cronjobs completion`: what a shell needs to complete our words."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: cronjobs completion bash > /etc/bash_completion.d/cronjobs
    zsh:  cronjobs completion zsh > DIRECTORY_OF_FPATH/_cronjobs
    fish: cronjobs completion fish > ~/.config/fish/completions/cronjobs.fish
    """
    click.echo(script(context.find_root().command, shell))


def script(group: click.Command, shell: str) -> str:
    """Return the script that a shell evaluates."""
    kind = get_completion_class(shell)
    assert kind is not None
    completion = kind(group, {}, "cronjobs", "_CRONJOBS_COMPLETE")
    # Not `source()`: for bash it asks the bash of this machine, which need not be the one that reads it.
    return completion.source_template % completion.source_vars()
