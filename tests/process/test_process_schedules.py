"""Schedules that a real scheduler, and its state file, have to remember."""

from datetime import datetime

WORK = """
from notebook import note

def ticks(context):
    note(context.run_id)
"""


def test_a_restart_does_not_shift_elapsed_time_and_is_an_occurrence_of_its_own(site):
    site.define(
        {
            "every": {"callable": "work:ticks", "schedule": "@every 3s"},
            "first": {"callable": "work:ticks", "schedule": "@reboot"},
        },
        work=WORK,
    )

    for _ in range(2):
        scheduler = site.start()
        scheduler.wait_for("run_finished", job="every", state="succeeded")
        scheduler.wait_for("run_finished", job="first", state="succeeded")
        assert scheduler.stop() == 0

    rows = site.history()
    moments = sorted(instant(row["scheduled_for"]) for row in rows if row["job"] == "every")
    assert {(moment - moments[0]) % 3 for moment in moments} == {0}
    assert [row["execution_number"] for row in rows if row["job"] == "first"] == [1, 2]


def instant(written):
    return int(datetime.fromisoformat(written).timestamp())
