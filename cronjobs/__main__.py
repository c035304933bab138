"""`python -m cronjobs`, and what the command `cronjobs` calls."""

import sys


def main() -> int:
    """Run the command line of this process and return its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        # Before click: this is what health checks and image builds call.
        from cronjobs import __version__

        print(f"cronjobs {__version__}")
        return 0
    signals = None
    if "run" in arguments:
        # Before click: as PID 1, a process that has no handlers yet cannot be stopped.
        from cronjobs.signals import SignalPipe

        signals = SignalPipe.open()
    from cronjobs.cli.main import run_command_line

    return run_command_line(arguments, signals)


if __name__ == "__main__":
    sys.exit(main())
