"""what one run costs. CPU and wall of launching one trivial callable, each way; memory per concurrent run.

launch.py [--n 200] [--only NAME...]     every way runs in its own process and cgroup
"""

import sys

sys.dont_write_bytecode = True
import argparse
import json
import multiprocessing as mp
import os
import pathlib
import subprocess
import threading
import time

from common import PY, WORK, Group, environ, lib, med, pct, save, table, tail, usage

os.environ.setdefault("BENCH_LOG", "/dev/null")


def noop():
    pass


def hold():
    import signal

    signal.pause()


def argv_way(*argv):
    return lambda: (lambda: os.waitpid(os.posix_spawn(argv[0], argv, os.environ), 0), None)


def popen_way(*argv, **kw):
    return lambda: (lambda: subprocess.run(argv, **kw), None)


def async_way(*argv):
    def setup():
        import asyncio

        loop = asyncio.new_event_loop()

        async def one():
            await (await asyncio.create_subprocess_exec(*argv)).wait()

        return lambda: loop.run_until_complete(one()), None

    return setup


def thread_way():
    def one():
        t = threading.Thread(target=noop)
        t.start()
        t.join()

    return one, None


def pool_way():
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(4)
    return lambda: pool.submit(noop).result(), None


def mp_way(method, preload=()):
    def setup():
        for m in preload if method == "fork" else ():
            __import__(m)
        ctx = mp.get_context(method)
        if method == "forkserver":
            ctx.set_forkserver_preload(["bench_jobs", *preload])

        def one():
            p = ctx.Process(target=noop)
            p.start()
            p.join()

        def concurrent(n):
            ps = [ctx.Process(target=hold) for _ in range(n)]
            for p in ps:
                p.start()
            return [p.pid for p in ps]

        return one, concurrent

    return setup


def ppool_way():
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(2)
    return lambda: pool.submit(noop).result(), None


def raw_fork(*preload):
    def setup():
        import gc

        for m in preload:
            __import__(m)
        gc.collect()
        gc.freeze()

        def one():
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)

        return one, None

    return setup


def zygote_way(*preload):
    def setup():
        import zygote

        for m in preload:
            __import__(m)
        _, sock = zygote.start(lambda ref: {"noop": noop, "hold": hold}[ref])
        f = sock.makefile("rwb")

        def one():
            f.write(b"noop\n")
            f.flush()
            f.readline()

        def concurrent(n):
            f.write(b"hold\n" * n)
            f.flush()

        return one, concurrent

    return setup


WAYS = {
    "posix_spawn /bin/true": argv_way("/bin/true"),
    "subprocess.run /bin/true": popen_way("/bin/true"),
    "subprocess.run sh -c true": popen_way("true", shell=True),
    "asyncio subprocess /bin/true": async_way("/bin/true"),
    "python -c pass": argv_way(PY, "-c", "pass"),
    "python -I -S -c pass": argv_way(PY, "-I", "-S", "-c", "pass"),
    "python -m bench_jobs": argv_way(PY, "-m", "bench_jobs", "0"),
    "python -m bench_jobs_heavy": argv_way(PY, "-m", "bench_jobs_heavy", "0"),
    "thread": thread_way,
    "thread pool": pool_way,
    "process pool (shared workers)": ppool_way,
    "mp spawn": mp_way("spawn"),
    "mp fork": mp_way("fork"),
    "mp fork, pandas loaded": mp_way("fork", ["pandas"]),
    "mp forkserver, preload": mp_way("forkserver"),
    "mp forkserver, preload __main__": mp_way("forkserver", ["__main__"]),
    "mp forkserver, preload pandas": mp_way("forkserver", ["pandas"]),
    "bare fork+_exit": raw_fork(),
    "bare fork+_exit, pandas loaded": raw_fork("pandas"),
    "zygote": zygote_way(),
    "zygote, pandas loaded": zygote_way("pandas"),
}


def own_cpu():
    return usage(pathlib.Path(os.environ["BENCH_GROUP"]))


def child(name, n):
    one, concurrent = WAYS[name]()
    for _ in range(3):
        one()
    walls = []
    cpu = own_cpu()
    for _ in range(n):
        t = time.perf_counter()
        one()
        walls.append(time.perf_counter() - t)
    cpu = own_cpu() - cpu
    row = {
        "way": name,
        "n": n,
        "wall_ms": med(walls) * 1e3,
        "wall_p99_ms": pct(walls, 99) * 1e3,
        "cpu_ms": cpu / n * 1e3,
    }
    if concurrent:
        before = set(os.listdir("/proc"))
        concurrent(30)
        time.sleep(1.0)
        new = [p for p in set(os.listdir("/proc")) - before if p.isdigit()]
        mine = {int(p) for p in pathlib.Path(os.environ["BENCH_GROUP"], "cgroup.procs").read_text().split()}
        pss, rss, n_ = 0, 0, 0
        for p in new:
            if int(p) in mine:
                f = dict(
                    x.split(":", 1)
                    for x in pathlib.Path(f"/proc/{p}/smaps_rollup").read_text().splitlines()[1:]
                )
                pss += int(f["Pss"].split()[0])
                rss += int(f["Rss"].split()[0])
                n_ += 1
        row |= {"held": n_, "pss_mib_run": pss / 1024 / max(1, n_), "rss_mib_run": rss / 1024 / max(1, n_)}
    print(json.dumps(row), flush=True)
    os._exit(0)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--n", type=int, default=200)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--only", nargs="*")
    ap.add_argument("--child")
    a = ap.parse_args()
    if a.child:
        child(a.child, a.n)
    rows = []
    for name in a.only or WAYS:
        n = max(8, a.n // 20) if "heavy" in name else a.n
        got = []
        for r in range(a.rounds):
            with Group("launch") as g:
                p = g.popen(
                    [PY, str(lib() / "launch.py"), "--child", name, "--n", str(n)],
                    stdout=subprocess.PIPE,
                    cwd=WORK,
                    log=WORK / "launch.err",
                    env={**environ(), "BENCH_GROUP": str(g.path)},
                )
                line = p.stdout.readline()
                if line:
                    got.append(json.loads(line))
        if not got:
            print(f"{name}: failed\n{tail(WORK / 'launch.err')}", end="")
        if got:
            rows.append(
                {k: got[0][k] if isinstance(got[0][k], str) else med([x[k] for x in got]) for k in got[0]}
            )
            table(rows[-1:])
    table(rows, ["way", "n", "wall_ms", "wall_p99_ms", "cpu_ms", "held", "pss_mib_run", "rss_mib_run"])
    save("launch", rows)
