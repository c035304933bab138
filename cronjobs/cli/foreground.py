"""`cronjobs run` as two processes: one reads the command line and the file, and is gone; one schedules.

What click, TOML and thousands of tables leave behind in a process's memory would stay there for weeks.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from cronjobs.core.errors import CronjobsError

if TYPE_CHECKING:
    from cronjobs.core.job import Configuration
    from cronjobs.engine.options import LogOptions, Options
    from cronjobs.signals import SignalPipe


class Order(NamedTuple):
    """What the scheduler is to do. colour: whether its errors have any; None where their reader decides."""

    configuration: "Configuration"
    options: "Options"
    log: "LogOptions"
    colour: bool | None


def run(arguments: Sequence[str], signals: "SignalPipe") -> int:
    """Run the scheduler as the command line says, and return its exit code."""
    reading, writing = os.pipe()
    reader = os.fork()
    if reader == 0:
        os.close(reading)
        _read_and_end(arguments, writing)
    os.close(writing)
    # Loaded while the other process reads.
    import pickle

    from cronjobs.engine import assemble  # noqa: F401

    with os.fdopen(reading, "rb") as pipe:
        order = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1])
    if code < 0:
        name = signal.Signals(-code).name
        return _explained(CronjobsError(f"the process that reads the configuration was ended by {name}"))
    if code or not order:
        return code
    return schedule(pickle.loads(order), signals)


def schedule(order: Order, signals: "SignalPipe") -> int:
    """Run the scheduler in this process, and return its exit code."""
    from cronjobs.engine import assemble

    try:
        return assemble.schedule(order.configuration, order.options, order.log, signals)
    except Exception as exc:
        return _explained(exc, order.colour)


def _explained(error: Exception, colour: bool | None = None) -> int:
    from cronjobs.cli.main import Surroundings, explained, written  # late: all is well, mostly

    surroundings = Surroundings()
    surroundings.colour = colour
    return written(lambda: explained(error, surroundings))


def _read_and_end(arguments: Sequence[str], descriptor: int) -> NoReturn:
    """Run the command line, and write the order that it gives to a descriptor."""
    code = CronjobsError.exit_code
    try:
        gc.disable()
        signal.set_wakeup_fd(-1)  # signals are for the scheduler, which heeds them once it has the order
        from cronjobs.cli.main import run_command_line

        def hand_over(order: Order) -> int:
            import pickle

            with os.fdopen(descriptor, "wb") as pipe:
                pickle.dump(order, pipe, pickle.HIGHEST_PROTOCOL)
            return 0

        code = run_command_line(arguments, hand_over)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
