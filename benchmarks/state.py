"""durable state. A run is a claim (count it before it starts) and a finish: two small durable commits.

state.py [--seconds 3] [--dir D] [--pg DSN]      pairs per second; every way checks the limit before it claims
"""

import sys

sys.dont_write_bytecode = True
import argparse
import json
import os
import pathlib
import sqlite3
import subprocess
import threading
import time

from common import WORK, med, pct, save, table


def spin(pair, seconds, batch=1):
    spans, n = [], 0
    end = time.perf_counter() + seconds
    c = os.times()
    t0 = t = time.perf_counter()
    while t < end:
        pair(n)
        n += batch
        t1 = time.perf_counter()
        spans.append(t1 - t)
        t = t1
    e = os.times()
    return {
        "pairs_s": n / (t - t0),
        "p50_ms": med(spans) * 1e3,
        "p99_ms": pct(spans, 99) * 1e3,
        "cpu_us_pair": (sum(e[:2]) - sum(c[:2])) / n * 1e6,
        "batch": batch,
    }


def sqlite(d, journal, sync, seconds, jobs=1000, batch=1):
    path = d / f"s-{journal}-{sync}-{batch}.db"
    for f in d.glob(path.name + "*"):
        f.unlink()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"pragma journal_mode={journal}")
    db.execute(f"pragma synchronous={sync}")
    db.execute("create table job(name text primary key, limit_ int, started int, done int) without rowid")
    db.execute(
        "create table run(id integer primary key, job text, due int, started int, finished int, status int)"
    )
    db.execute("begin")
    db.executemany("insert into job values(?, 1000000000, 0, 0)", [(f"t{i}",) for i in range(jobs)])
    db.execute("commit")

    def pair(n):
        ids = []
        db.execute("begin immediate")
        for k in range(batch):
            name = f"t{(n + k) % jobs}"
            if db.execute(
                "update job set started=started+1 where name=? and started<limit_", (name,)
            ).rowcount:
                ids.append(
                    (
                        db.execute(
                            "insert into run(job, due, started) values(?,?,?)", (name, n, n)
                        ).lastrowid,
                        name,
                    )
                )
        db.execute("commit")
        db.execute("begin immediate")
        for rid, name in ids:
            db.execute("update run set finished=?, status=0 where id=?", (n, rid))
            db.execute("update job set done=done+1 where name=?", (name,))
        db.execute("commit")

    return spin(pair, seconds, batch)


def rewrite(d, kind, jobs, seconds, fsync=True):
    state = {f"t{i}": {"started": 0, "done": 0, "last": "2026-01-01T00:00:00Z"} for i in range(jobs)}
    if kind == "toml":
        import tomli_w

        dumps = tomli_w.dumps
    else:
        dumps = json.dumps
    path, tmp = d / f"state.{kind}", d / f"state.{kind}.tmp"
    dirfd = os.open(d, os.O_RDONLY)

    def put():
        data = dumps(state).encode()
        fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, data)
        if fsync:
            os.fsync(fd)
        os.close(fd)
        os.rename(tmp, path)
        if fsync:
            os.fsync(dirfd)

    def pair(n):
        s = state[f"t{n % jobs}"]
        s["started"] += 1
        put()
        s["done"] += 1
        put()

    return spin(pair, seconds)


def journal(d, seconds, batch=1, prealloc=False, sync=True):
    path = d / "journal"
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | (0 if prealloc else os.O_APPEND), 0o600)
    if prealloc:
        os.posix_fallocate(fd, 0, 64 << 20)
        for _ in range(64):
            os.write(fd, b"\0" * (1 << 20))
        os.lseek(fd, 0, os.SEEK_SET)
        os.fsync(fd)

    def put(verb, n):
        os.write(fd, b"".join(b"%s t%d %d deadbeef\n" % (verb, n + k, n) for k in range(batch)))
        if sync:
            os.fdatasync(fd)

    def pair(n):
        put(b"claim", n)
        put(b"done", n)

    return spin(pair, seconds, batch)


def aps3_store(d, seconds, jobs=1000):
    """What APScheduler 3 does per run with its SQLAlchemy store on SQLite: one update_job (no count, no finish)."""
    import datetime as dt

    import bench_jobs
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    (d / "aps.db").unlink(missing_ok=True)
    s = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{d}/aps.db")}, timezone="UTC"
    )
    s.start(paused=True)
    js = [s.add_job(getattr(bench_jobs, f"t{i}"), "cron", minute=i % 60, id=f"t{i}") for i in range(jobs)]
    store, step = s._jobstores["default"], dt.timedelta(minutes=1)

    def pair(n):
        job = js[n % jobs]
        job._modify(next_run_time=job.next_run_time + step)
        store.update_job(job)

    try:
        return spin(pair, seconds)
    finally:
        s.shutdown()


def postgres(dsn, seconds, sync="on", batch=1, conns=1):
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("drop table if exists job, run")
        db.execute(
            "create table job(name text primary key, limit_ int, started int, done int) with (fillfactor=50)"
        )
        db.execute(
            "create table run(id bigserial primary key, job text, due bigint, started bigint, finished bigint,"
            " status int) with (fillfactor=80)"
        )
        db.execute("insert into job select 't'||i, 1000000000, 0, 0 from generate_series(0, 999) i")
    claim = (
        "with c as (update job set started=started+1 where name=any(%s) and started<limit_ returning name) "
        "insert into run(job, due, started) select name, %s, %s from c returning id"
    )
    finish = (
        "with r as (update run set finished=%s, status=0 where id=any(%s) returning job) "
        "update job set done=done+1 from r where name=r.job"
    )

    def one(seconds, off, out):
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=1) as db:
            db.execute(f"set synchronous_commit={sync}")

            def pair(n):
                names = [f"t{(off + n + k) % 1000}" for k in range(batch)]
                ids = [r[0] for r in db.execute(claim, (names, n, n)).fetchall()]
                db.execute(finish, (n, ids))

            out.append(spin(pair, seconds, batch))

    out = []
    ts = [threading.Thread(target=one, args=(seconds, 97 * i, out)) for i in range(conns)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    return {
        "pairs_s": sum(o["pairs_s"] for o in out),
        "p50_ms": med([o["p50_ms"] for o in out]),
        "p99_ms": max(o["p99_ms"] for o in out),
        "cpu_us_pair": med([o["cpu_us_pair"] for o in out]),
        "batch": batch,
    }


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--seconds", type=float, default=3)
    ap.add_argument("--dir", default=str(WORK / "state"))
    ap.add_argument("--pg")
    ap.add_argument("--rounds", type=int, default=2)
    ap.add_argument("--only", nargs="*", help="words that select ways by name")
    a = ap.parse_args()
    d, s = pathlib.Path(a.dir), a.seconds
    d.mkdir(parents=True, exist_ok=True)
    fs = subprocess.run(["stat", "-fc", "%T", d], capture_output=True, text=True).stdout.strip()
    print(f"{d} is on {fs}" + (": nothing is durable there, name a disk with --dir" if fs == "tmpfs" else ""))
    ways = {}
    for j, y in (("wal", "normal"), ("wal", "full"), ("delete", "full"), ("wal", "off")):
        ways[f"sqlite {j} {y}"] = lambda j=j, y=y: sqlite(d, j, y, s)
    for b in (10, 100, 1000):
        ways[f"sqlite wal full, {b} a commit"] = lambda b=b: sqlite(d, "wal", "full", s, batch=b)
    for kind in ("json", "toml"):
        for n in (10, 1000, 10000):
            ways[f"{kind} rewrite, {n} jobs"] = lambda k=kind, n=n: rewrite(d, k, n, s)
    ways["json rewrite, 1000 jobs, no fsync"] = lambda: rewrite(d, "json", 1000, s, False)
    ways["journal append fdatasync"] = lambda: journal(d, s)
    ways["journal preallocated fdatasync"] = lambda: journal(d, s, prealloc=True)
    ways["journal append, no sync"] = lambda: journal(d, s, sync=False)
    for b in (10, 100, 1000):
        ways[f"journal append fdatasync, {b} a sync"] = lambda b=b: journal(d, s, b)
    ways["aps3 SQLAlchemy store, update_job only"] = lambda: aps3_store(d, s)
    if a.pg:
        for y, b, c in (
            ("on", 1, 1),
            ("off", 1, 1),
            ("on", 10, 1),
            ("on", 100, 1),
            ("on", 1000, 1),
            ("on", 1, 8),
            ("on", 1, 32),
        ):
            ways[f"postgres sync={y}, {b} a commit, {c} conns"] = lambda y=y, b=b, c=c: postgres(
                a.pg, s, y, b, c
            )
    if a.only:
        ways = {k: w for k, w in ways.items() if any(x in k for x in a.only)}
    rows = {}
    for _ in range(a.rounds):
        for name, way in ways.items():
            try:
                rows.setdefault(name, []).append(way())
            except ImportError as exc:
                print(f"{name}: left out, {exc}")
    rows = [{"way": k, **{c: med([r[c] for r in v]) for c in v[0]}} for k, v in rows.items() if v]
    table(rows)
    save("state", rows, filesystem=fs)
