"""The host programs of the library peers: hosts.py PEER jobs.json. Prints `ready` once all jobs are registered."""

import importlib
import json
import sys
import time
import warnings

warnings.simplefilter("ignore")


def resolve(ref):
    mod, _, attr = ref.partition(":")
    return getattr(importlib.import_module(mod), attr)


def ready():
    print("ready", time.time_ns(), flush=True)


def aps3(jobs, kind):
    from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler
    from apscheduler.triggers.cron import CronTrigger

    pool = ThreadPoolExecutor(10) if kind == "thread" else ProcessPoolExecutor(10)
    s = BackgroundScheduler(executors={"default": pool}, timezone="UTC")
    for i, (sec, m, h, day, mon), ref in jobs:
        s.add_job(
            resolve(ref),
            CronTrigger(second=sec, minute=m, hour=h, day=day, month=mon, timezone="UTC"),
            id=f"t{i}",
            misfire_grace_time=None,
        )  # the default of 1 s would drop late runs
    s.start()
    ready()
    while True:
        time.sleep(3600)


def aps4(jobs, kind):
    import asyncio

    from apscheduler import AsyncScheduler
    from apscheduler.triggers.cron import CronTrigger

    async def main():
        async with AsyncScheduler() as s:
            for i, (sec, m, h, day, mon), ref in jobs:
                await s.add_schedule(
                    resolve(ref),
                    CronTrigger(second=sec, minute=m, hour=h, day=day, month=mon, timezone="UTC"),
                    id=f"t{i}",
                    job_executor="threadpool" if kind == "thread" else "processpool",
                )
            ready()
            await s.run_until_stopped()

    asyncio.run(main())


def rocketry(jobs, kind):
    from rocketry import Rocketry
    from rocketry.conds import cron

    app = Rocketry(config={"task_execution": kind})
    for i, (sec, m, h, day, mon), ref in jobs:
        app.task(cron(f"{m} {h} {day} {mon} *"), name=f"t{i}", func=resolve(ref))
    ready()
    app.run()


def schedule(jobs, _):
    import schedule as s

    for i, (sec, m, h, *_), ref in jobs:
        if h.isdigit():  # no month or monthday in this library: every job is daily
            s.every().day.at(f"{int(h):02}:{int(m):02}:{int(sec):02}").do(resolve(ref))
        else:
            s.every(int(h.partition("/")[2] or 1)).hours.at(f":{int(m):02}").do(resolve(ref))
    ready()
    while True:
        s.run_pending()
        time.sleep(min(1, max(0.001, s.idle_seconds() or 1)))


def floor(jobs, kind):
    import zygote as z

    if kind == "zygote":
        z.serve_schedule(jobs, resolve, ready)
    elif kind == "zygotes":
        z.serve_schedule(jobs, resolve, ready, parts=2)
    else:
        z.serve_schedule(jobs, resolve, ready, parts=2, prearm=0.002)


if __name__ == "__main__":
    name, path = sys.argv[1:]
    lib, _, kind = name.partition("-")
    jobs = json.load(open(path))
    {"aps3": aps3, "aps4": aps4, "rocketry": rocketry, "schedule": schedule, "floor": floor}[lib](jobs, kind)
