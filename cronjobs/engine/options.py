"""What a start of the scheduler is asked for, besides what the file says."""

from typing import Literal, NamedTuple

from cronjobs.core.events import Level

LogFormat = Literal["text", "json"]


class Options(NamedTuple):
    """What the command line says about one run of the scheduler."""

    grace_seconds: float
    exit_when_done: bool = False
    max_armed: int = 0  # how many processes may be made ahead of their instant
    is_start: bool = True  # whether jobs are due that are so at every start
    longest_wait_seconds: float = 30.0  # by then what others wrote to the state file is seen


class LogOptions(NamedTuple):
    """What the command line says about the log. zone: whose times it shows."""

    format: LogFormat
    level: Level
    zone: str
    colour: bool
