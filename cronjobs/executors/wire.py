"""How the scheduler's process and the processes that run jobs talk: set-ups, messages, descriptors.

A process is handed its set-up as a file on its standard input, because it may be larger than any message.
Messages are JSON in packets of a socket, with descriptors where a message starts runs.
"""

import array
import json
import os
import socket
import stat
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cronjobs.processes import close_above, nameless_file

PACKET_BYTES = 1 << 17  # below what a socket takes in one piece by default (212,992)
MOST_BYTES = 1 << 24  # that a run may say at once: the scheduler holds it in memory
UNREADABLE = {"unreadable": True}  # told a run instead of an answer
CONTROL = 3  # the descriptor by which a process that was started here reaches the scheduler
RUNS_IN_A_MESSAGE = 16
DESCRIPTORS_OF_A_RUN = 3  # its channel, standard output and standard error

_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_INT_BYTES = array.array("i").itemsize


def packets() -> tuple[socket.socket, socket.socket]:
    """Return a pair of sockets that keep messages apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def encode(message: Any) -> bytes:
    """Return a message's bytes."""
    return json.dumps(message, separators=(",", ":")).encode()


def tell(control: socket.socket, message: Any) -> None:
    """Tell the scheduler; where it is gone, there is nothing left to do for this process."""
    try:
        control.send(encode(message))
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)


def tell_at_length(control: socket.socket, message: Mapping[str, Any]) -> None:
    """Tell the scheduler what may be longer than a packet."""
    try:
        send_at_length(control, encode(message))
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)


def send_at_length(sock: socket.socket, message: bytes, flags: int = 0) -> None:
    """Send a message: one longer than a packet as a file, whose descriptor is sent."""
    if len(message) <= PACKET_BYTES:
        sock.send(message, flags)
        return
    descriptor = _write_file(message)
    try:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
        sock.sendmsg([b"{}"], [rights], flags)
    finally:
        os.close(descriptor)


def receive_at_length(sock: socket.socket, flags: int = 0, *, most_bytes: int = -1) -> Any:
    """Return the next message, however it was sent; None at the end.

    Raises ValueError for one that makes no sense, or is longer than `most_bytes` if that is given.
    """
    data, descriptors = _receive(sock, 1, flags)
    if not descriptors:
        return json.loads(data) if data else None
    with open(descriptors[0], "rb") as file:
        # A run can send what it likes: to read from its pipe might take for ever.
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("what came with the message is no file")
        return json.loads(file.read(most_bytes))


def receive(control: socket.socket, descriptors: int = 0) -> tuple[Any, Sequence[int]]:
    """Return the next message and the descriptors that came with it; None as message at the end."""
    data, received = _receive(control, descriptors)
    return (json.loads(data) if data else None), received


def _receive(sock: socket.socket, descriptors: int, flags: int = 0) -> tuple[bytes, Sequence[int]]:
    room = socket.CMSG_SPACE(descriptors * _INT_BYTES) if descriptors else 0
    try:
        data, ancillary, _, _ = sock.recvmsg(PACKET_BYTES, room, _CLOEXEC | flags)
    except ConnectionResetError:  # the other end went, and left unread what it was told
        return b"", ()
    received = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(content[: len(content) - len(content) % _INT_BYTES])
    return data, received


def send_with(control: socket.socket, message: bytes, descriptors: Sequence[int]) -> None:
    """Send a message and descriptors; BlockingIOError where there is no room just now."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
    control.sendmsg([message], [rights])


def write_setup(setup: Mapping[str, Any]) -> int:
    """Return a descriptor of a nameless file that holds a set-up."""
    return _write_file(json.dumps(setup).encode())


def _write_file(content: bytes) -> int:
    descriptor = nameless_file()
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def read_setup() -> dict[str, Any]:
    """Return the set-up from standard input, which is /dev/null from then on.

    What else the scheduler was itself handed by whoever started it, and passed on unasked, is closed.
    """
    close_above(CONTROL)
    with open(0, "rb", closefd=False) as file:
        setup: dict[str, Any] = json.load(file)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    return setup


def command(module: str) -> list[str]:
    """Return the argv that runs `main()` of one of our modules in a fresh interpreter.

    The current directory is kept off the import path: a user's `cronjobs.py` must not take our place.
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    # Run from a checkout, it must not be served by another version that is installed.
    path = f"{root!r} in sys.path or sys.path.insert(0, {root!r})"
    program = f"import sys; {path}; from {module} import main; main()"
    return [sys.executable, "-P", "-c", program]
