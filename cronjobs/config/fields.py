"""Every key of `jobs.toml`, one row each, and what a value of each type must look like.

The rows drive the checks, the defaults, the schema and the reference. Whether a schedule or a zone
exists is not known here: `load` asks those who know, once for each distinct text.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from cronjobs.core.durations import parse_duration
from cronjobs.core.job import Concurrency, Isolation, Job, Scope, Service, Settings
from cronjobs.core.suggest import closest, named, quoted
from cronjobs.targets import TargetError, split

if TYPE_CHECKING:
    from cronjobs.config.problems import KeyPath

_MOST_BITS = 14_000  # of a number that is written with digits: Python refuses more than 4,300 of them
JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Type(StrEnum):
    """What a value is, in the words of a message."""

    CALLABLE = 'a text like "package.module:function"'
    SCHEDULE = 'a cron expression like "0 3 * * *"'
    MOMENT = "a date, or a date and time, like 2026-12-31T18:00:00"
    EXCLUSIONS = 'an array of days and cron expressions like ["2026-12-24..2026-12-31", "calendar:holidays"]'
    ZONE = 'a time zone like "Europe/Berlin"'
    PATH = "a path in quotes"
    DURATION = 'a duration like "30s"'
    WHOLE = "a whole number"
    FLAG = "true or false"
    CHOICE = "one of the words"
    VALUES = "a table"
    TEXTS = "a table of strings"
    TEXT = "a text in quotes"
    ANY_TEXT = "a string"
    COMMAND = 'an array of strings like ["backup", "--all"], or a text for the shell'
    MODULES = 'an array of modules like ["shop.jobs"]'


class Field(NamedTuple):
    """One key: `name` and `unit` together are the attribute of the record that holds it."""

    name: str
    type: Type
    doc: str
    default: Any = None
    unit: str = ""
    minimum: float | None = None  # the smallest value allowed
    choices: tuple[str, ...] = ()
    is_required: bool = False
    is_default: bool = False  # may stand in [defaults] too
    instead: str = ""  # the key that may stand instead of a required one

    @property
    def attribute(self) -> str:
        return f"{self.name}_{self.unit}" if self.unit else self.name


class Invalid(ValueError):
    """A value that its field refuses.

    word: the kind of mistake, as `problems` lists them. column: 1-based, in a string's text, or 0.
    path: keys from the field's value down to the culprit.
    """

    def __init__(
        self, message: str, *, word: str = "type", hint: str = "", column: int = 0, path: "KeyPath" = ()
    ) -> None:
        super().__init__(message)
        self.word = word
        self.hint = hint
        self.column = column
        self.path = path


_JOB = Job._field_defaults
_SETTINGS = Settings._field_defaults

CRONJOBS = (
    Field(
        "state",
        Type.PATH,
        "The file that remembers runs and counts, relative to the directory of this file.",
        default="cronjobs.db",
    ),
    Field(
        "grace",
        Type.DURATION,
        "How long running jobs may go on after SIGTERM or SIGINT before they are terminated.",
        default=_SETTINGS["grace_seconds"],
        unit="seconds",
        minimum=0,
    ),
    Field(
        "max_parallel",
        Type.WHOLE,
        "How many runs may run at once, over all jobs; others wait.",
        default=_SETTINGS["max_parallel"],
        minimum=1,
    ),
    Field(
        "import_timeout",
        Type.DURATION,
        "How long the import of a job's module may take.",
        default=_SETTINGS["import_timeout_seconds"],
        unit="seconds",
        minimum=0.001,
    ),
    Field(
        "hash_seed",
        Type.ANY_TEXT,
        "What `H` in schedules is hashed from besides the job's name: hosts with different ones spread out.",
        default=_SETTINGS["hash_seed"],
    ),
    Field(
        "discover",
        Type.MODULES,
        "Modules, and packages with every module below, whose functions are jobs by `@job`.",
        default=_SETTINGS["discover"],
    ),
)

JOB = (
    Field(
        "callable",
        Type.CALLABLE,
        "What to run: a function, by module and name.",
        default="",
        is_required=True,
        instead="command",
    ),
    Field(
        "command",
        Type.COMMAND,
        "What to run instead of a `callable`: a program and its arguments, or a text for `/bin/sh`, which is"
        " left to it: `${VAR}` in it is the shell's.",
        default=_JOB["command"],
    ),
    Field(
        "schedule",
        Type.SCHEDULE,
        "When to run it: a cron expression, or an array of them.",
        default="",
        is_required=True,
    ),
    Field(
        "timezone",
        Type.ZONE,
        "The zone in which the schedule is read. Without it: `TZ`, else the machine's zone, else UTC.",
        is_default=True,
    ),
    Field(
        "number_of_executions",
        Type.WHOLE,
        "How many times it runs, ever; counted when a run is claimed. Without it there is no limit.",
        default=_JOB["number_of_executions"],
        minimum=1,
    ),
    Field("args", Type.VALUES, "Keyword arguments for the callable.", default=_JOB["args"]),
    Field(
        "cwd",
        Type.PATH,
        "The directory in which its runs work, seen from that of this file; without it, that of this file.",
        default=_JOB["cwd"],
        is_default=True,
    ),
    Field(
        "user",
        Type.TEXT,
        "The user as whom its runs run, by name or number. Without it: as whom the scheduler runs.",
        default=_JOB["user"],
        is_default=True,
    ),
    Field(
        "timeout",
        Type.DURATION,
        "How long a run may take before it is terminated. Without it there is no limit.",
        default=_JOB["timeout_seconds"],
        unit="seconds",
        minimum=0.001,
        is_default=True,
    ),
    Field(
        "kill_after",
        Type.DURATION,
        "How long a run that was told to terminate (SIGTERM) has before it is killed (SIGKILL).",
        default=_JOB["kill_after_seconds"],
        unit="seconds",
        minimum=0,
        is_default=True,
    ),
    Field(
        "concurrency",
        Type.CHOICE,
        "What happens when it is due while an earlier run of it is unfinished:"
        " `forbid` skips the occurrence, `allow` runs both.",
        default=_JOB["concurrency"],
        choices=tuple(Concurrency),
        is_default=True,
    ),
    Field(
        "enabled",
        Type.FLAG,
        "Whether it is scheduled at all.",
        default=_JOB["enabled"],
        is_default=True,
    ),
    Field(
        "env",
        Type.TEXTS,
        "Environment variables of its runs; those of `[defaults]` are added to them.",
        default=_JOB["env"],
        is_default=True,
    ),
    Field(
        "isolation",
        Type.CHOICE,
        "Where a run comes from: `fork` of a process that has imported its module,"
        " or `spawn` of a fresh interpreter.",
        default=_JOB["isolation"],
        choices=tuple(Isolation),
        is_default=True,
    ),
    Field(
        "starts_at",
        Type.MOMENT,
        "It is not due before this; without an offset, the time is meant in its zone.",
        default=_JOB["starts_at"],
        is_default=True,
    ),
    Field(
        "ends_at",
        Type.MOMENT,
        "It is not due after this; a date alone means the whole day.",
        default=_JOB["ends_at"],
        is_default=True,
    ),
    Field(
        "exclude",
        Type.EXCLUSIONS,
        "When it is not due: days, ranges of days, cron expressions and calendars.",
        default=_JOB["exclude"],
        is_default=True,
    ),
    Field(
        "dialect",
        Type.CHOICE,
        "Who reads the schedule: `croniter` takes it as that library does.",
        default=_JOB["dialect"],
        choices=("cronjobs", "croniter"),
        is_default=True,
    ),
)

# A table whose keys are names of the author's: each value is like this.
CALENDAR = Field("calendar", Type.EXCLUSIONS, "Days and cron expressions that jobs can exclude by one name.")

SERVICE = (
    Field(
        "factory",
        Type.CALLABLE,
        "What makes the service: a function or a class, by module and name.",
        default="",
        is_required=True,
    ),
    Field(
        "scope",
        Type.CHOICE,
        "`run` makes it once a run, `transient` each time it is resolved.",
        default=Service._field_defaults["scope"],
        choices=tuple(Scope),
    ),
)

QUERY = (
    Field("url", Type.TEXT, "The database, as SQLAlchemy names it.", default="", is_required=True),
    Field("relations", Type.VALUES, "Relations that the schema does not declare.", default={}),
)

TABLES: dict[str, dict[str, Field]] = {
    "cronjobs": {field.name: field for field in CRONJOBS},
    "defaults": {field.name: field for field in JOB if field.is_default},
    "jobs": {field.name: field for field in JOB},
    "calendars": {},  # its keys are the calendars' names
    "services": {field.name: field for field in SERVICE},
    "query": {field.name: field for field in QUERY},
}
# How a table is written whose tables have names of their own.
TABLE_NAMES = {"jobs": "jobs.NAME", "services": "services.KEY"}

# What neighbours call the same thing (Kubernetes, systemd, APScheduler, Celery, supercronic, Medusa),
# in lower case, without `_` and `-`.
OTHER_WORDS = {
    "maxexecutions": "number_of_executions",
    "maxruns": "number_of_executions",
    "maxinstances": "concurrency",
    "executions": "number_of_executions",
    "limit": "number_of_executions",
    "times": "number_of_executions",
    "repeat": "number_of_executions",
    "func": "callable",
    "function": "callable",
    "handler": "callable",
    "task": "callable",
    "target": "callable",
    "entrypoint": "callable",
    "run": "callable",
    "cmd": "command",
    "program": "command",
    "execstart": "command",
    "shell": "command",
    "workingdirectory": "cwd",
    "workdir": "cwd",
    "dir": "cwd",
    "cron": "schedule",
    "crontab": "schedule",
    "expression": "schedule",
    "trigger": "schedule",
    "when": "schedule",
    "oncalendar": "schedule",
    "startdate": "starts_at",
    "startat": "starts_at",
    "notbefore": "starts_at",
    "enddate": "ends_at",
    "endat": "ends_at",
    "until": "ends_at",
    "notafter": "ends_at",
    "except": "exclude",
    "excludes": "exclude",
    "skip": "exclude",
    "holidays": "exclude",
    "tz": "timezone",
    "zone": "timezone",
    "concurrencypolicy": "concurrency",
    "overlap": "concurrency",
    "kwargs": "args",
    "arguments": "args",
    "parameters": "args",
    "params": "args",
    "environment": "env",
    "environ": "env",
    "activedeadlineseconds": "timeout",
    "timeoutseconds": "timeout",
    "maxruntime": "timeout",
    "timelimit": "timeout",
    "runtimemaxsec": "timeout",
    "timeoutstopsec": "kill_after",
    "killaftersec": "kill_after",
    "terminationgraceperiodseconds": "grace",
    "graceperiod": "grace",
    "shutdowntimeout": "grace",
    "enable": "enabled",
    "active": "enabled",
    "database": "state",
    "statefile": "state",
    "db": "state",
    "maxconcurrency": "max_parallel",
    "maxworkers": "max_parallel",
    "parallelism": "max_parallel",
    "concurrencylimit": "max_parallel",
    "autodiscover": "discover",
    "include": "discover",
    "imports": "discover",
    "lifetime": "scope",
    "lifecycle": "scope",
    "dsn": "url",
    "databaseurl": "url",
    "links": "relations",
}


def checked(field: Field, value: Any) -> Any:
    """Return what the record holds for a value from TOML; Invalid if the field refuses it."""
    return _CHECKS[field.type](field, value)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid(f"`{field.name}` must be {field.type}, not {described(value)}")
    if "\0" in value:
        raise Invalid(f"`{field.name}` contains a NUL character", word="value")
    if not value.strip():
        raise Invalid(f"`{field.name}` is empty", word="value")
    return value


def _any_text(field: Field, value: Any) -> str:
    return _text(field, value) if value != "" else ""


def _schedule(field: Field, value: Any) -> tuple[str, ...]:
    """Return the texts; each must be there, and what they say is looked at later."""
    if not isinstance(value, list):
        return (_text(field, value),)
    if not value:
        raise Invalid(f"`{field.name}` is an empty array", hint=f"`{field.name}` is {field.type}")
    return _elements(field, value)


def _exclusions(field: Field, value: Any) -> tuple[str, ...]:
    """Return the texts; a date of TOML's is one too."""
    values = value if isinstance(value, list) else [value]
    texts = [
        each.isoformat() if isinstance(each, date) and not isinstance(each, datetime) else each
        for each in values
    ]
    return _elements(field, texts) if isinstance(value, list) else (_text(field, texts[0]),)


def _elements(field: Field, value: list[Any]) -> tuple[str, ...]:
    for place, text in enumerate(value):
        try:
            _text(field, text)
        except Invalid as exc:
            exc.path = (place,)
            raise
    return tuple(value)


def _moment(field: Field, value: Any) -> date:
    """Return a date or a datetime, the latter with its offset if one is given."""
    if isinstance(value, date):
        return value
    text = _text(field, value)
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        hint = "write it like 2026-12-31T18:00:00 or 2026-12-31T18:00:00+01:00"
        raise Invalid(f"{quoted(text)} is no time", word="moment", hint=hint) from None


def _callable(field: Field, value: Any) -> str:
    text = _text(field, value)
    try:
        split(text)
    except TargetError as exc:
        raise Invalid(str(exc), word=exc.kind, hint=exc.hint, column=exc.column) from None
    return text


def _duration(field: Field, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        hint = f'write it with its unit: `{field.name} = "{value}s"`' if isinstance(value, int) else ""
        raise Invalid(f"`{field.name}` must be {field.type}, not {described(value)}", hint=hint)
    text = _text(field, value)
    try:
        seconds = parse_duration(text)
    except ValueError as exc:
        hint = 'durations are written like "250ms", "30s", "10m", "1h30m" or "1d"'
        raise Invalid(f"{quoted(text)} is no duration: {exc}", word="duration", hint=hint) from None
    if field.minimum is not None and seconds < field.minimum:
        raise Invalid(f"`{field.name}` must be longer than that", word="value")
    return seconds


def _whole(field: Field, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid(f"`{field.name}` must be {field.type}, not {described(value)}")
    if field.minimum is not None and value < field.minimum:
        raise Invalid(
            f"`{field.name}` must be at least {field.minimum}, not {described(value)}", word="value"
        )
    # The state file counts in 64 bits.
    if value.bit_length() > 63:
        raise Invalid(f"`{field.name}` is too large", word="value")
    return value


def _flag(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"`{field.name}` must be {field.type}, without quotes, not {described(value)}")
    return value


def _choice(field: Field, value: Any) -> Any:
    words = " or ".join(f'"{choice}"' for choice in field.choices)
    if not isinstance(value, str):
        raise Invalid(f"`{field.name}` must be {words}, not {described(value)}")
    if value not in field.choices:
        meant = closest(value, field.choices)
        hint = f'did you mean "{meant}"?' if meant else ""
        raise Invalid(f"`{field.name}` must be {words}, not {quoted(value)}", word="value", hint=hint)
    return type(field.default)(value)


def _values(field: Field, value: Any) -> dict[str, Any]:
    """Return a table of what JSON can say too: it goes to other processes as such."""
    for path, each in _inside(_table(field, value)):
        name = named(".".join(map(str, (field.name, *path))))
        if isinstance(each, date | time):
            hint = f'write it as a text: "{each.isoformat()}"'
            raise Invalid(f"{name} is a date or time, which cannot be handed on", hint=hint, path=path)
        if isinstance(each, int) and each.bit_length() > _MOST_BITS:
            message = f"{name} is a number of thousands of digits, which cannot be handed on"
            raise Invalid(message, word="value", hint="write it as a text", path=path)
    return value  # type: ignore[no-any-return]  # `_table` has seen that it is one


def _inside(value: Any, path: "KeyPath" = ()) -> "Iterator[tuple[KeyPath, Any]]":
    """Give everything below a table or an array that is neither, with its keys."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _inside(each, (*path, key))
    else:
        yield path, value


def _table(field: Field, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"`{field.name}` must be {field.type}, not {described(value)}")
    return value


def _modules(field: Field, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Invalid(f"`{field.name}` must be {field.type}, not {described(value)}")
    for place, name in enumerate(value):
        if not isinstance(name, str):
            raise Invalid(f"a module's name is a string, not {described(name)}", path=(place,))
        if not all(part.isidentifier() for part in name.split(".")):
            raise Invalid(f"{quoted(name)} cannot be a module", word="target", path=(place,))
    return tuple(value)


def _texts(field: Field, value: Any) -> dict[str, str]:
    for name, text in _table(field, value).items():
        if not isinstance(text, str):
            message = f"`{field.name}.{name}` must be a string, not {described(text)}"
            raise Invalid(message, hint="put it in quotes", path=(name,))
        if not name or "=" in name or "\0" in name + text:
            raise Invalid(f"{quoted(name)} cannot be an environment variable", word="value", path=(name,))
    return value  # type: ignore[no-any-return]  # the loop has seen that it is one


def _command(field: Field, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return ("/bin/sh", "-c", _text(field, value))
    if not isinstance(value, list):
        raise Invalid(f"`{field.name}` must be {field.type}, not {described(value)}")
    if not value:
        raise Invalid(f"`{field.name}` names no program", word="value")
    for place, part in enumerate(value):
        if not isinstance(part, str):
            hint = "put it in quotes"
            raise Invalid(
                f"`{field.name}` must be {field.type}, not {described(part)}", hint=hint, path=(place,)
            )
        if "\0" in part:
            raise Invalid(f"`{field.name}` contains a NUL character", word="value", path=(place,))
    if not value[0].strip():
        raise Invalid(f"`{field.name}` names no program", word="value", path=(0,))
    return tuple(value)


def described(value: Any) -> str:
    """Return what a value from TOML is, with the value itself where it is short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, int):
        # str() refuses numbers of thousands of digits.
        return f"the number {value}" if value.bit_length() < 64 else "a huge number"
    if isinstance(value, float):
        return f"the number {value}"
    if isinstance(value, dict):
        return "a table"
    return "an array" if isinstance(value, list) else "a date or time"


_CHECKS: dict[Type, Callable[[Field, Any], Any]] = {
    Type.CALLABLE: _callable,
    Type.SCHEDULE: _schedule,
    Type.MOMENT: _moment,
    Type.EXCLUSIONS: _exclusions,
    Type.ZONE: _text,
    Type.PATH: _text,
    Type.ANY_TEXT: _any_text,
    Type.DURATION: _duration,
    Type.WHOLE: _whole,
    Type.FLAG: _flag,
    Type.CHOICE: _choice,
    Type.VALUES: _values,
    Type.TEXTS: _texts,
    Type.TEXT: _text,
    Type.MODULES: _modules,
    Type.COMMAND: _command,
}
