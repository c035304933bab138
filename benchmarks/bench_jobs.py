"""Jobs every peer runs. Job N is the attribute `tN`: `bench_jobs:t17`, or `python -m bench_jobs 17`.

Each run appends one line, `N entry_ns pid`, to $BENCH_LOG with a single O_APPEND write.
"""

import os
import sys
import time

now = time.time_ns


def record(job, entry=None):
    entry = entry or now()
    fd = os.open(os.environ["BENCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, b"%d %d %d\n" % (int(job), entry, os.getpid()))
    os.close(fd)


def tick(job=0):
    record(job, now())


async def atick(job=0):
    record(job, now())


def make(name, module):
    """A plain function `module:tN`: picklable by name, with a name of its own for registries."""
    job = int(name[1:])

    def run(*args, **kwargs):
        record(job, now())

    run.__name__ = run.__qualname__ = name
    run.__module__ = module
    return run


def __getattr__(name):  # PEP 562: every tN exists, only the ones used are built
    if name[:1] == "t" and name[1:].isdigit():
        return globals().setdefault(name, make(name, __name__))
    raise AttributeError(name)


if __name__ == "__main__":
    record(sys.argv[1], now())
