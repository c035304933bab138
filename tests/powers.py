"""Without root's powers: what a file's permissions refuse to anybody is refused to the tests too."""

import os
import shutil
import subprocess
import sys

import pytest

_POWERS = "-dac_override,-dac_read_search"
# In front of a command.
AS_ANYBODY = ["setpriv", f"--bounding-set={_POWERS}", f"--inh-caps={_POWERS}"] if os.geteuid() == 0 else []
needs_setpriv = pytest.mark.skipif(
    bool(AS_ANYBODY) and not shutil.which("setpriv"), reason="root needs setpriv to give up its powers"
)


def answer_as_anybody(program: str, *arguments: str) -> str:
    """Return what a Python program prints that is run without root's powers."""
    done = subprocess.run(
        [*AS_ANYBODY, sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")
