"""A run in an interpreter of its own, for modules that do not survive a fork and for `trigger`."""

import os
import signal
from typing import Any

from cronjobs.core.failure import Failure
from cronjobs.executors import calling, child, imports
from cronjobs.executors.orders import GoingOn, JobSetup, Order
from cronjobs.executors.program import become
from cronjobs.executors.wire import CONTROL, read_setup
from cronjobs.executors.zygote import make_streams_line_buffered
from cronjobs.processes import die_with_parent, load_libc, restore_descriptor_limit
from cronjobs.services.supplies import Supplies


def main() -> None:
    """Be one run: wait for go, import, call."""
    setup = read_setup()
    signal.signal(signal.SIGTERM, child.raise_terminated)
    libc = load_libc()
    die_with_parent(libc, setup["parent"])
    restore_descriptor_limit(setup["descriptor_limit"])
    os.set_inheritable(CONTROL, False)
    if not os.read(CONTROL, 1):
        os._exit(0)
    job = JobSetup.read(setup["job"])
    order = Order(*setup["order"])
    supplies = Supplies.read(setup["supplies"])
    make_streams_line_buffered()
    imports.prepare_path(setup["app_dir"], setup["directory"])
    going_on = setup["going_on"] and GoingOn(*setup["going_on"])

    def begun() -> Any:
        # As in a zygote: what the job is made of is imported before it becomes somebody else.
        bound = None if job.command or going_on else _imported(job, supplies)
        child.settle(job, libc, setup["parent"])
        if going_on:
            return calling.go_on(going_on, supplies, job, order, CONTROL)
        return become(job, CONTROL) if bound is None else calling.call(bound, job, order, CONTROL)

    child.finish(CONTROL, child.perform(begun))


def _imported(job: JobSetup, supplies: Supplies) -> imports.Bound | Failure:
    failure = imports.import_module(imports.module_of(job))
    bound = failure or imports.bind(job, supplies)
    return bound.failure if isinstance(bound, imports.Misfits) else bound
