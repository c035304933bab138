"""The same jobs in a module with a heavy import (pandas, about 0.5 s cold)."""

import sys

import pandas  # noqa: F401
from bench_jobs import make, now, record


def __getattr__(name):
    if name[:1] == "t" and name[1:].isdigit():
        return globals().setdefault(name, make(name, __name__))
    raise AttributeError(name)


if __name__ == "__main__":
    record(sys.argv[1], now())
