"""A run's line to its dispatcher, as the run's process holds it.

Questions go one at a time, each with a number, and wait for the answer with that number. What the dispatcher
says unasked is one thing: that the run is to stop.
"""

import os
import socket
import threading
from typing import Any

from cronjobs.core.errors import UnwritableError, WorkflowLostError
from cronjobs.executors.wire import MOST_BYTES, UNREADABLE, encode, receive_at_length, send_at_length


class Channel:
    """Asks and hears; usable from every thread of the run's process, and from no other process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._opened: socket.socket | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._questions = 0
        self._is_told_to_stop = False
        self._is_heeding = False

    def ask(self, question: Any) -> Any:
        """Return the dispatcher's answer; WorkflowLostError where there is no dispatcher any more.

        UnwritableError for a question that is too long, or too deep.
        """
        if os.getpid() != self._owner:
            raise WorkflowLostError(
                "only the run's own process reaches its dispatcher",
                hint="call it in the job's function, not in a process that the job has started",
            )
        with self._lock:
            self._questions += 1
            message = encode({"number": self._questions, "question": question})
            if len(message) > MOST_BYTES:
                raise UnwritableError(
                    f"{len(message):,} bytes are too much for the journal, which takes {MOST_BYTES:,}",
                    hint="keep large results in a file or a database, and return where they are",
                )
            try:
                send_at_length(self._socket, message)
                return self._answer(self._questions)
            except (BrokenPipeError, ConnectionResetError):
                raise self._lost() from None

    def should_stop(self) -> bool:
        """Return whether the dispatcher has told the run to stop; never waits."""
        if self._is_told_to_stop or os.getpid() != self._owner:
            return self._is_told_to_stop
        # Whoever waits for an answer in another thread hears it too.
        if self._lock.acquire(blocking=False):
            try:
                self._listen()
            finally:
                self._lock.release()
        return self._is_told_to_stop

    @property
    def _socket(self) -> socket.socket:
        if self._opened is None:
            # A descriptor of its own: the run's end is told by the other, when this object may be gone.
            self._opened = socket.socket(fileno=os.dup(self._descriptor))
        return self._opened

    def _listen(self) -> None:
        try:
            if not self._is_heeding:
                self._is_heeding = True
                self._socket.send(encode({"heeding": True}))
            while (message := receive_at_length(self._socket, socket.MSG_DONTWAIT)) is not None:
                self._hear(message)
        except OSError:
            pass  # nothing more to be heard

    def _answer(self, number: int) -> Any:
        while (message := receive_at_length(self._socket)) is not None:
            # An answer with another number was for somebody who was interrupted while waiting.
            if message.get("number") == number:
                return message["answer"]
            if message == UNREADABLE:
                raise UnwritableError(
                    "a value is nested too deeply for the journal",
                    hint="keep such values in a file or a database, and return where they are",
                )
            self._hear(message)
        raise self._lost()

    def _hear(self, message: Any) -> None:
        if "stop" in message:
            self._is_told_to_stop = True

    def _lost(self) -> WorkflowLostError:
        return WorkflowLostError("the scheduler is gone")
