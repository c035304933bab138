"""Files that nobody finds half-written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def complete_file(path: Path) -> Iterator[TextIO]:
    """Give a file to write to, which takes the path's place at the end; after an exception nothing does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # With the process's number: two runs may write the same file at once.
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
