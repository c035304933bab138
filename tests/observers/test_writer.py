"""A log's way out: whoever writes is never held up, and what is lost is counted."""

import os
import resource
import time
from contextlib import contextmanager
from select import PIPE_BUF
from threading import Thread

import pytest

from cronjobs.observers.writer import Writer

LINE = "x" * 999
MANY = 6000  # lines: more than a pipe holds and a writer keeps


class Waiter:
    """Remembers what is to be called when a descriptor can be written; a test says when that is."""

    def __init__(self):
        self.callbacks = {}

    def add(self, descriptor, callback, *, writable):
        assert writable
        self.callbacks[descriptor] = callback

    def remove(self, descriptor):
        self.callbacks.pop(descriptor, None)

    def __contains__(self, descriptor):
        return descriptor in self.callbacks

    def call_back(self):
        for callback in list(self.callbacks.values()):
            callback()


@pytest.fixture
def waiter():
    return Waiter()


@pytest.fixture
def pipe():
    """A pipe's two ends; a test may close either."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


def in_time(action):
    """Do something that must not wait for anybody; fail if it does."""
    thread = Thread(target=action, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive(), "it waits"


def read_all(waiter, reading):
    """Read what comes until nothing is kept back any more."""
    os.set_blocking(reading, False)
    found = bytearray()
    while True:
        try:
            found += os.read(reading, 1 << 16)
        except BlockingIOError:
            if not waiter.callbacks:
                return found.decode()
            waiter.call_back()


def test_lines_are_written_in_order(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)

    for line in ("first", "second", "", "fourth €"):
        writer.write(line)
    writer.flush()

    assert os.read(reading, 1000).decode() == "first\nsecond\n\nfourth €\n"
    assert waiter.callbacks == {}


def test_lines_are_kept_until_they_are_flushed(pipe, waiter):
    reading, writing = pipe
    os.set_blocking(reading, False)

    Writer(writing, waiter, time.monotonic).write("first")

    with pytest.raises(BlockingIOError):
        os.read(reading, 1000)


def test_a_flood_of_lines_does_not_wait_for_the_end_of_the_turn(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)

    for _ in range(100):
        writer.write(LINE)

    assert len(os.read(reading, 1 << 20)) > PIPE_BUF


def test_surrogates_are_written_as_what_can_be_read(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)

    writer.write("caf\udce9")
    writer.flush()

    assert os.read(reading, 1000) == b"caf\\udce9\n"


def test_a_pipe_that_nobody_reads_holds_nobody_up(pipe, waiter):
    _, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)

    def write_many():
        for _ in range(MANY):
            writer.write(LINE)
            writer.flush()

    in_time(write_many)

    assert list(waiter.callbacks) == [writing]


def test_what_was_kept_back_is_written_once_there_is_a_reader(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)
    expected = [f"{number} {LINE}" for number in range(1000)]
    for line in expected:
        writer.write(line)
    writer.flush()

    found = read_all(waiter, reading)

    assert found.splitlines() == expected
    assert waiter.callbacks == {}


def test_every_line_that_was_dropped_is_counted(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)
    for number in range(MANY):
        writer.write(f"{number} {LINE}")
    writer.flush()

    found = read_all(waiter, reading).splitlines()

    dropped = writer.take_dropped()
    assert dropped > 0
    assert [line.split()[0] for line in found] == [str(number) for number in range(MANY - dropped)]
    assert writer.take_dropped() == 0


def test_nothing_is_said_of_dropped_lines_while_there_is_no_room_to_say_it(pipe, waiter):
    _, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)

    for _ in range(MANY):
        writer.write(LINE)

    assert writer.take_dropped() == 0


def test_lines_are_taken_again_after_a_gap(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)
    for _ in range(MANY):
        writer.write(LINE)
    read_all(waiter, reading)

    writer.write("again")
    writer.flush()

    assert read_all(waiter, reading) == "again\n"


def test_a_line_longer_than_a_pipe_is_written_whole(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)

    writer.write("y" * 300_000)
    writer.flush()

    assert read_all(waiter, reading) == "y" * 300_000 + "\n"


def test_a_pipe_whose_reader_is_gone_is_given_up(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)
    os.close(reading)

    writer.write("first")
    writer.flush()
    writer.write("second")
    writer.flush()

    assert writer.is_broken
    assert waiter.callbacks == {}


def test_a_reader_that_leaves_while_lines_are_kept_back_is_noticed(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)
    for _ in range(200):
        writer.write(LINE)
    writer.flush()
    assert waiter.callbacks

    os.close(reading)
    waiter.call_back()

    assert writer.is_broken
    assert waiter.callbacks == {}


def test_a_file_is_written_at_once(tmp_path, waiter):
    with (tmp_path / "log").open("wb") as file:
        writer = Writer(file.fileno(), waiter, time.monotonic)
        for _ in range(MANY):
            writer.write(LINE)
        writer.flush()

    assert (tmp_path / "log").read_text() == f"{LINE}\n" * MANY
    assert writer.take_dropped() == 0
    assert waiter.callbacks == {}


@contextmanager
def files_no_longer_than(size):
    """Have the disk be full for every file at that size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path, waiter):
    with (tmp_path / "log").open("wb") as file:
        writer = Writer(file.fileno(), waiter, time.monotonic)
        with files_no_longer_than(10_000):
            for _ in range(10):
                writer.write(LINE)
                writer.flush()
            for _ in range(5):
                writer.write("lost")
                writer.flush()
        dropped = writer.take_dropped()
        writer.write("again")
        writer.flush()

    assert dropped == 5
    assert not writer.is_broken
    assert (tmp_path / "log").read_text() == f"{LINE}\n" * 10 + "again\n"


def test_a_line_that_the_disk_had_half_room_for_does_not_spoil_the_next(tmp_path, waiter):
    with (tmp_path / "log").open("wb") as file:
        writer = Writer(file.fileno(), waiter, time.monotonic)
        with files_no_longer_than(500):
            writer.write(LINE)
            writer.flush()
        writer.write("again")
        writer.flush()

    assert (tmp_path / "log").read_text().splitlines()[-1] == "again"


def test_at_the_end_a_reader_that_falls_behind_gets_all_that_is_kept(pipe, waiter):
    reading, writing = pipe
    writer = Writer(writing, waiter, time.monotonic)
    for number in range(20_000):
        writer.write(f"line {number}")
    found = []
    reader = Thread(target=lambda: found.extend(read_to_the_end(reading)))
    reader.start()

    writer.drain(30.0)

    os.close(writing)
    reader.join()
    assert found[-1] == b"line 19999"
    assert len(found) == 20_000


def test_at_the_end_a_reader_that_reads_nothing_is_waited_for_only_so_long(pipe, waiter):
    _, writing = pipe
    ticks = iter(range(1000))
    writer = Writer(writing, waiter, lambda: next(ticks) * 10.0)
    for number in range(20_000):
        writer.write(f"line {number}")

    writer.drain(15.0)

    assert next(ticks) < 10


def read_to_the_end(descriptor):
    with open(descriptor, "rb", closefd=False) as stream:
        return stream.read().splitlines()
