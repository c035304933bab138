"""Why a job's code could not be run to its end. It stands alone so that a look at a module loads little."""

from typing import NamedTuple


class Failure(NamedTuple):
    """The exception that ended a job: `traceback` is shortened, or empty."""

    type: str
    message: str
    traceback: str = ""
