"""What a job's logger puts into its records."""

import logging
from datetime import UTC, datetime

import pytest

from cronjobs.context import Context
from cronjobs.services.logger import JobLogger, make_logger

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.list = []

    def emit(self, record):
        self.list.append(record)


@pytest.fixture
def records():
    handler = Records()
    logging.getLogger().addHandler(handler)
    root = logging.getLogger("cronjobs.jobs")
    level = root.level
    root.setLevel(logging.DEBUG)
    yield handler.list
    root.setLevel(level)
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def logger():
    ticks = iter([100.0, 101.5])
    return make_logger(Context("tidy", "tidy@noon", NOON, 1, 1, None), lambda: next(ticks))


def test_every_record_says_of_which_run_it_is_and_keeps_what_the_caller_adds(logger, records):
    logger.info("%d beans", 3, extra={"customer": 7})

    (record,) = records
    assert (record.job, record.run_id, record.scheduled_for) == ("tidy", "tidy@noon", NOON)
    assert (record.getMessage(), record.customer, record.name) == ("3 beans", 7, "cronjobs.jobs.tidy")


def test_it_is_a_logger_adapter_of_the_standard_library(logger):
    assert isinstance(logger, JobLogger)
    assert isinstance(logger, logging.LoggerAdapter)


def test_a_format_can_name_the_fields(logger, records):
    logger.info("beans")

    assert logging.Formatter("%(job)s %(run_id)s: %(message)s").format(records[0]) == "tidy tidy@noon: beans"


@pytest.mark.parametrize(("end", "level"), [("success", "INFO"), ("failure", "ERROR")])
def test_an_activity_is_told_from_its_beginning_to_its_end_with_how_long_it_took(logger, records, end, level):
    activity = logger.activity("100% of the beans")
    logger.progress(activity, "half")
    getattr(logger, end)(activity, "through")

    assert [(record.levelname, record.getMessage()) for record in records] == [
        ("INFO", "100% of the beans"),
        ("INFO", "half"),
        (level, "through (1.500 s)"),
    ]
    assert {record.activity for record in records} == {activity}
    assert {record.filename for record in records} == {"test_logger.py"}


def test_an_activity_that_nobody_began_is_told_all_the_same(logger, records):
    logger.success("7", "through")
    logger.failure("7", "broken")

    assert [record.getMessage() for record in records] == [
        "through (of an unknown activity)",
        "broken (of an unknown activity)",
    ]
