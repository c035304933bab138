"""Which job is due when, and that nothing is due twice or forgotten."""

import random
from itertools import pairwise

import pytest
from factories import HOUR, MINUTE, NOON, Instants
from hypothesis import given
from hypothesis import strategies as st

from cronjobs.core.agenda import Agenda
from cronjobs.core.catch_up import LATE_SECONDS
from cronjobs.core.job import Occurrence
from cronjobs.core.schedule import parse_schedule


@pytest.fixture
def agenda():
    return Agenda()


def test_an_empty_agenda_wakes_nobody(agenda):
    assert (agenda.wake_at(), agenda.due(NOON), agenda.before(NOON), len(agenda)) == (None, [], [], 0)


def test_the_first_occurrence_lies_strictly_after_the_instant(agenda):
    agenda.add("tidy", parse_schedule("* * * * *"), after=NOON)

    assert agenda.wake_at() == NOON + MINUTE


def test_an_occurrence_is_due_from_its_instant_on(agenda):
    agenda.add("tidy", Instants(NOON), after=0)

    assert agenda.due(NOON - 0.001) == []
    assert agenda.due(NOON) == [Occurrence("tidy", NOON)]


def test_occurrences_come_out_in_the_order_of_time(agenda):
    agenda.add("late", Instants(NOON + 2, NOON + 3), after=NOON)
    agenda.add("early", Instants(NOON + 1, NOON + 4), after=NOON)

    due = agenda.due(NOON + 10)

    assert [each.job for each in due] == ["early", "late", "late", "early"]


def test_jobs_due_at_one_instant_come_out_in_the_order_in_which_they_were_added(agenda):
    names = ["zebra", "ant", "mole", "bee"]
    for name in names:
        agenda.add(name, parse_schedule("* * * * *"), after=NOON)

    due = agenda.due(NOON + 2 * MINUTE)

    assert [each.job for each in due] == names * 2


def test_a_late_tick_does_not_move_the_schedule(agenda):
    agenda.add("tidy", parse_schedule("*/5 * * * *"), after=NOON)

    agenda.due(NOON + 5 * MINUTE + 47.3)

    assert agenda.wake_at() == NOON + 10 * MINUTE


def test_a_tick_after_a_stall_finds_every_occurrence_of_it(agenda):
    agenda.add("tidy", parse_schedule("*/10 * * * * *"), after=NOON)

    due = agenda.due(NOON + 35)

    assert [each.scheduled_for for each in due] == [NOON + 10, NOON + 20, NOON + 30]


def test_of_a_job_found_over_a_minute_late_only_the_first_occurrence_is_given(agenda):
    year = 365 * 24 * 60 * MINUTE
    agenda.add("tidy", parse_schedule("* * * * * *"), after=NOON)

    due = agenda.due(NOON + year)

    assert [each.scheduled_for for each in due] == [NOON + 1]
    assert agenda.wake_at() == NOON + year + 1


def test_jobs_that_share_a_schedule_share_the_search_for_its_next_instant(agenda):
    shared = parse_schedule("* * * * *")
    counted = Instants(*(shared.next_after(NOON + minute * MINUTE) for minute in range(3)))
    for number in range(100):
        agenda.add(f"job-{number}", counted, after=NOON)
    asked_before = counted.asked

    agenda.due(NOON + MINUTE)

    assert counted.asked - asked_before == 1


def test_equal_schedules_that_are_not_shared_are_each_searched(agenda):
    own = [Instants(NOON + 1, NOON + 2), Instants(NOON + 1, NOON + 3)]
    for number, schedule in enumerate(own):
        agenda.add(f"job-{number}", schedule, after=NOON)

    agenda.due(NOON + 1)

    assert [each.scheduled_for for each in agenda.due(NOON + 3)] == [NOON + 2, NOON + 3]


def test_a_job_leaves_with_its_last_occurrence(agenda):
    agenda.add("once", Instants(NOON + 1), after=NOON)

    agenda.due(NOON + 1)

    assert "once" not in agenda
    assert agenda.wake_at() is None


def test_a_job_without_an_occurrence_ahead_is_not_added(agenda):
    agenda.add("over", Instants(NOON), after=NOON)

    assert "over" not in agenda
    assert len(agenda) == 0


def test_a_removed_job_is_not_due(agenda):
    agenda.add("tidy", parse_schedule("* * * * *"), after=NOON)
    agenda.add("other", parse_schedule("0 * * * *"), after=NOON)

    agenda.remove("tidy")

    assert agenda.wake_at() == NOON + HOUR
    assert agenda.due(NOON + HOUR) == [Occurrence("other", NOON + HOUR)]


def test_removing_a_job_that_is_not_there_changes_nothing(agenda):
    agenda.remove("nobody")

    assert len(agenda) == 0


def test_a_job_that_is_added_again_is_due_once(agenda):
    agenda.add("tidy", Instants(NOON + 1), after=NOON)

    agenda.add("tidy", Instants(NOON + 1), after=NOON)

    assert agenda.due(NOON + 1) == [Occurrence("tidy", NOON + 1)]


def test_adding_a_job_again_replaces_its_schedule(agenda):
    agenda.add("tidy", Instants(NOON + 1, NOON + 2), after=NOON)

    agenda.add("tidy", Instants(NOON + 5), after=NOON)

    assert agenda.due(NOON + 10) == [Occurrence("tidy", NOON + 5)]


def test_a_job_may_come_back_after_it_was_removed(agenda):
    agenda.add("tidy", parse_schedule("* * * * *"), after=NOON)
    agenda.remove("tidy")

    agenda.add("tidy", parse_schedule("* * * * *"), after=NOON + 90)

    assert agenda.due(NOON + 2 * MINUTE) == [Occurrence("tidy", NOON + 2 * MINUTE)]


def test_before_names_the_jobs_due_before_an_instant_and_takes_none(agenda):
    for number in range(20):
        agenda.add(f"job-{number}", Instants(NOON + number), after=0)
    agenda.remove("job-3")

    found = agenda.before(NOON + 6)

    assert sorted(found) == ["job-0", "job-1", "job-2", "job-4", "job-5"]
    assert len(agenda) == 19
    assert agenda.wake_at() == NOON


schedules = st.lists(st.sets(st.integers(1, 60), min_size=1, max_size=12), min_size=1, max_size=6)


@given(schedules=schedules, ticks=st.lists(st.integers(0, 60), max_size=8))
def test_however_the_ticks_fall_each_occurrence_comes_out_once_and_in_order(schedules, ticks):
    agenda = Agenda()
    for number, instants in enumerate(schedules):
        agenda.add(f"job-{number}", Instants(*instants), after=0)

    due = [each for tick in [*sorted(ticks), 60] for each in agenda.due(tick)]

    expected = {(f"job-{number}", instant) for number, each in enumerate(schedules) for instant in each}
    assert set(due) == expected
    assert len(due) == len(expected)
    assert all(one.scheduled_for <= other.scheduled_for for one, other in pairwise(due))


class Plain:
    """What an agenda is to do, done by looking at every job each time."""

    def __init__(self):
        self.next = {}  # {job: (instant, when it was added, schedule)}
        self.added = 0

    def add(self, job, schedule, after):
        self.next.pop(job, None)
        if (instant := schedule.next_after(after)) is not None:
            self.added += 1
            self.next[job] = (instant, self.added, schedule)

    def remove(self, job):
        self.next.pop(job, None)

    def in_order(self):
        return sorted((instant, added, job) for job, (instant, added, _) in self.next.items())

    def due(self, now):
        found = []
        while (order := self.in_order()) and order[0][0] <= now:
            instant, added, job = order[0]
            found.append(Occurrence(job, instant))
            schedule = self.next.pop(job)[2]
            upcoming = schedule.next_after(instant if instant >= now - LATE_SECONDS else now)
            if upcoming is not None:
                self.next[job] = (upcoming, added, schedule)
        return found


@pytest.mark.parametrize("start", [0, NOON, -NOON, -(2**40)])
@pytest.mark.parametrize("count", [3, 100])
def test_thousands_of_changes_leave_what_is_due_and_in_which_order(start, count):
    chance = random.Random(f"{start} {count}")
    agenda, plain, now = Agenda(), Plain(), start
    texts = ("* * * * *", "*/7 * * * * *", "@daily") if start > 0 else ()
    schedules = [parse_schedule(text) for text in texts]
    schedules += [Instants(*(start + chance.randrange(-900, 900) for _ in range(9))) for _ in range(5)]

    for _ in range(5000):
        job, after = f"job-{chance.randrange(count)}", now + chance.randrange(-200, 50)
        schedule = chance.choice(schedules)
        for each in (agenda, plain):
            each.remove(job) if after % 4 == 0 else each.add(job, schedule, after)
        assert (job in agenda, len(agenda)) == (job in plain.next, len(plain.next))
        if after % 9 == 0:
            now += chance.choice([0, 1, 5, 70]) if now < start + 900 else -1500
            order = plain.in_order()
            assert list(agenda) == [(instant, name) for instant, _, name in order]
            assert sorted(agenda.before(now)) == sorted(name for instant, _, name in order if instant < now)
            assert agenda.wake_at() == (order[0][0] if order else None)
            assert agenda.due(now) == plain.due(now)
