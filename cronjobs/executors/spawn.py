"""A run in an interpreter of its own, for modules that do not survive a fork and for `trigger`."""

import os
import signal
from typing import Any

from cronjobs.executors import child, imports
from cronjobs.executors.orders import GoingOn, JobSetup, Order
from cronjobs.executors.wire import CONTROL, read_setup
from cronjobs.executors.zygote import make_streams_line_buffered
from cronjobs.processes import die_with_parent, load_libc, restore_descriptor_limit
from cronjobs.services.supplies import Supplies


def main() -> None:
    """Be one run: wait for go, import, call."""
    setup = read_setup()
    signal.signal(signal.SIGTERM, child.raise_terminated)
    die_with_parent(load_libc(), setup["parent"])
    restore_descriptor_limit(setup["descriptor_limit"])
    os.set_inheritable(CONTROL, False)
    if not os.read(CONTROL, 1):
        os._exit(0)
    job = JobSetup.read(setup["job"])
    order = Order(*setup["order"])
    supplies = Supplies.read(setup["supplies"])
    make_streams_line_buffered()
    imports.prepare_path(setup["app_dir"], setup["directory"])
    going_on = setup["going_on"]
    if going_on is None:
        ending = child.perform(lambda: _import_and_call(job, order, supplies))
    else:
        ending = child.perform(lambda: child.go_on(GoingOn(*going_on), supplies, job, order, CONTROL))
    child.finish(CONTROL, ending)


def _import_and_call(job: JobSetup, order: Order, supplies: Supplies) -> Any:
    failure = imports.import_module(imports.module_of(job))
    bound = failure or imports.bind(job, supplies)
    if isinstance(bound, imports.Misfits):
        bound = bound.failure
    return child.call(bound, job, order, CONTROL)
