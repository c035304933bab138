"""What a run's process has loaded: a job that asks for nothing pays for nothing."""

import json
from typing import Any

import pytest
from harness import Site

WORK = """
import json
import sys

from notebook import note

def loaded():
    modules = [name for name in sys.modules if name.partition(".")[0] != "encodings"]
    note(json.dumps(sorted(modules)))

def plain():
    loaded()

def with_logger(logger):
    loaded()

def with_context(context):
    context.last_success_at
    loaded()
"""
# Each makes every fork of a process that has it slower, or takes longer to import than a run takes.
HEAVY = {
    *("argparse", "asyncio", "click", "concurrent", "croniter", "dateutil", "email", "inspect", "sqlalchemy"),
    *("sqlite3", "subprocess", "tomllib", "traceback", "typing_extensions", "unittest", "zoneinfo"),
}
# What a job's author may use, and this one does not.
UNUSED = {
    *("cronjobs.services.container", "cronjobs.services.query", "cronjobs.services.run"),
    *("cronjobs.executors.channel", "cronjobs.executors.journal", "cronjobs.workflows", "logging"),
    *("cronjobs.context", "cronjobs.core.workflow", "cronjobs.core.questions", "cronjobs.store"),
}


def test_what_a_run_needs_is_loaded_before_its_process_is_made(site: Site) -> None:
    flows = """
    import asyncio, json, sys
    from notebook import note
    from cronjobs import step, workflow

    @step
    async def act():
        pass

    @workflow
    async def acts():
        await act()

    def plain():
        note(json.dumps(sorted(sys.modules)))

    async def needs_all(container, logger, context):
        context.last_success_at, context.should_stop
        logger.info("begun")
        await acts(container).run()
        note(json.dumps(sorted(sys.modules)))
    """
    jobs = {name: {"callable": f"flows:{name}", "number_of_executions": 1} for name in ("plain", "needs_all")}
    site.define(jobs, flows=flows)

    site.run_until_done()

    fewer, more = sorted((set(json.loads(line)) for line in site.notes()), key=len)
    assert more - fewer == set()


def modules_of(site: Site, job: str, **policy: Any) -> set[str]:
    site.define({job: {"number_of_executions": 1, **policy}}, work=WORK)
    site.run_until_done()
    (line,) = site.notes()
    return set(json.loads(line))


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_job_that_asks_for_nothing_has_loaded_nothing_for_it(site: Site, isolation: str) -> None:
    found = modules_of(site, "plain", isolation=isolation)

    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    assert found & UNUSED == set()


@pytest.mark.parametrize("job", ["with_logger", "with_context"])
def test_a_job_that_asks_for_its_logger_or_context_has_no_more_than_that(site: Site, job: str) -> None:
    found = modules_of(site, job)

    heavy = {"asyncio", "click", "croniter", "dateutil", "inspect", "sqlalchemy", "sqlite3", "tomllib"}
    assert {name.partition(".")[0] for name in found} & heavy == set()
    assert not {name for name in found if name.startswith(("cronjobs.workflows", "cronjobs.services.query"))}
