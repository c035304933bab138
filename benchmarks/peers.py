"""One adapter per peer. An adapter turns a list of jobs into a config and an argv.

    Job(id, expr, heavy): expr is (sec, minute, hour, day, month); weekday is always '*'.
    adapter.command(jobs, dir) -> argv; adapter.seconds says whether the peer honours `sec`.

To add a peer: subclass Peer, write the config in `command`, list it in PEERS. Interpreters and
programs come from the environment (see README), so no path is wired in.
"""

import collections
import json
import os
import shutil
import sys
import time
from abc import ABC, abstractmethod

from common import PY, environ, lib, program, tail

Job = collections.namedtuple("Job", "id expr heavy")
BIN = os.path.dirname(PY)


def at(epoch, sec=True):
    t = time.gmtime(epoch)
    return (str(t.tm_sec), str(t.tm_min), str(t.tm_hour), str(t.tm_mday), str(t.tm_mon))


def module(job):
    return "bench_jobs_heavy" if job.heavy else "bench_jobs"


def target(job):
    return f"{module(job)}:t{job.id}"


def shell(job):
    return f"{PY} -m {module(job)} {job.id}"


def cron5(job):
    return " ".join(job.expr[1:]) + " *"


class Peer(ABC):
    name = ""
    seconds = False
    isolated = True  # a run is its own process, killable without harm to another
    execs = True  # a run starts a fresh interpreter
    settle = 3.0  # seconds from start to ready, with few jobs

    @abstractmethod
    def command(self, jobs, d):
        """The words that start it on these jobs, with files of its own in the directory d."""

    def helpers(self, jobs, d):
        """Commands of side processes (brokers, workers) started first, in the same group."""
        return []

    def environ(self, d):
        return {**environ(), "BENCH_LOG": str(d / "log")}


class Supercronic(Peer):
    name, seconds = "supercronic", True

    def command(self, jobs, d):
        (d / "crontab").write_text("".join(f"{j.expr[0]} {cron5(j)} * {shell(j)}\n" for j in jobs))
        return [*program("SUPERCRONIC", "supercronic"), "-quiet", "-passthrough-logs", str(d / "crontab")]


class Busybox(Peer):
    name = "busybox"

    def command(self, jobs, d):
        tab = d / "tabs"
        tab.mkdir()
        (tab / "root").write_text("".join(f"{cron5(j)} {shell(j)}\n" for j in jobs))
        os.chmod(tab / "root", 0o600)
        return [*program("BUSYBOX", "busybox"), "crond", "-f", "-l", "8", "-c", str(tab), "-L", "/dev/null"]


class Cron(Peer):
    """Debian cron in the foreground, in a mount namespace of its own: the system's crontabs are not touched."""

    name = "cron"

    def command(self, jobs, d):
        for sub in ("tabs", "crond", "run"):
            (d / sub).mkdir()
        env = self.environ(d)
        head = f'MAILTO=""\nPYTHONPATH={env["PYTHONPATH"]}\nBENCH_LOG={env["BENCH_LOG"]}\n'
        (d / "tabs/root").write_text(head + "".join(f"{cron5(j)} {shell(j)}\n" for j in jobs))
        os.chmod(d / "tabs/root", 0o600)
        (d / "etc-crontab").write_text("")
        return [
            "unshare",
            "-m",
            "--propagation",
            "private",
            "sh",
            "-ec",
            f"mount --bind {d}/tabs /var/spool/cron/crontabs; mount --bind {d}/crond /etc/cron.d;"
            f"mount --bind {d}/run /run; mount --bind {d}/etc-crontab /etc/crontab; exec cron -f -L 0",
        ]


class Yacron(Peer):
    name = "yacron"

    def command(self, jobs, d):
        lines = ["defaults:", "  captureStdout: false", "  captureStderr: false", "jobs:"]
        for j in jobs:
            lines += [f"  - name: t{j.id}", f"    command: {shell(j)}", f'    schedule: "{cron5(j)}"']
        (d / "yacron.yaml").write_text("\n".join(lines) + "\n")
        return [*program("YACRON", f"{BIN}/yacron"), "-c", str(d / "yacron.yaml"), "-l", "WARNING"]


class Hosted(Peer):
    """A Python library: hosts.py holds the few lines a user would write around it."""

    seconds, execs = True, False
    python = PY

    def command(self, jobs, d):
        (d / "jobs.json").write_text(json.dumps([[j.id, j.expr, target(j)] for j in jobs]))
        return [self.python, str(lib() / "hosts.py"), self.name, str(d / "jobs.json")]


class ApsThread(Hosted):
    name, isolated = "aps3-thread", False


class ApsProcess(Hosted):
    name, isolated = "aps3-process", False  # pool workers are shared by runs


class Aps4Thread(Hosted):
    name, isolated, python = "aps4-thread", False, program("BENCH_PY_APS4", PY)[0]


class Aps4Process(Aps4Thread):
    name = "aps4-process"


class RocketryProcess(Hosted):
    name, seconds, python = "rocketry-process", False, program("BENCH_PY_ROCKETRY", PY)[0]


class RocketryThread(RocketryProcess):
    name, isolated = "rocketry-thread", False


class Schedule(Hosted):
    name, isolated = "schedule", False


class Zygote(Hosted):
    """Not a peer: the floor of an isolated, killable Python run (see zygote.py)."""

    name = "floor-zygote"


class Zygotes(Hosted):
    name = "floor-zygotes"  # two zygotes


class Prearmed(Hosted):
    name = "floor-prearmed"  # two zygotes, children forked ahead of the instant


class Celery(Peer):
    name, isolated, execs, pool, settle = "celery-prefork", False, False, "prefork", 8.0

    def _app(self, d):
        return ["-A", "celery_host", "--workdir", str(lib())]

    def environ(self, d):
        return {**super().environ(d), "BENCH_DIR": str(d)}

    def helpers(self, jobs, d):
        (d / "jobs.json").write_text(json.dumps([[j.id, j.expr, target(j)] for j in jobs]))
        return [
            [
                "redis-server",
                "--port",
                "0",
                "--unixsocket",
                str(d / "redis.sock"),
                "--save",
                "",
                "--dir",
                str(d),
            ],
            [
                f"{BIN}/celery",
                *self._app(d),
                "worker",
                "-P",
                self.pool,
                "-c",
                str(os.cpu_count()),
                "-l",
                "ERROR",
                "--without-gossip",
                "--without-mingle",
            ],
        ]

    def command(self, jobs, d):
        return [f"{BIN}/celery", *self._app(d), "beat", "-s", str(d / "beat"), "-l", "ERROR"]


class CeleryThreads(Celery):
    name, pool = "celery-threads", "threads"


class Cronjobs(Peer):
    """This project: `cronjobs --file jobs.toml run`, jobs pointing at bench_jobs:tN."""

    name, execs = "cronjobs", False
    seconds = os.environ.get("CRONJOBS_SECONDS", "1") == "1"
    head = "[cronjobs]\nmax_parallel = 1000\n\n"  # the cron daemons here have no cap either
    job = '[jobs.t{id}]\nschedule = "{expr}"\ncallable = "{target}"\n\n'

    def environ(self, d):
        return {
            **super().environ(d),
            "XDG_STATE_HOME": str(d),
        }  # wherever its state file goes, it stays in here

    def command(self, jobs, d):
        template = (os.environ.get("CRONJOBS_JOB") or self.job).replace("\\n", "\n")
        head = os.environ.get("CRONJOBS_HEAD", self.head).replace("\\n", "\n")
        (d / "jobs.toml").write_text(
            head
            + "".join(
                template.format(
                    id=j.id, expr=(j.expr[0] + " " if self.seconds else "") + cron5(j), target=target(j)
                )
                for j in jobs
            )
        )
        return [*program("CRONJOBS", "cronjobs"), "--file", str(d / "jobs.toml"), "run"]


PEERS = {
    p.name: p
    for p in (
        Supercronic(),
        Busybox(),
        Cron(),
        Yacron(),
        ApsThread(),
        ApsProcess(),
        Aps4Thread(),
        Aps4Process(),
        RocketryProcess(),
        RocketryThread(),
        Schedule(),
        Celery(),
        CeleryThreads(),
        Zygote(),
        Zygotes(),
        Prearmed(),
        Cronjobs(),
    )
}


def chosen(names):
    if unknown := [n for n in names if n not in PEERS]:
        sys.exit(f"unknown: {' '.join(unknown)}; there are: {' '.join(PEERS)}")
    return [PEERS[n] for n in names]


def launch(peer, group, jobs, d):
    """Start the peer on the jobs in an empty directory; returns the main process, or None and says why not."""
    shutil.rmtree(d, ignore_errors=True)
    d.mkdir(parents=True)
    (d / "log").touch()
    env = peer.environ(d)
    try:
        for argv in peer.helpers(jobs, d):
            group.popen(argv, env=env, log=d / "err", cwd=d)
            time.sleep(0.5)
        main = group.popen(peer.command(jobs, d), env=env, log=d / "err", cwd=d)
        time.sleep(2)
    except FileNotFoundError as exc:
        print(f"{peer.name}: left out, no {exc.filename}")
        return None
    if main.poll() is not None:
        print(f"{peer.name}: left out, it ended with {main.returncode}:\n{tail(d / 'err')}", end="")
        return None
    return main
