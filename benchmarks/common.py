"""Process groups with CPU accounting, memory and wake-up sampling, statistics, result files.

Nothing is written beside the scripts: they may be read-only. Measured processes import a copy of them in WORK.
"""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
OUT = pathlib.Path(os.environ.get("BENCH_OUT") or f"{tempfile.gettempdir()}/bench-results").absolute()
if "BENCH_WORK" not in os.environ:  # inherited by our own children, removed by the process that made it
    os.environ["BENCH_WORK"] = tempfile.mkdtemp(prefix="bench-")
    atexit.register(shutil.rmtree, os.environ["BENCH_WORK"], ignore_errors=True)
WORK = pathlib.Path(os.environ["BENCH_WORK"]).absolute()
NICE = int(os.environ.get("BENCH_NICE") or 0)
CGROUP = pathlib.Path(
    os.environ.get("BENCH_CGROUP")
    or ("/sys/fs/cgroup" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "/sys/fs/cgroup/cpuacct")
)
STAMP = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
TICK = os.sysconf("SC_CLK_TCK")


def program(variable, default):
    """The argv that an environment variable holds, its program as an absolute path: peers and children run in WORK."""
    argv = shlex.split(os.environ.get(variable) or default)
    found = shutil.which(argv[0]) or argv[0]
    argv[0] = os.path.abspath(found) if os.sep in found else found
    if "/shims/" in argv[0]:
        print(
            f"warning: {argv[0]} is a pyenv shim, a shell script that costs more than what is measured; "
            f"name the real program in {variable}",
            file=sys.stderr,
        )
    os.environ[variable] = shlex.join(argv)
    return argv


PY = program("BENCH_PY", sys.executable)[0]  # interpreter that runs exec-style jobs


@functools.cache
def lib():
    """A copy of the scripts, where Python may cache bytecode as it does for installed modules."""
    copy = WORK / "lib"
    if copy.resolve() != HERE:
        copy.mkdir(parents=True, exist_ok=True)
        for script in HERE.glob("*.py"):
            shutil.copyfile(script, copy / script.name)
    return copy


def environ():
    """For what is measured: without the harness's own words, some of which look like options of cronjobs."""
    own = {"PYTHONDONTWRITEBYTECODE", "CRONJOBS", "CRONJOBS_SECONDS", "CRONJOBS_JOB", "CRONJOBS_HEAD"}
    env = {k: v for k, v in os.environ.items() if k not in own}
    path = [lib(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**env, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, path)), "TZ": "UTC"}


def usage(path):
    """CPU seconds of a cgroup, v1 (cpuacct) or v2."""
    with contextlib.suppress(FileNotFoundError):
        return int((path / "cpuacct.usage").read_text()) / 1e9
    return int((path / "cpu.stat").read_text().split()[1]) / 1e6


def tail(path, lines=5):
    """The last lines of a log, indented: why a peer failed."""
    return "".join(
        f"    {line}\n" for line in pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:]
    )


class Group:
    """A cgroup (v1 cpuacct or v2): exact CPU time of a process and all its descendants. Needs root."""

    def __init__(self, name):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `timeout` leaves no peer behind
        self.path = CGROUP / f"bench-{os.getpid()}-{name}"
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as exc:
            sys.exit(f"cannot account CPU: {exc}. Run as root; BENCH_CGROUP names another writable cgroup.")
        self.procs = []

    def popen(self, argv, **kw):
        log = kw.pop("log", None)
        stream = open(log, "ab") if log else subprocess.DEVNULL

        def enter():
            (self.path / "cgroup.procs").write_text(str(os.getpid()))
            if NICE:
                os.nice(NICE)

        p = subprocess.Popen(
            argv,
            preexec_fn=enter,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=kw.pop("stdout", stream),
            stderr=stream,
            **kw,
        )
        self.procs.append(p)
        return p

    def cpu(self):
        """CPU seconds used so far by everything that ever ran in the group."""
        return usage(self.path)

    def pids(self):
        return [int(p) for p in (self.path / "cgroup.procs").read_text().split()]

    def memory(self):
        """(processes, RSS MiB, PSS MiB) summed over the group."""
        rss = pss = n = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                f = dict(
                    line.split(":", 1)
                    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
                )
                rss += int(f["Rss"].split()[0])
                pss += int(f["Pss"].split()[0])
                n += 1
        return n, rss / 1024, pss / 1024

    def switches(self):
        """Voluntary context switches (wake-ups) of all threads alive in the group."""
        total = 0
        for pid in self.pids():
            for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
                with contextlib.suppress(OSError):
                    for line in status.read_text().splitlines():
                        if line.startswith("voluntary_ctxt"):
                            total += int(line.split()[1])
        return total

    def close(self):
        """TERM to all, after 3 s KILL again and again: one round misses what is forked meanwhile."""
        start, told = time.monotonic(), set()
        while (pids := set(self.pids())) and (age := time.monotonic() - start) < 10:
            for pid in pids - told if age < 3 else pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM if age < 3 else signal.SIGKILL)
            told |= pids
            for p in self.procs:
                p.poll()
            time.sleep(0.02)
        for p in self.procs:
            p.wait()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def machine_busy():
    """CPU seconds the whole machine has spent not idle: minus the group's own, it is the others' share."""
    f = [int(x) for x in open("/proc/stat").readline().split()[1:]]
    return (sum(f[:3]) + sum(f[5:8])) / TICK


def pct(values, q):
    """Nearest-rank percentile."""
    v = sorted(values)
    return v[max(0, -(-q * len(v) // 100) - 1)] if v else None


def med(values):
    return statistics.median(values) if values else None


def save(name, rows, **extra):
    """Write OUT/NAME-STAMP.json: one file for each invocation, however often it is saved."""
    OUT.mkdir(parents=True, exist_ok=True)
    doc = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "nice": NICE,
        **extra,
        "rows": rows,
    }
    path = OUT / f"{name}-{STAMP}.json"
    path.write_text(json.dumps(doc, indent=1))
    return path


def table(rows, cols=None):
    if not rows:
        return
    cols = cols or list(rows[0])

    def cell(v):
        return f"{v:.4g}" if isinstance(v, float) else "" if v is None else str(v)

    body = [[cell(r.get(c)) for c in cols] for r in rows]
    width = [max(len(c), *(len(b[i]) for b in body)) for i, c in enumerate(cols)]
    for line in [cols, ["-" * w for w in width], *body]:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(line, width)) + " |")
    sys.stdout.flush()
