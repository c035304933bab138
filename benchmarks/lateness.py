"""start lateness. N jobs due at one instant; entry of the callable minus the instant, and the CPU it took.

    lateness.py PEER... [--batches 1,100,1000] [--heavy 100] [--rounds 1]

All light batches sit in one config, the heavy ones in a second; each batch gets its own instant. Peers that know
seconds get close instants, the others one minute each. The last table compares the peers with the first one, round
by round: `x_*` is the first peer's p99 divided by the row's.
"""

import sys

sys.dont_write_bytecode = True
import argparse
import math
import time

from common import WORK, Group, machine_busy, med, pct, save, table
from peers import Job, at, chosen, launch

EARLY = 3  # seconds before the instant from which CPU counts: children forked ahead are part of the cost


def measure(peer, sizes, gap, lead):
    start = time.time() + lead
    batches, jobs, n = [], [], 0
    when = math.ceil(start) if peer.seconds else math.ceil(start / 60) * 60
    for size, heavy in sizes:
        step = gap(size, heavy)
        batches.append((when, size, heavy, range(n, n + size)))
        jobs += [Job(i, at(when), heavy) for i in range(n, n + size)]
        n += size
        when += math.ceil(step) if peer.seconds else math.ceil(step / 60) * 60
    rows, d = [], WORK / peer.name
    with Group(peer.name) as g:
        main = launch(peer, g, jobs, d)
        if not main:
            return rows
        for k, (due, size, heavy, ids) in enumerate(batches):
            time.sleep(max(0, due - EARLY - time.time()))
            cpu0, late_config = g.cpu(), time.time() > due
            time.sleep(max(0, due - time.time()))
            cpu_due, busy_due = g.cpu(), machine_busy()
            end = batches[k + 1][0] - EARLY if k + 1 < len(batches) else due + max(gap(size, heavy), 20)
            while time.time() < end and main.poll() is None:
                time.sleep(0.1)
                if sum(1 for _ in open(d / "log")) >= ids.stop:
                    time.sleep(0.5)
                    break
            entries = {}
            for line in open(d / "log"):
                i, ns, _ = map(int, line.split())
                if i in ids:
                    entries.setdefault(i, ns)
            late = [(ns - due * 10**9) / 1e6 for ns in entries.values()]
            cpu, others = g.cpu() - cpu0, machine_busy() - busy_due - (g.cpu() - cpu_due)
            rows.append(
                {
                    "peer": peer.name,
                    "batch": k + 1,
                    "jobs": size,
                    "heavy": heavy,
                    "ran": len(late),
                    "p50_ms": pct(late, 50),
                    "p99_ms": pct(late, 99),
                    "max_ms": max(late, default=None),
                    "cpu_s": round(cpu, 3),
                    "cpu_ms_run": round(cpu * 1e3 / max(1, len(late)), 3),
                    "others_cpu_s": round(others, 2),
                    "pss_mib": round(g.memory()[2], 1),
                    "late_config": late_config,
                }
            )
    return rows


def compare(rounds):
    """Minimum, median and maximum over the rounds; a batch that did not run in full has no ratio."""
    cells = {}
    for rows in rounds:
        p99 = {
            (r["peer"], r["heavy"], r["batch"], r["jobs"]): r["p99_ms"] for r in rows if r["ran"] == r["jobs"]
        }
        for (peer, *batch), ms in p99.items():
            base = p99.get((rows[0]["peer"], *batch))
            cells.setdefault((*batch, peer), []).append((ms, base and base / ms))
    out = []
    for (heavy, _, jobs, peer), pairs in sorted(cells.items(), key=lambda c: c[0][:3]):
        ms, xs = [p[0] for p in pairs], [p[1] for p in pairs if p[1]]
        out.append(
            {
                "jobs": jobs,
                "heavy": heavy,
                "peer": peer,
                "rounds": len(pairs),
                "p99_min": min(ms),
                "p99_med": med(ms),
                "p99_max": max(ms),
                "x_min": min(xs, default=None),
                "x_med": med(xs),
                "x_max": max(xs, default=None),
            }
        )
    return out


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("peers", nargs="+")
    ap.add_argument("--batches", default="1,100,1000")
    ap.add_argument("--heavy", default="100")
    ap.add_argument("--drain", type=float, default=0.02, help="seconds per job before the next batch")
    ap.add_argument("--lead", type=float, default=8)
    ap.add_argument("--rounds", type=int, default=1)
    a = ap.parse_args()
    configs = [
        [(int(x), heavy) for x in text.split(",") if x] for text, heavy in ((a.batches, 0), (a.heavy, 1))
    ]
    rounds = []
    for _ in range(a.rounds):
        rounds.append([])
        for peer in chosen(a.peers):
            cost = {0: a.drain * (3 if peer.execs else 1), 1: 0.4 if peer.execs else a.drain}
            for sizes in filter(None, configs):
                rows = measure(
                    peer, sizes, lambda n, heavy: 2 * EARLY + n * cost[heavy], a.lead + peer.settle
                )
                table(rows)
                rounds[-1] += rows
                save("lateness", sum(rounds, []), compare=compare(rounds))
    table(compare(rounds))
