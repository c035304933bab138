"""How fast schedules are, next to croniter and cronsim in the same process: medians, and ratios of them.

    python benchmarks/schedules.py [--quick] [--answers 10000]

next: the next instant, again and again, from one object. croniter's is reused, cronsim's is an iterator.
parse: a text that was not seen before, and its first instant. Ours remembers single fields, as it does where
thousands of schedules are read; each text here is another one, of 60 minutes, 24 hours and 7 weekdays.
answers: random texts in random zones, read and asked at random moments of 1970-2199: the slowest of them, CPU time.
"""

import random
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from statistics import median
from time import perf_counter, process_time
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from cronsim import CronSim

from cronjobs.core.schedule import ScheduleError, parse_schedule
from cronjobs.core.schedule.parse import _shared

TEXTS = [
    "* * * * *",
    "*/5 * * * *",
    "0 * * * *",
    "0 3 * * *",
    "15,45 9-17 * * 1-5",
    "30 8 * * 1-5",
    "0 0 1 * *",
    "0 0 1 1 *",
]
ZONES = ["UTC", "Europe/Berlin"]
ROUNDS = 3 if "--quick" in sys.argv else 9


def main() -> None:
    print("next instant, microseconds")
    print(f"{'':22}{'zone':15}{'ours':>8}{'croniter':>10}{'cronsim':>10}{'ratio':>8}{'ratio':>8}")
    for text in TEXTS:
        for zone in ZONES:
            ours, theirs, simulated = (seconds * 1e6 for seconds in next_seconds(text, zone))
            row = f"{ours:8.2f}{theirs:10.1f}{simulated:10.1f}{theirs / ours:8.0f}{simulated / ours:8.0f}"
            print(f"{text:22}{zone:15}{row}")
    print("\nparse and first instant, microseconds, of texts not seen before")
    for zone in ZONES:
        ours, theirs, simulated = (seconds * 1e6 for seconds in parse_seconds(zone))
        row = f"{ours:8.2f}{theirs:10.1f}{simulated:10.1f}{theirs / ours:8.1f}{simulated / ours:8.1f}"
        print(f"{'M H * * D':22}{zone:15}{row}")
    answers = int(sys.argv[sys.argv.index("--answers") + 1]) if "--answers" in sys.argv else 2000
    print(f"\nslowest of {answers} x 3 answers (read, next, previous), CPU milliseconds")
    for milliseconds, what in slowest_answers(answers)[:5]:
        print(f"{milliseconds:8.2f}  {what}")
    print("\na year of instants, instants/s")
    for text in ("* * * * *", "*/10 * * * * *"):
        for zone in ZONES:
            print(f"{text:22}{zone:15}{year_rate(text, zone):15,.0f}")


def next_seconds(text: str, zone: str) -> tuple[float, float, float]:
    """Return the seconds for one next instant: ours, croniter's, cronsim's."""
    begin = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    schedule = parse_schedule(text, zone)
    start = int(begin.timestamp())
    reused = croniter(text, begin)
    simulated: Iterator[datetime] = CronSim(text, begin)

    def ours(count: int) -> None:
        instant: int = start
        for _ in range(count):
            instant = schedule.next_after(instant) or start

    def theirs(count: int) -> None:
        reused.set_current(begin)
        for _ in range(count):
            reused.get_next(float)

    def cronsims(count: int) -> None:
        for _ in range(count):
            next(simulated)

    return timed(ours, 2000), timed(theirs, 20), timed(cronsims, 20)


def parse_seconds(zone: str) -> tuple[float, float, float]:
    """Return the seconds for parsing a text and finding its first instant: ours, croniter's, cronsim's."""
    begin = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    start = int(begin.timestamp())
    minutes = [f"{minute} {hour} * * {day}" for minute in range(60) for hour in range(24) for day in range(7)]
    random.Random(1).shuffle(minutes)

    def ours(count: int) -> None:
        _shared.cache_clear()
        for text in minutes[:count]:
            parse_schedule(text, zone).next_after(start)

    def theirs(count: int) -> None:
        for text in minutes[:count]:
            croniter(text, begin).get_next(float)

    def cronsims(count: int) -> None:
        for text in minutes[:count]:
            next(CronSim(text, begin))

    return timed(ours, 1000), timed(theirs, 100), timed(cronsims, 100)


def slowest_answers(count: int) -> list[tuple[float, str]]:
    """Return (CPU milliseconds, what was asked) of random questions, slowest first."""
    rng = random.Random(count)
    zones = sorted(available_timezones())
    found = []
    for _ in range(count):
        text, zone, start = random_text(rng), rng.choice(zones), rng.randrange(0, 7_258_118_400)
        parse_schedule("* * * * *", zone)  # reading a zone's data from the disk is not the question
        begin = process_time()
        try:
            schedule = parse_schedule(text, zone)
        except ScheduleError:  # it never comes
            found.append((process_time() - begin, f"read {text!r}"))
            continue
        found.append((process_time() - begin, f"read {text!r} in {zone}"))
        for name, ask in (("next", schedule.next_after), ("previous", schedule.previous_before)):
            begin = process_time()
            ask(start)
            found.append((process_time() - begin, f"{name} of {text!r} in {zone} at {start}"))
    return [(seconds * 1000, what) for seconds, what in sorted(found, reverse=True)]


def random_text(rng: random.Random) -> str:
    """Return a text of five to seven fields that mostly comes, if rarely."""
    minute, hour, day, month, weekday = (
        rng.choice(
            ["*", str(rng.randint(low, high)), f"*/{rng.randint(2, 9)}", f"{low}-{rng.randint(low, high)}"]
        )
        for low, high in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    )
    day = rng.choice([day, day, "29", "31", "L", "LW", "L-3", "15W", "31W"])
    month = rng.choice([month, month, "2", "feb,sep"])
    weekday = rng.choice([weekday, weekday, "mon#5", "5L", "+2", "fri-sun", "7#L"])
    words = [minute, hour, day, month, weekday]
    if rng.random() < 0.3:
        words.insert(0, str(rng.randint(0, 59)))
        if rng.random() < 0.5:
            words.append(rng.choice(["*/7", "2196", "1970-1975", str(rng.randint(1970, 2199))]))
    return " ".join(words)


def year_rate(text: str, zone: str) -> float:
    """Return how many instants of a year come out of the iterator in a second."""
    start = int(datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).timestamp()) - 1
    schedule = parse_schedule(text, zone)
    count = schedule.count_between(start, start + 365 * 86400)

    def whole_year(count: int) -> None:
        assert sum(1 for _ in schedule.between(start, start + 365 * 86400)) == count

    return 1 / timed(whole_year, count)


def timed(work: Callable[[int], None], count: int) -> float:
    """Return the median of the seconds for one of `count`."""
    times = []
    for _ in range(ROUNDS):
        begin = perf_counter()
        work(count)
        times.append((perf_counter() - begin) / count)
    return median(times)


if __name__ == "__main__":
    main()
