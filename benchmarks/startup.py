"""command-line start-up. Interleaved rounds, medians of wall and CPU; `x_python` and `x_click` are wall over that of
`python -c pass` and of `python -c "import click"`.

    startup.py [--rounds 15]

The empty click program runs in $CLICK_PY (default: the interpreter beside $CRONJOBS, if it has click; else $BENCH_PY).
"""

import sys

sys.dont_write_bytecode = True
import argparse
import os
import subprocess
import time

from common import PY, WORK, environ, med, program, save, table

BIN = os.path.dirname(PY)
CRONJOBS = program("CRONJOBS", "cronjobs")
JOBS = "".join(f'[jobs.t{i}]\nschedule = "{i} 3 * * *"\ncallable = "bench_jobs:t{i}"\n\n' for i in range(10))
CLICK = """
import click

@click.group()
@click.version_option("1.0")
def main(): pass

@main.command()
def run(): pass

main()
"""


def beside(argv):
    """The interpreter that a command runs in, as far as its place tells: same versions, same site-packages."""
    for name in ("python", "python3"):
        path = os.path.join(os.path.dirname(argv[0]), name)
        if (
            os.path.isabs(path)
            and "/shims/" not in path
            and subprocess.run([path, "-c", "import click"], capture_output=True).returncode == 0
        ):
            return path
    return PY


def cases(d):
    click = [program("CLICK_PY", beside(CRONJOBS))[0], str(d / "empty_click.py")]
    ours = [*CRONJOBS, "--file", str(d / "jobs.toml")]
    py = [click[0], "-c"]  # the interpreter of $CRONJOBS: what is compared must have the same site-packages
    return {
        "/bin/true": ["/bin/true"],
        "python -I -S -c pass": [PY, "-I", "-S", "-c", "pass"],
        "python -c pass": [*py, "pass"],
        "empty click --version": [*click, "--version"],
        "empty click --help": [*click, "--help"],
        "import argparse": [*py, "import argparse"],
        "import tomllib": [*py, "import tomllib"],
        "import asyncio": [*py, "import asyncio"],
        "import sqlite3": [*py, "import sqlite3"],
        "import multiprocessing": [*py, "import multiprocessing.context"],
        "import click": [*py, "import click"],
        "import dateutil.tz": [*py, "import dateutil.tz"],
        "import croniter": [*py, "import croniter"],
        "import click, croniter": [*py, "import click, croniter"],
        "import click, croniter, tomllib, sqlite3": [*py, "import click, croniter, tomllib, sqlite3"],
        "import apscheduler (Background)": [*py, "import apscheduler.schedulers.background"],
        "import rocketry": [program("BENCH_PY_ROCKETRY", PY)[0], "-c", "import rocketry"],
        "supercronic -version": [*program("SUPERCRONIC", "supercronic"), "-version"],
        "yacron --version": [f"{BIN}/yacron", "--version"],
        "celery --version": [f"{BIN}/celery", "--version"],
        "crontab -l (Debian)": ["crontab", "-l"],
        "cronjobs --version": [*CRONJOBS, "--version"],
        "cronjobs --help": [*CRONJOBS, "--help"],
        "cronjobs next, 10 jobs": [*ours, "next"],
        "cronjobs validate, 10 jobs": [*ours, "validate"],
        "cronjobs status, 10 jobs": [*ours, "status"],
        "cronjobs explain": [*CRONJOBS, "explain", "0 3 * * *"],
    }


def timed(argv, d, env):
    """(wall ms, CPU ms, exit status) of one process, or None if there is no such program."""
    t = time.perf_counter()
    try:
        p = subprocess.Popen(
            argv,
            cwd=d,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return None
    _, status, ru = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return (time.perf_counter() - t) * 1e3, (ru.ru_utime + ru.ru_stime) * 1e3, p.returncode


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--rounds", type=int, default=15)
    a = ap.parse_args()
    d = WORK / "startup"
    d.mkdir(parents=True, exist_ok=True)
    (d / "jobs.toml").write_text(JOBS)
    (d / "empty_click.py").write_text(CLICK)
    kept, env = cases(d), environ()
    for name, first in [(k, timed(argv, d, env)) for k, argv in kept.items()]:  # also warms the page cache
        if first is None or (
            first[2] and name != "crontab -l (Debian)"
        ):  # which fails when there is no crontab
            print(f"{name}: left out,", "no such program" if first is None else f"it ended with {first[2]}")
            del kept[name]
    got = {k: [] for k in kept}
    for _ in range(a.rounds):
        for k, argv in kept.items():
            got[k].append(timed(argv, d, env))
    rows = [
        {
            "case": k,
            "wall_ms": med([g[0] for g in v]),
            "min_ms": min(g[0] for g in v),
            "cpu_ms": med([g[1] for g in v]),
        }
        for k, v in got.items()
    ]
    for base, name in (("python -c pass", "x_python"), ("import click", "x_click")):
        wall = next((r["wall_ms"] for r in rows if r["case"] == base), None)
        for r in rows:
            r[name] = wall and r["wall_ms"] / wall
    table(rows)
    save("startup", rows)
