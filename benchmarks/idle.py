"""idle cost. N jobs due once a year (or N on mixed schedules): memory, CPU per minute, wake-ups per minute.

    idle.py PEER... [--counts 1,100,1000,10000] [--minutes 2] [--mixed 10000]

All named peers idle side by side; CPU is accounted per cgroup. The mixed run has daily, monthly and six-hourly
jobs at random minutes: of 10 000, about eight are due in any minute, so runs are started too.
"""

import sys

sys.dont_write_bytecode = True
import argparse
import contextlib
import random
import time

from common import WORK, Group, save, table
from peers import Job, chosen, launch


def rare(n, rng):
    month = time.gmtime().tm_mon
    months = [m for m in range(1, 13) if m not in (month, month % 12 + 1)]
    return [
        Job(
            i,
            (
                "0",
                str(rng.randrange(60)),
                str(rng.randrange(24)),
                str(rng.randrange(1, 29)),
                str(rng.choice(months)),
            ),
            False,
        )
        for i in range(n)
    ]


def mixed(n, rng):
    def expr():
        kind = rng.random()
        if kind < 0.6:
            return ("0", str(rng.randrange(60)), str(rng.randrange(24)), "*", "*")  # daily
        if kind < 0.9:
            return (
                "0",
                str(rng.randrange(60)),
                str(rng.randrange(24)),
                str(rng.randrange(1, 29)),
                "*",
            )  # monthly
        return ("0", str(rng.randrange(60)), "*/6", "*", "*")

    return [Job(i, expr(), False) for i in range(n)]


def measure(peers, jobs, label, minutes, settle):
    rows = []
    with contextlib.ExitStack() as stack:
        groups = {}
        for peer in peers:
            g = stack.enter_context(Group(f"idle-{peer.name}"))
            if launch(peer, g, jobs, WORK / f"idle-{peer.name}"):
                groups[peer.name] = g
        end = time.monotonic() + settle
        while time.monotonic() < end:  # settled: under 5 % of one CPU over 5 s, or out of patience
            before = {n: g.cpu() for n, g in groups.items()}
            time.sleep(5)
            if (
                all(g.cpu() - before[n] < 0.25 for n, g in groups.items())
                and time.monotonic() > end - settle + 15
            ):
                break
        load = {n: g.cpu() for n, g in groups.items()}
        cpu0 = {n: (time.monotonic(), g.cpu(), g.switches()) for n, g in groups.items()}
        time.sleep(60 * minutes)
        for n, g in groups.items():
            t, c, s = cpu0[n]
            span = (time.monotonic() - t) / 60
            procs, rss, pss = g.memory()
            rows.append(
                {
                    "peer": n,
                    "jobs": len(jobs),
                    "kind": label,
                    "alive": procs,
                    "rss_mib": round(rss, 1),
                    "pss_mib": round(pss, 1),
                    "cpu_s_min": round((g.cpu() - c) / span, 4),
                    "wakeups_min": round((g.switches() - s) / span),
                    "cpu_s_to_settle": round(load[n], 2),
                }
            )
    return rows


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("peers", nargs="+")
    ap.add_argument("--counts", default="1,100,1000,10000")
    ap.add_argument("--mixed", type=int, default=0)
    ap.add_argument("--minutes", type=float, default=2)
    ap.add_argument("--settle", type=float, default=90)
    a = ap.parse_args()
    rows = []
    for n in [int(x) for x in a.counts.split(",") if x]:
        rows += measure(chosen(a.peers), rare(n, random.Random(1)), "yearly", a.minutes, a.settle)
    if a.mixed:
        rows += measure(chosen(a.peers), mixed(a.mixed, random.Random(1)), "mixed", a.minutes, a.settle)
    table(rows)
    save("idle", rows)
