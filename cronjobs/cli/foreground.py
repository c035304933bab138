"""`cronjobs run` as two processes: one reads the command line and the file, and is gone; one schedules.

What click, TOML and thousands of tables leave behind in a process's memory would stay there for weeks.
"""

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from cronjobs.core.errors import CronjobsError
from cronjobs.processes import die_with_parent, load_libc
from cronjobs.signals import signal_name

if TYPE_CHECKING:
    from cronjobs.core.job import Configuration
    from cronjobs.engine.options import LogOptions, Options
    from cronjobs.signals import SignalPipe


class Instructions(NamedTuple):
    """What the scheduler is to do. colour: whether its errors have any; None where their reader decides."""

    configuration: "Configuration"
    options: "Options"
    log: "LogOptions"
    colour: bool | None


def run(arguments: Sequence[str], signals: "SignalPipe") -> int:
    """Run the scheduler as the command line says, and return its exit code."""
    started = _start_reader(arguments, signals)
    if started is None:
        from cronjobs.cli.main import run_command_line  # then what reading leaves behind has to stay

        return run_command_line(arguments, lambda instructions: schedule(instructions, signals))
    answer = _answer(*started)
    return answer if isinstance(answer, int) else schedule(answer, signals)


def _start_reader(arguments: Sequence[str], signals: "SignalPipe") -> tuple[int, int] | None:
    """Return the pid of a process that reads for this one, and the descriptor that its answer comes from.

    None where no process can be made just now.
    """
    parent = os.getpid()
    try:
        reading, writing = os.pipe()
    except OSError:
        return None
    try:
        reader = signals.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if reader == 0:
        os.close(reading)
        _read_and_end(arguments, writing, parent)
    os.close(writing)
    return reader, reading


def _answer(reader: int, reading: int) -> Instructions | int:
    """Return the instructions that a reader gives, or the exit code where it gives none."""
    # Loaded while the other process reads.
    import pickle

    from cronjobs.engine import assemble  # noqa: F401

    with os.fdopen(reading, "rb") as pipe:
        written = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1])
    if code < 0:
        message = f"the process that reads the configuration was ended by {signal_name(-code)}"
        return _explained(CronjobsError(message))
    if code or not written:
        return code
    instructions: Instructions = pickle.loads(written)
    return instructions


def schedule(instructions: Instructions, signals: "SignalPipe") -> int:
    """Run the scheduler in this process, and return its exit code."""
    from cronjobs.engine import assemble

    try:
        return assemble.schedule(instructions.configuration, instructions.options, instructions.log, signals)
    except Exception as exc:
        return _explained(exc, instructions.colour)


def _explained(error: Exception, colour: bool | None = None) -> int:
    from cronjobs.cli.main import Surroundings, explained, written  # late: all is well, mostly

    surroundings = Surroundings()
    surroundings.colour = colour
    return written(lambda: explained(error, surroundings))


def _read_and_end(arguments: Sequence[str], descriptor: int, parent: int) -> NoReturn:
    """Run the command line, and write the instructions that it gives to a descriptor."""
    code = CronjobsError.exit_code
    try:
        gc.disable()
        die_with_parent(load_libc(), parent)  # reading may take for ever: of a pipe, or what imports a module
        from cronjobs.cli.main import run_command_line

        def hand_over(instructions: Instructions) -> int:
            import pickle

            with os.fdopen(descriptor, "wb") as pipe:
                pickle.dump(instructions, pipe, pickle.HIGHEST_PROTOCOL)
            return 0

        code = run_command_line(arguments, hand_over)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # ours: never back into the scheduler
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)
