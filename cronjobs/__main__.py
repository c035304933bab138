"""`python -m cronjobs`, and what the command `cronjobs` calls."""

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from `typing`: importing that takes a quarter of what `--version` may take
    from collections.abc import Sequence
    from typing import NoReturn

# What may go on for days; every other command is over in a moment.
_LASTING = {"run", "trigger", "workflow"}
# The options before the command that are followed by a value.
OPTIONS_WITH_VALUES = {"-f", "--file", "--state", "--app-dir", "--color"}


def main() -> int:
    """Run the command line of this process and return its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        # Before click: this is what health checks and image builds call.
        from cronjobs import __version__

        print(f"cronjobs {__version__}")
        return 0
    command = command_of(arguments)
    if command not in _LASTING:
        # Looking for garbage would take a tenth of such a command's time, and find none.
        gc.disable()
    _keep_standard_streams()
    if command == "run":
        # Before click: as PID 1, a process that has no handlers yet cannot be stopped.
        from cronjobs.signals import SignalPipe

        signals = SignalPipe.open()
        from cronjobs.cli.foreground import run

        return run(arguments, signals)
    from cronjobs.cli.main import run_command_line

    return run_command_line(arguments)


def run_and_end() -> "NoReturn":
    """Run the command line of this process, and end it with the command's exit code."""
    code = main()
    if command_of(sys.argv[1:]) not in _LASTING:
        # Nothing is left to do, and taking the interpreter apart takes a tenth of such a command's time.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def command_of(arguments: "Sequence[str]") -> str:
    """Return the word that names the command, or "", without what it takes to read a command line."""
    words = iter(arguments)
    for word in words:
        if word in OPTIONS_WITH_VALUES:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _keep_standard_streams() -> None:
    """Open what is missing of descriptors 0, 1 and 2, so that no file of ours takes their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


if __name__ == "__main__":
    run_and_end()
