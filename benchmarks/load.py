"""load and validate N job definitions. Each way in a fresh process; CPU and wall of the load alone, and PSS after.

load.py [--n 10000] [--rounds 3] [--only NAME...]
"""

import sys

sys.dont_write_bytecode = True
import argparse
import json
import os
import random
import resource
import shlex
import shutil
import subprocess
import time

from common import PY, WORK, Group, environ, lib, med, program, save, table, tail
from idle import mixed

D = WORK / "load"


def files(n):
    D.mkdir(parents=True, exist_ok=True)
    jobs = mixed(n, random.Random(2))
    exprs = [" ".join(j.expr[1:]) + " *" for j in jobs]
    (D / "jobs.toml").write_text(
        "".join(
            f'[jobs.t{i}]\nschedule = "{e}"\ncallable = "bench_jobs:t{i}"\nnumber_of_executions = 3\n\n'
            for i, e in enumerate(exprs)
        )
    )
    (D / "jobs.json").write_text(json.dumps([[i, j.expr, f"bench_jobs:t{i}"] for i, j in enumerate(jobs)]))
    (D / "crontab").write_text("".join(f"{e} {PY} -m bench_jobs {i}\n" for i, e in enumerate(exprs)))
    (D / "yacron.yaml").write_text(
        "jobs:\n"
        + "".join(
            f'  - name: t{i}\n    command: {PY} -m bench_jobs {i}\n    schedule: "{e}"\n'
            for i, e in enumerate(exprs)
        )
    )


def toml():
    import tomllib

    return tomllib.loads((D / "jobs.toml").read_text())["jobs"].values()


def exprs():
    return [j["schedule"] for j in toml()]


def toml_only():
    jobs = toml()
    return lambda: jobs and toml()


def json_only():
    return lambda: json.loads((D / "jobs.json").read_text())


def croniter_construct():
    from croniter import croniter

    es, now = exprs(), time.time()
    return lambda: [croniter(e, now) for e in es]


def croniter_next():
    from croniter import croniter

    its = [croniter(e, time.time()) for e in exprs()]
    return lambda: [i.get_next(float) for i in its]


def croniter_valid():
    from croniter import croniter

    es = exprs()
    return lambda: [croniter.is_valid(e) for e in es]


def bitmask_parse():
    import ticks

    es = exprs()
    return lambda: [ticks.masks(e) for e in es]


def aps3_trigger():
    from apscheduler.triggers.cron import CronTrigger

    es = exprs()
    return lambda: [CronTrigger.from_crontab(e, "UTC") for e in es]


def aps3_add():
    import bench_jobs
    from apscheduler.schedulers.background import BackgroundScheduler
    from apscheduler.triggers.cron import CronTrigger

    es = exprs()

    def load():
        s = BackgroundScheduler(timezone="UTC")
        for i, e in enumerate(es):
            s.add_job(getattr(bench_jobs, f"t{i}"), CronTrigger.from_crontab(e, "UTC"), id=f"t{i}")
        s.start()
        load.keep = s

    return load


def yacron_load():
    from yacron.config import parse_config

    return lambda: parse_config(str(D / "yacron.yaml"))


def yacron_crontab():
    from crontab import CronTab

    es = exprs()
    return lambda: [CronTab(e) for e in es]


def celery_crontab():
    from celery.schedules import crontab

    es = [e.split() for e in exprs()]
    return lambda: [
        crontab(minute=m, hour=h, day_of_month=d, month_of_year=mo, day_of_week=w) for m, h, d, mo, w in es
    ]


def supercronic():
    return lambda: subprocess.run([*SUPERCRONIC, "-quiet", "-test", str(D / "crontab")], check=True)


def cronjobs(*words):
    return lambda: (
        lambda: subprocess.run(
            [*CRONJOBS, "--file", str(D / "jobs.toml"), *words],
            check=True,
            cwd=D,
            env=environ(),
            stdout=subprocess.DEVNULL,
        )
    )


SUPERCRONIC, CRONJOBS = program("SUPERCRONIC", "supercronic"), program("CRONJOBS", "cronjobs")
WAYS = {
    "tomllib.loads": toml_only,
    "json.loads": json_only,
    "croniter()": croniter_construct,
    "croniter.is_valid": croniter_valid,
    "croniter.get_next (first)": croniter_next,
    "bitmask parse (ticks.masks)": bitmask_parse,
    "aps3 CronTrigger.from_crontab": aps3_trigger,
    "aps3 add_job + start": aps3_add,
    "crontab.CronTab (yacron's)": yacron_crontab,
    "yacron parse_config": yacron_load,
    "celery crontab()": celery_crontab,
}
if shutil.which(SUPERCRONIC[0]):
    WAYS["supercronic -test (whole process)"] = supercronic
if shutil.which(CRONJOBS[0]):
    for words in (("validate",), ("validate", "--no-import"), ("next",)):
        WAYS[f"cronjobs {' '.join(words)} (whole process)"] = cronjobs(*words)


def cpu():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + r.ru_utime + r.ru_stime


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--n", type=int, default=10000)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--only", nargs="*")
    ap.add_argument("--child")
    a = ap.parse_args()
    if a.child:
        run = WAYS[a.child]()
        t, c = time.perf_counter(), cpu()
        keep = run()
        print(json.dumps({"wall_s": time.perf_counter() - t, "cpu_s": cpu() - c}), flush=True)
        os._exit(0)
    files(a.n)
    rows = []
    for name in a.only or WAYS:
        n, rounds = a.n, a.rounds
        if name == "yacron parse_config":
            rounds = 1
        got = []
        for _ in range(rounds):
            with Group("load") as g:
                p = g.popen(
                    [PY, str(lib() / "load.py"), "--child", name],
                    stdout=subprocess.PIPE,
                    log=D / "err",
                    cwd=D,
                    env={**environ(), "CRONJOBS": shlex.join(CRONJOBS)},
                )
                line = p.stdout.readline()
                if line:
                    got.append(json.loads(line))
        if not got:
            print(f"{name}: failed\n{tail(D / 'err')}", end="")
        if got:
            rows.append(
                {
                    "way": name,
                    "n": n,
                    "wall_s": med([x["wall_s"] for x in got]),
                    "cpu_s": med([x["cpu_s"] for x in got]),
                    "us_per_job": med([x["cpu_s"] for x in got]) / n * 1e6,
                }
            )
    table(rows)
    save("load", rows)
