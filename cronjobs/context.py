"""What a run knows of itself."""

from datetime import datetime
from typing import NamedTuple


class Context(NamedTuple):
    """Given to a job that names a parameter `context`.

    `scheduled_for` is aware, in UTC; `remaining_executions` is None where the job has no limit.
    """

    job_name: str
    run_id: str
    scheduled_for: datetime
    attempt: int
    execution_number: int
    remaining_executions: int | None
