"""What the system knows of processes: identity, death signal, subreaper, descriptors.

All that exists on Linux only is here, each with what other systems offer in its place.
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SIGKILL = 9  # `signal` is slow to import, for one number
_MADV_HUGEPAGE = 14
_MADV_COLLAPSE = 25
_HUGE_PAGE_BYTES = 2 << 20
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# A start time noted at a fork and the one the kernel shows differ by a tick or two.
_TICKS_OF_DOUBT = 5


class Identity(NamedTuple):
    """One process for ever: a pid alone is used again. `start_ticks` counts from the machine's start."""

    boot_id: str
    pid: int
    start_ticks: int


def boot_id() -> str:
    """Return what names this start of the machine; empty where the system has no name for it."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except (FileNotFoundError, PermissionError):
        return ""


def own_identity() -> Identity:
    """Return this process's identity."""
    return Identity(boot_id(), os.getpid(), start_ticks(os.getpid()) or ticks_now())


def ticks_now() -> int:
    """Return the present moment in the unit of `start_ticks`."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return int(time.clock_gettime(clock) * _TICKS_A_SECOND)


def start_ticks(pid: int) -> int | None:
    """Return when a process started; None if it is gone, a zombie, or the system does not say.

    OSError where it cannot be looked at: no descriptor is left.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(identity: Identity) -> bool:
    """Return whether exactly this process still runs; True where that cannot be found out just now."""
    try:
        if identity.boot_id != boot_id():
            return False
        if not os.path.exists("/proc/self/stat"):
            return _exists(identity.pid)
        ticks = start_ticks(identity.pid)
    except OSError:
        return True
    return ticks is not None and abs(ticks - identity.start_ticks) <= _TICKS_OF_DOUBT


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill_group(pid: int, signum: int) -> bool:
    """Send a signal to a process group; False if there is none."""
    try:
        os.killpg(pid, signum)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def kill_process(pid: int, signum: int) -> None:
    """Send a signal to a process; nothing happens if it is gone."""
    try:
        os.kill(pid, signum)
    except (ProcessLookupError, PermissionError):
        pass


def load_libc() -> Any:
    """Return the C library with `prctl`, or None where there is none; loading it costs milliseconds."""
    import ctypes  # heavy, and needed by processes that run jobs only

    libc = ctypes.CDLL(None, use_errno=True)
    return libc if hasattr(libc, "prctl") else None


def give_back_memory() -> None:
    """Give back to the system what this process has freed, where its C library can do so."""
    libc = load_libc()
    if libc is not None and hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def use_huge_pages(libc: Any) -> None:
    """Have this process's heap lie in huge pages, as far as it fills them and the kernel can do that now.

    A fork copies its parent's page table: with pandas loaded, a run costs a tenth less after this.
    Linux 6.1 or newer; elsewhere nothing happens.
    """
    if libc is None or not os.path.exists("/proc/self/maps"):
        return
    import ctypes

    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    with open("/proc/self/maps") as file:
        regions = [line.split() for line in file]
    for fields in regions:
        if fields[1] == "rw-p" and (len(fields) == 5 or fields[5] == "[heap]"):
            begin, end = (int(address, 16) for address in fields[0].split("-"))
            begin = -(-begin // _HUGE_PAGE_BYTES) * _HUGE_PAGE_BYTES
            end = end // _HUGE_PAGE_BYTES * _HUGE_PAGE_BYTES
            if begin < end:
                libc.madvise(begin, end - begin, _MADV_HUGEPAGE)
                libc.madvise(begin, end - begin, _MADV_COLLAPSE)


def die_with_parent(libc: Any, parent: int) -> None:
    """End this process when the thread that made it ends; at once if that has happened already."""
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def become_user(name: str) -> dict[str, str]:
    """Take on a user's identity and groups; return the variables that a login would set.

    name: of a user, or its number. LookupError where there is none, PermissionError where this process may
    not.
    """
    import pwd  # slow to import, and needed here only

    try:
        found = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        raise LookupError(f"there is no user {name!r}") from None
    if found.pw_uid != os.geteuid():
        os.initgroups(found.pw_name, found.pw_gid)
        os.setgid(found.pw_gid)
        os.setuid(found.pw_uid)
    return {"HOME": found.pw_dir, "LOGNAME": found.pw_name, "USER": found.pw_name}


def become_subreaper() -> None:
    """Have orphaned descendants handed to this process, where the system can do so."""
    libc = load_libc()
    if libc is not None:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def close_above(last: int) -> None:
    """Close every descriptor above the last one that is wanted."""
    # One by one: where the limit on descriptors is a billion, a loop up to it takes minutes.
    directory = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for text in os.listdir(directory):
        if int(text) > last:
            try:
                os.close(int(text))
            except OSError:
                pass  # the one that the listing itself took


def is_kept(path: str) -> bool:
    """Return whether a file outlives this process's container; True outside of one.

    As PID 1, what lies on the file system that the root directory is on goes when the container is removed.
    """
    if os.getpid() != 1:
        return True
    return os.stat(os.path.dirname(os.path.realpath(path))).st_dev != os.stat("/").st_dev


def nameless_file() -> int:
    """Return the descriptor of a file in memory, or where there is none on disk, that nobody else can see."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("cronjobs")
    import tempfile  # slow to import, and needed here only

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def raise_descriptor_limit() -> int:
    """Let this process open as many files as it may; return the limit that it had."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            pass  # macOS refuses its own "unlimited"
    return soft


def descriptor_limit() -> int:
    """Return how many files this process may have open."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def restore_descriptor_limit(soft: int | None) -> None:
    """Give a process that runs jobs the limit that the scheduler was started with."""
    if soft is None:
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def wait_until_gone(processes: Sequence[Identity], patience_seconds: float) -> bool:
    """Wait for processes that are not this one's children to end; False if some do not in time."""
    deadline = time.monotonic() + patience_seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
