"""A run as the scheduler's process holds it: its descriptors, and what can be read from them."""

import json
import os
import socket
from typing import TYPE_CHECKING

from cronjobs.core.failure import Failure
from cronjobs.core.ports import Ended, Launch, Printed
from cronjobs.core.run import Usage
from cronjobs.executors.output import Lines
from cronjobs.executors.wire import PACKET_BYTES, packets

if TYPE_CHECKING:
    from cronjobs.executors.pool import Zygote

_READ_BYTES = 1 << 16  # what a pipe holds
_RSS_UNIT_BYTES = 1024  # of ru_maxrss, on Linux and the BSDs


class Stream:
    """One of a run's two outputs."""

    __slots__ = ("descriptor", "lines", "name")

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor  # -1 once closed
        self.lines: Lines | None = None

    def read(self) -> list[str] | None:
        """Return the lines that can be read now, without waiting; None at the stream's end."""
        try:
            data = os.read(self.descriptor, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            return None
        if self.lines is None:
            self.lines = Lines()
        return self.lines.feed(data)

    def close(self) -> None:
        """Let go of the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class LiveRun:
    """From the order to the end. The channel's other end, and the outputs', are its process's alone."""

    __slots__ = (
        "channel",
        "has_gone",
        "is_dropped",
        "is_ending",
        "launch",
        "pid",
        "streams",
        "theirs",
        "zygote",
    )

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.pid = 0  # until its process is there
        self.has_gone = False
        self.is_dropped = False  # nobody wants it any more
        self.is_ending = False  # it was sent a signal that is to end it
        self.zygote: Zygote | None = None
        self.channel: socket.socket | None = None
        self.streams: tuple[Stream, ...] = ()
        self.theirs: tuple[int, ...] = ()  # channel, stdout, stderr: to be handed over, then closed

    def open(self) -> None:
        """Make the descriptors; OSError, and none of them, where there are no more to be had."""
        self.channel, channel = packets()
        theirs = [channel.detach()]
        streams = []
        try:
            for name in ("stdout", "stderr"):
                reading, writing = os.pipe()
                os.set_blocking(reading, False)
                streams.append(Stream(name, reading))
                theirs.append(writing)
        except OSError:
            self.streams, self.theirs = tuple(streams), tuple(theirs)
            self.hand_over()
            self.close()
            raise
        self.streams, self.theirs = tuple(streams), tuple(theirs)

    def hand_over(self) -> None:
        """Close what its process has of its own by now."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = ()

    def go(self) -> bool:
        """Let it begin; False if its process is gone."""
        self.has_gone = True
        assert self.channel is not None
        try:
            self.channel.send(b"g", socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def printed(self, stream: Stream) -> list[Printed] | None:
        """Return what a stream has to say now; None at its end."""
        lines = stream.read()
        return None if lines is None else self._as_printed(stream, lines)

    def rest(self) -> list[Printed]:
        """Return what was written before the run ended and not yet read, to the last unended line.

        No more than a pipe holds: a grandchild may go on writing for ever.
        """
        found: list[Printed] = []
        for stream in self.streams:
            if stream.descriptor >= 0 and (lines := stream.read()):
                found += self._as_printed(stream, lines)
            if stream.lines is not None:
                found += self._as_printed(stream, stream.lines.end())
        return found

    def ended(
        self, status: int, finished_at: float, user_seconds: float, system_seconds: float, rss: int
    ) -> Ended:
        """Return how its process ended, from what `wait4` said of it."""
        code = os.waitstatus_to_exitcode(status)
        exit_code, signum = (code, None) if code >= 0 else (None, _signal_name(-code))
        error = self._report() if status else None
        usage = Usage(user_seconds, system_seconds, rss * _RSS_UNIT_BYTES)
        return Ended(self.launch.number, finished_at, exit_code, signum, error, usage)

    def close(self) -> None:
        """Let go of every descriptor. A process that has not got go leaves."""
        if self.channel is not None:
            self.channel.close()
        for stream in self.streams:
            stream.close()

    def _report(self) -> Failure | None:
        assert self.channel is not None
        try:
            report = self.channel.recv(PACKET_BYTES, socket.MSG_DONTWAIT)
            return Failure(*map(str, json.loads(report))) if report else None
        except (OSError, ValueError, TypeError):
            return None  # the job can write to its channel as well: what makes no sense is no report

    def _as_printed(self, stream: Stream, lines: list[str]) -> list[Printed]:
        return [Printed(self.launch.number, stream.name, line) for line in lines]  # type: ignore[arg-type]  # one of two names


def _signal_name(signum: int) -> str:
    import signal

    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"SIG{signum}"  # a real-time signal
