"""finding which of N jobs are due at a minute, and re-arming them. CPU per tick.

    tick.py [--counts 1000,10000,100000] [--budget 20] [--kind mixed|minutely|distinct] [--only WAY...]

mixed: daily, monthly and six-hourly jobs at random minutes; minutely: all N due at every tick (re-arm dominates);
distinct: the same, by N different texts.
"""

import sys

sys.dont_write_bytecode = True
import argparse
import datetime as dt
import heapq
import itertools
import os
import random
import time

import ticks
from common import med, save, table
from idle import mixed

START = dt.datetime(2027, 3, 10, 2, 0)


def spread(n, kind):
    if kind == "minutely":
        return ["* * * * *"] * n
    if kind == "distinct":  # each has the minutes of START's night
        texts = (
            f"* 0-{hour} {first}-{last} 1-{month} *"
            for hour in range(2, 24)
            for first in range(1, 11)
            for last in range(10, 32)
            for month in range(3, 13)
        )
        return list(itertools.islice(texts, n))
    return [" ".join(j.expr[1:]) + " *" for j in mixed(n, random.Random(3))]


def agenda(es, t):
    """What `cronjobs run` does at a tick: take what is due, and arm what follows."""
    from cronjobs.core.agenda import Agenda
    from cronjobs.core.schedule import parse_schedule

    planned, schedules = Agenda(), {}
    after = int(t.replace(tzinfo=dt.UTC).timestamp())
    for i, e in enumerate(es):
        if e not in schedules:
            schedules[e] = parse_schedule(e)
        planned.add(str(i), schedules[e], after)
    return lambda now: planned.due(now.replace(tzinfo=dt.UTC).timestamp())


def match_each(es, t):
    from croniter import croniter

    return lambda now: [i for i, e in enumerate(es) if croniter.match(e, now)]


def crontab_each(es, t):
    from crontab import CronTab

    tabs = [CronTab(e) for e in es]
    return lambda now: [i for i, c in enumerate(tabs) if c.test(now)]


def celery_each(es, t):
    """is_due of every entry, what beat's tick would do without its heap."""
    from celery.schedules import crontab

    tabs = [crontab(*e.split()[:2], day_of_month=e.split()[2], month_of_year=e.split()[3]) for e in es]
    ago = dt.datetime.now(dt.UTC)
    return lambda now: [i for i, c in enumerate(tabs) if c.is_due(ago)[0]]


def heap_of(nexts):
    def make(es, t):
        arm = nexts(es, t)
        heap = [(arm(i, t), i) for i in range(len(es))]
        heapq.heapify(heap)

        def tick(now):
            out = []
            while heap and heap[0][0] <= now:
                i = heap[0][1]
                out.append(i)
                heapq.heapreplace(heap, (arm(i, now), i))
            return out

        return tick

    return make


def croniter_arm(es, t):
    from croniter import croniter

    return lambda i, now: croniter(es[i], now).get_next(dt.datetime)


def croniter_iter_arm(es, t):
    from croniter import croniter

    its = [croniter(e, t) for e in es]
    return lambda i, now: its[i].get_next(dt.datetime)


def mask_arm(es, t):
    ms = [ticks.masks(e) for e in es]
    return lambda i, now: ticks.next_minute(ms[i], now)


def aps3_arm(es, t):
    from apscheduler.triggers.cron import CronTrigger

    tr = [CronTrigger.from_crontab(e, "UTC") for e in es]
    utc = dt.UTC
    return lambda i, now: (
        tr[i].get_next_fire_time(None, now.replace(tzinfo=utc) + dt.timedelta(seconds=1)).replace(tzinfo=None)
    )


def aps3_store(es, t):
    """What APScheduler's memory store does: a list sorted by next run, bisect insert on re-arm."""
    import bisect

    arm = aps3_arm(es, t)
    jobs = sorted((arm(i, t), i) for i in range(len(es)))

    def tick(now):
        k = bisect.bisect_right(jobs, (now, 1 << 60))
        out = [i for _, i in jobs[:k]]
        del jobs[:k]
        for i in out:
            bisect.insort(jobs, (arm(i, now), i))
        return out

    return tick


def mask_each(es, t):
    ms = [ticks.masks(e) for e in es]

    def tick(now):
        a = (now.minute, now.hour, now.day, now.month, now.isoweekday() % 7)
        return [i for i, m in enumerate(ms) if ticks.due(m, *a)]

    return tick


def mask_index(es, t):
    """Jobs of equal schedule share an entry; a daily index by minute-of-day holds only today's, rebuilt per day."""
    groups = {}
    for i, e in enumerate(es):
        groups.setdefault(e, []).append(i)
    ms = [(ticks.masks(e), js) for e, js in groups.items()]
    state = {}

    def tick(now):
        day = now.date()
        if state.get("day") != day:
            wd, table_ = day.isoweekday() % 7, {}
            for m, js in ms:
                if m[3] >> day.month & 1 and ticks.day_ok(m, day.day, wd):
                    h = ticks.low(m[1], 0)
                    while 0 <= h < 24:
                        mi = ticks.low(m[0], 0)
                        while 0 <= mi < 60:
                            table_.setdefault(h * 60 + mi, []).extend(js)
                            mi = ticks.low(m[0], mi + 1)
                        h = ticks.low(m[1], h + 1)
            state.update(day=day, table=table_)
        return state["table"].get(now.hour * 60 + now.minute, [])

    return tick


WAYS = {
    "cronjobs agenda": agenda,
    "croniter.match each": match_each,
    "crontab.CronTab.test each (yacron)": crontab_each,
    "celery crontab.is_due each": celery_each,
    "bitmask each": mask_each,
    "heap + croniter(expr).get_next": heap_of(croniter_arm),
    "heap + kept croniter.get_next": heap_of(croniter_iter_arm),
    "heap + aps3 CronTrigger": heap_of(aps3_arm),
    "aps3 sorted list": aps3_store,
    "heap + bitmask next": heap_of(mask_arm),
    "day index of bitmasks": mask_index,
}

if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--counts", default="1000,10000,100000")
    ap.add_argument(
        "--budget", type=float, default=20, help="seconds of set-up or of one tick a way may cost"
    )
    ap.add_argument("--kind", default="mixed")
    ap.add_argument("--only", nargs="*")
    a = ap.parse_args()
    if os.environ.get("BENCH_NICE"):
        os.nice(int(os.environ["BENCH_NICE"]))
    rows, cost = [], {}
    for n in map(int, a.counts.split(",")):
        es = spread(n, a.kind)
        for name, way in WAYS.items():
            if a.only and name not in a.only:
                continue
            if cost.get(name, 0) * 10 > a.budget:
                continue
            c = time.process_time()
            try:
                tick = way(es, START)
            except ModuleNotFoundError as exc:
                print(f"{name} left out: {exc}")
                continue
            setup = time.process_time() - c
            spans, found, k = [], 0, 0
            stop = time.process_time() + 3
            while k < 20 and time.process_time() < stop:
                k += 1
                now = START + dt.timedelta(minutes=k)
                c = time.process_time()
                out = tick(now)
                spans.append(time.process_time() - c)
                found += len(out)
            cost[name] = setup + max(spans)
            rows.append(
                {
                    "jobs": n,
                    "kind": a.kind,
                    "way": name,
                    "setup_s": setup,
                    "tick_ms": med(spans) * 1e3,
                    "tick_max_ms": max(spans) * 1e3,
                    "due_per_tick": found / k,
                    "ticks": k,
                }
            )
    table(rows)
    save("tick", rows)
