"""`@job`: a job's definition beside its function.

What it notes down is collected by whoever imports the modules to find it; nothing else happens.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Never, Required, TypedDict, TypeVar, Unpack

if TYPE_CHECKING:  # whoever writes a date has loaded it
    from datetime import date

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Options(TypedDict, total=False):
    """What a job can say of itself: the keys of `[jobs.NAME]`, and `name`."""

    schedule: Required[str | Sequence[str]]
    name: str | None
    timezone: str | None
    number_of_executions: int | None
    args: Mapping[str, Any] | None
    timeout: str | None
    kill_after: str | None
    concurrency: str | None
    enabled: bool | None
    env: Mapping[str, str] | None
    isolation: str | None
    cwd: str | None
    user: str | None
    starts_at: "str | date | None"  # a datetime is a date too
    ends_at: "str | date | None"
    exclude: "str | date | Sequence[str | date] | None"
    dialect: str | None


class Definition(NamedTuple):
    """One `@job(...)`: what it says, of which function, and where it stands (`line` is 1-based)."""

    function: Any
    options: Mapping[str, Any]
    file: str
    line: int


DEFINED: list[Definition] = []


def job(*functions: Never, **options: Unpack[Options]) -> Callable[[_Function], _Function]:
    """Make a function a job; it is returned as it is.

    The options are the keys of `[jobs.NAME]` in `jobs.toml`, with the same values; its dates are those of
    `datetime`. `name` is the function's own where it is not given; None is an option that is not given. Used
    twice, it makes two jobs: then one needs a name. `[cronjobs] discover` says in which modules jobs are
    looked for; mistakes are told then.
    """
    import sys  # late: an import of this module is to cost nothing

    if functions:
        raise TypeError("a job needs a schedule: write `@job(schedule=...)`")
    caller = sys._getframe(1)
    file, line = caller.f_code.co_filename, caller.f_lineno
    given = {key: value for key, value in options.items() if value is not None}

    def define(function: _Function) -> _Function:
        DEFINED.append(Definition(function, given, file, line))
        return function

    return define
