"""A run as the scheduler's process holds it: its descriptors, and what can be read from them."""

import json
import os
import socket
from typing import TYPE_CHECKING, Any

from cronjobs.core.failure import Failure
from cronjobs.core.ports import Asked, Ended, Heeding, Launch, Printed
from cronjobs.core.run import Usage
from cronjobs.executors.output import Lines
from cronjobs.executors.wire import (
    MOST_BYTES,
    UNREADABLE,
    encode,
    packets,
    receive_at_length,
    send_at_length,
)
from cronjobs.signals import signal_name

if TYPE_CHECKING:
    from cronjobs.executors.pool import Zygote

_READ_BYTES = 1 << 16  # what a pipe holds
_MOST_MESSAGES = 64  # of one run in a turn
_LOOK = socket.MSG_PEEK | socket.MSG_DONTWAIT
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
        "report",
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
        self.report: dict[str, Any] = {}  # what it said of its own end
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

    def heard(self) -> list[Asked | Heeding] | None:
        """Return what came by the channel, without waiting; None at its end. A report is kept for the end.

        The job can write to its channel as well: what makes no sense is passed over.
        """
        assert self.channel is not None
        found: list[Asked | Heeding] = []
        for _ in range(_MOST_MESSAGES):
            try:
                # Most runs say nothing: no buffer is made before there is something to be read.
                if not self.channel.recv(1, _LOOK):
                    return found or None
                message = receive_at_length(self.channel, socket.MSG_DONTWAIT, most_bytes=MOST_BYTES)
            except OSError:
                return found
            except (ValueError, RecursionError):
                self._say(UNREADABLE)  # or whoever asked would wait for ever
                continue
            if message is None:
                return found or None
            if isinstance(message, dict):
                self._hear(message, found)
        return found

    def _hear(self, message: dict[str, Any], found: list[Asked | Heeding]) -> None:
        if "heeding" in message:
            found.append(Heeding(self.launch.number))
        elif isinstance(message.get("number"), int):
            found.append(Asked(self.launch.number, message["number"], message.get("question")))
        else:
            self.report = message

    def answer(self, ticket: int, answer: Any) -> None:
        """Answer one of its questions; where it is gone, nobody hears it."""
        try:
            self._say({"number": ticket, "answer": answer})
        except RecursionError:
            self._say(UNREADABLE)

    def ask_to_stop(self) -> None:
        """Tell it that it is to end by itself."""
        self._say({"stop": True})

    def _say(self, message: Any) -> None:
        assert self.channel is not None
        try:
            send_at_length(self.channel, encode(message), socket.MSG_DONTWAIT)
        except OSError:
            pass  # it has ended, or has stopped listening

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
        exit_code, signum = (code, None) if code >= 0 else (None, signal_name(-code))
        usage = Usage(user_seconds, system_seconds, rss * _RSS_UNIT_BYTES)
        error, result = self._reported(is_success=not status)
        return Ended(self.launch.number, finished_at, exit_code, signum, error, usage, result)

    def close(self) -> None:
        """Let go of every descriptor. A process that has not got go leaves."""
        if self.channel is not None:
            self.channel.close()
        for stream in self.streams:
            stream.close()

    def _reported(self, *, is_success: bool) -> tuple[Failure | None, str | None]:
        """Return the failure, or what the function returned, as far as that makes sense."""
        failure, result = self.report.get("failure"), self.report.get("result")
        if not is_success and isinstance(failure, list) and len(failure) == len(Failure._fields):
            return Failure(*map(str, failure)), None
        if is_success and isinstance(result, str) and _is_json(result):
            return None, result
        return None, None

    def _as_printed(self, stream: Stream, lines: list[str]) -> list[Printed]:
        return [Printed(self.launch.number, stream.name, line) for line in lines]  # type: ignore[arg-type]  # one of two names


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
