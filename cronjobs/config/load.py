"""`jobs.toml` -> `Configuration`, or every mistake in it at once."""

import os
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import islice
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NamedTuple

from cronjobs.config.fields import (
    CALENDAR,
    JOB_NAME,
    OTHER_WORDS,
    TABLE_NAMES,
    TABLES,
    Field,
    Invalid,
    Type,
    checked,
    described,
)
from cronjobs.config.problems import KeyPath, Mistake, Source, located
from cronjobs.config.source import parse, read_source
from cronjobs.config.variables import expanded
from cronjobs.config.zone import is_zone, no_zone, zone_of_surroundings
from cronjobs.core.errors import ConfigError, ScheduleError
from cronjobs.core.job import Configuration, Job, QuerySettings, Service, Settings
from cronjobs.core.problem import Problem
from cronjobs.core.schedule import parse_schedule
from cronjobs.core.schedule.cron import has_hash
from cronjobs.core.suggest import closest, did_you_mean, named, quoted
from cronjobs.targets import RESERVED, parameter_name

if TYPE_CHECKING:
    from cronjobs.config.discover import Definition

# Where a file has more mistakes than this, it is no configuration; guessing what each meant takes time.
_MOST_MISTAKES = 1000


class Loaded(NamedTuple):
    """What a file says, as far as it says it well.

    configuration: holds the jobs without mistakes; None where the file is not TOML at all.
    callables: {job name: its `callable` and its `args`}, also of jobs that have other mistakes.
    document: what the file says as TOML.
    definitions: {job name: the `@job` it comes from}.
    """

    configuration: Configuration | None
    problems: tuple[Problem, ...]
    source: Source
    callables: Mapping[str, tuple[str, Mapping[str, Any]]]
    document: Mapping[str, Any]
    definitions: "Mapping[str, Definition]"


def load(
    path: str,
    *,
    environ: Mapping[str, str],
    state: str | None = None,
    app_dir: str | None = None,
    discovers: bool = True,
) -> Configuration:
    """Return the configuration in the file at `path`; ConfigError with every problem if it has errors.

    state, app_dir: instead of the file's own; relative to the working directory. discovers: whether to import
    the modules of `discover`, in a process of their own, for the jobs that they define.
    """
    loaded = read(path, environ=environ, state=state, app_dir=app_dir, discovers=discovers)
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    if errors or loaded.configuration is None:
        name = os.path.basename(loaded.source.file)
        message = errors[0].message if len(errors) == 1 else f"{name} has {len(errors)} problems"
        raise ConfigError(message, hint=errors[0].hint if len(errors) == 1 else "", problems=errors)
    return loaded.configuration


def read(
    path: str,
    *,
    environ: Mapping[str, str],
    state: str | None = None,
    app_dir: str | None = None,
    discovers: bool = True,
) -> Loaded:
    """Return what the file at `path` says, with every problem in it; mistakes are not raised."""
    file = os.path.abspath(path)
    source = Source(file, "")
    try:
        source = read_source(file)
        document = parse(source)
    except ConfigError as exc:
        return Loaded(None, exc.problems, source, {}, {}, {})
    reading = _Reading(environ)
    settings = reading.settings(document)
    reading.calendars(document)
    services, query = reading.services(document), reading.query(document)
    jobs = reading.jobs(document, discovers=bool(settings.discover))
    problems = located(source, reading.mistakes) if reading.mistakes else ()
    directory = os.path.dirname(file)
    settings = settings._replace(
        state=os.path.abspath(state) if state else os.path.join(directory, settings.state)
    )
    app_dir = os.path.abspath(app_dir or directory)
    configuration = Configuration(file, directory, app_dir, settings, jobs, services, query)
    loaded = Loaded(configuration, problems, source, reading.callables, document, {})
    if not (settings.discover and discovers):
        return loaded
    from cronjobs.config.discover import discovered  # late: few files need it

    return discovered(loaded, reading.define)


class _Reading:
    """One pass over one document: collects mistakes, and asks about each distinct schedule and zone once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.mistakes: list[Mistake] = []
        self.callables: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._environ = environ
        self._schedules: dict[tuple[object, ...], ScheduleError | None] = {}
        self._calendars: dict[str, tuple[str, ...]] = {}
        self._exclusions: dict[tuple[str, str | int | None], ScheduleError | None] = {}
        self._zones: dict[str, bool] = {}
        self._zone: str | None = None
        self._hash_seed = ""
        self._defaults: dict[str, Any] = {}

    def settings(self, document: dict[str, Any]) -> Settings:
        """Return the `[cronjobs]` table; looks at the names of all tables too."""
        for key in _first(key for key in document if key not in TABLES):
            self._unknown((key,), TABLES, hint=_table_hint(key, document[key]))
        table = self._table(document, "cronjobs")
        values = self._values(table, ("cronjobs",), TABLES["cronjobs"])
        state = values.pop("state", TABLES["cronjobs"]["state"].default)
        self._hash_seed = values.get("hash_seed", "")
        return Settings(state, **values)

    def calendars(self, document: dict[str, Any]) -> None:
        """Read the `[calendars]` table, whose names jobs may exclude."""
        for name, written in self._table(document, "calendars").items():
            self._calendars[name] = ()
            path = ("calendars", name)
            before = len(self.mistakes)
            value = expanded(written, path, self._environ, self.mistakes.append)
            values: dict[str, Any] = {}
            if len(self.mistakes) == before:
                self._check(CALENDAR._replace(name=name), value, written, path, values)
            self._calendars[name] = values.get(name, ())

    def services(self, document: dict[str, Any]) -> dict[str, Service]:
        """Return the services without mistakes, in the order of the file."""
        services: dict[str, Service] = {}
        names: dict[str, str] = {}
        for key, value in self._table(document, "services").items():
            path = ("services", key)
            before = len(self.mistakes)
            self._check_service_key(key, path, names)
            table = value if isinstance(value, dict) else {"factory": value}
            if isinstance(value, str):
                values = self._values(table, path, TABLES["services"], is_value=True)
            elif isinstance(value, dict):
                values = self._values(table, path, TABLES["services"])
                self._missing(table, path, "services", f"the service {named(key)}")
            else:
                message = f"{named(f'services.{key}')} must be {Type.CALLABLE}, or a table with it"
                self.mistakes.append(Mistake("type", path, f"{message}, not {described(value)}"))
            if len(self.mistakes) == before:
                services[key] = Service(**values)
        return services

    def query(self, document: dict[str, Any]) -> QuerySettings | None:
        """Return the `[query]` table; None if there is none, or one with mistakes."""
        if "query" not in document:
            return None
        before = len(self.mistakes)
        table = self._table(document, "query")
        values = self._values(table, ("query",), TABLES["query"])
        if len(self.mistakes) == before:
            self._missing(table, ("query",), "query", "the table `[query]`")
        return QuerySettings(**values) if len(self.mistakes) == before else None

    def _check_service_key(self, key: str, path: KeyPath, names: dict[str, str]) -> None:
        name = parameter_name(key)
        if not name.isidentifier() or iskeyword(name):
            hint = "letters, digits, `_` and `-`, the first one no digit: parameters are named like it"
            message = f"{quoted(key)} cannot be a service's key"
            self.mistakes.append(Mistake("service_key", path, message, hint, "key"))
        elif name in RESERVED:
            hint = f"{', '.join(f'`{each}`' for each in RESERVED)} are there already"
            message = f"no service can be called {named(key)}"
            self.mistakes.append(Mistake("service_key", path, message, hint, "key"))
        elif name in names:
            message = f"{named(names[name])} and {named(key)} are the same name: `-` reads as `_`"
            self.mistakes.append(Mistake("service_key", path, message, "", "key"))
        names.setdefault(name, key)

    def define(self, name: str, table: dict[str, Any]) -> tuple[Job | None, list[Mistake]]:
        """Return the job of a table that stands in no file, and what is wrong with it."""
        before = len(self.mistakes)
        job = self._job(name, table, self._defaults)
        mistakes = self.mistakes[before:]
        del self.mistakes[before:]
        return (None if mistakes else job), mistakes

    def jobs(self, document: dict[str, Any], *, discovers: bool) -> dict[str, Job]:
        """Return the jobs without mistakes, in the order of the file."""
        defaults = self._values(self._table(document, "defaults"), ("defaults",), TABLES["defaults"])
        self._defaults = defaults
        tables = self._table(document, "jobs")
        if not tables and not discovers and not self.mistakes:
            hint = "a job is a table `[jobs.NAME]` with `callable` and `schedule`"
            self.mistakes.append(Mistake("no_jobs", ("jobs",), "no jobs are defined", hint))
        jobs = {}
        for name, table in tables.items():
            before = len(self.mistakes)
            job = self._job(name, table, defaults)
            if job and len(self.mistakes) == before:
                jobs[name] = job
            if len(self.mistakes) >= _MOST_MISTAKES:
                break
        return jobs

    def _job(self, name: str, table: Any, defaults: Mapping[str, Any]) -> Job | None:
        path = ("jobs", name)
        if not isinstance(table, dict):
            self._not_a_table(path, table)
            return None
        if not JOB_NAME.fullmatch(name):
            hint = "letters, digits, `.`, `_` and `-`, at most 64, the first one a letter or digit"
            self.mistakes.append(
                Mistake("job_name", path, f"{quoted(name)} cannot be a job's name", hint, "key")
            )
        own = self._values(table, path, TABLES["jobs"])
        self._missing(table, path, "jobs", f"the job {named(name)}")
        if "callable" in own:
            self.callables[name] = (own["callable"], own.get("args", {}))
        values = {**defaults, **own}
        if "env" in own and "env" in defaults:
            values["env"] = {**defaults["env"], **own["env"]}
        if "timezone" not in values:
            values["timezone"] = self._surroundings()
        self._resolve(values, own, path)
        if "schedule" in own:
            self._check_schedules(name, values, table["schedule"], (*path, "schedule"))
        self._check_what_runs(table, path)
        if "schedule" not in own or not ("callable" in own or "command" in own):
            return None
        return Job(name, **{"callable": "", **values})

    def _check_what_runs(self, table: dict[str, Any], path: KeyPath) -> None:
        if "command" not in table:
            return
        if "callable" in table:
            message = "a job has a `callable` or a `command`, not both"
            self.mistakes.append(
                Mistake("value", (*path, "command"), message, "leave one of them out", "key")
            )
        elif "args" in table:
            message = "`args` are for a `callable`, and this job has a `command`"
            hint = "write them into `command`"
            self.mistakes.append(Mistake("value", (*path, "args"), message, hint, "key"))

    def _resolve(self, values: dict[str, Any], own: Mapping[str, Any], path: KeyPath) -> None:
        """Put instants and texts in place of what only a job's other keys, or other tables, can tell."""
        for key in ("starts_at", "ends_at"):
            if values.get(key) is not None:
                try:
                    values[key] = _instant(values[key], values["timezone"], is_end=key == "ends_at")
                except (ValueError, OverflowError):
                    values[key] = None
                    place = (*(path if key in own else ("defaults",)), key)
                    self.mistakes.append(Mistake("moment", place, f"`{key}` is beyond all calendars"))
        starts_at, ends_at = values.get("starts_at"), values.get("ends_at")
        if starts_at is not None and ends_at is not None and ends_at < starts_at:
            key = "ends_at" if "ends_at" in own or "starts_at" not in own else "starts_at"
            place = (*(path if key in own else ("defaults",)), key)
            message = "`ends_at` comes before `starts_at`: the job would never be due"
            self.mistakes.append(Mistake("contradiction", place, message, "exchange them, or leave one out"))
        if "exclude" in values:
            values["exclude"] = self._written_out(values["exclude"])

    def _table(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        table = document.get(key, {})
        if isinstance(table, dict):
            return table
        self._not_a_table((key,), table)
        return {}

    def _values(
        self, table: dict[str, Any], path: KeyPath, fields: Mapping[str, Field], *, is_value: bool = False
    ) -> dict[str, Any]:
        """Return {attribute of the record: value} for the keys that are there and right.

        is_value: the table stands for a value at `path`, and has no keys of its own there.
        """
        values: dict[str, Any] = {}
        for key in table:
            if field := fields.get(key):
                before = len(self.mistakes)
                place = path if is_value else (*path, key)
                value = table[key]
                # A text for the shell is left to it.
                if not (field.type is Type.COMMAND and isinstance(value, str)):
                    value = expanded(value, place, self._environ, self.mistakes.append)
                if len(self.mistakes) == before:
                    self._check(field, value, table[key], place, values)
        for key in _first(key for key in table if key not in fields):
            self._unknown((*path, key), fields, hint=_key_hint(path, key, table[key], fields))
        return values

    def _check(self, field: Field, value: Any, written: Any, path: KeyPath, values: dict[str, Any]) -> None:
        try:
            result = checked(field, value)
        except Invalid as exc:
            column = exc.column if value == written else 0
            self.mistakes.append(Mistake(exc.word, (*path, *exc.path), str(exc), exc.hint, column=column))
            return
        if field.type is Type.ZONE and not self._is_zone(result):
            self.mistakes.append(Mistake("zone", path, *no_zone(result)))
            return
        if field.type is Type.EXCLUSIONS and not self._are_exclusions(result, written, path):
            return
        values[field.attribute] = result

    def _check_schedules(self, name: str, values: Mapping[str, Any], written: Any, path: KeyPath) -> None:
        for place, text in enumerate(values["schedule"]):
            if isinstance(written, list):
                error = self._schedule_error(name, text, values)
                self._note(error, text, written[place], (*path, place))
            else:
                self._note(self._schedule_error(name, text, values), text, written, path)

    def _schedule_error(self, name: str, text: str, values: Mapping[str, Any]) -> ScheduleError | None:
        """Return what is wrong with one text of a job, asked once for all jobs to which that is the same."""
        # The job's name matters to `H` alone, and a beginning to rules that have none of their own.
        job = name if has_hash(text) else ""
        starts_at = values.get("starts_at")
        key = (text, values["timezone"], job, starts_at, dialect := values.get("dialect", "cronjobs"))
        if key not in self._schedules:
            self._schedules[key] = None
            try:
                parse_schedule(
                    *(text, values["timezone"]),
                    job=job,
                    hash_seed=self._hash_seed,
                    starts_at=starts_at,
                    dialect=dialect,
                )
            except ScheduleError as exc:
                self._schedules[key] = exc
        return self._schedules[key]

    def _note(self, error: ScheduleError | None, text: str, written: Any, path: KeyPath) -> None:
        if error:
            column = error.column if text == written else 0
            self.mistakes.append(Mistake(error.code, path, str(error), error.hint, column=column))

    def _are_exclusions(self, texts: tuple[str, ...], written: Any, path: KeyPath) -> bool:
        """Return whether all texts exclude something; what is wrong with the others is noted."""
        before = len(self.mistakes)
        for place, text in enumerate(texts):
            is_array = isinstance(written, list)
            key = (text, path[1] if path[0] == "calendars" else None)
            if key not in self._exclusions:
                self._exclusions[key] = self._exclusion_error(text, path)
            at = (*path, place) if is_array else path
            self._note(self._exclusions[key], text, written[place] if is_array else written, at)
        return len(self.mistakes) == before

    def _exclusion_error(self, text: str, path: KeyPath) -> ScheduleError | None:
        from cronjobs.core.schedule.exclusions import parse_exclusions  # late: few jobs exclude anything

        try:
            if path[0] == "calendars":
                name = str(path[1]).strip()
                parse_exclusions([f"calendar:{name}"], {name: [text]})
            else:
                parse_exclusions([text], dict.fromkeys(self._calendars, ()))
        except ScheduleError as exc:
            return exc
        return None

    def _written_out(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the texts with those of a calendar in place of its name."""
        from cronjobs.core.schedule.exclusions import written_out  # late: as above

        return tuple(written_out(texts, self._calendars))

    def _is_zone(self, zone: str) -> bool:
        if zone not in self._zones:
            self._zones[zone] = is_zone(zone)
        return self._zones[zone]

    def _surroundings(self) -> str:
        """Return the zone of jobs that name none; a `TZ` that is no zone is one mistake for all of them."""
        if self._zone is None:
            self._zone = zone_of_surroundings(self._environ)
            if not self._is_zone(self._zone):
                message, hint = no_zone(self._zone)
                self.mistakes.append(Mistake("zone", (), f"TZ in the environment: {message}", hint))
                self._zone = "UTC"
        return self._zone

    def _unknown(self, path: KeyPath, known: Iterable[str], *, hint: str) -> None:
        key = str(path[-1])
        what = "table" if len(path) == 1 else "key"
        hint = hint or did_you_mean(key, known, also=OTHER_WORDS)
        self.mistakes.append(Mistake("unknown_key", path, f"unknown {what} {named(key)}", hint, "key"))

    def _missing(self, table: dict[str, Any], path: KeyPath, kind: str, what: str) -> None:
        for field in TABLES[kind].values():
            if field.is_required and field.name not in table and field.instead not in table:
                message, hint = f"{what} has no `{field.name}`", f"`{field.name}` is {field.type}"
                hint += f"; `{field.instead}` may stand instead" if field.instead else ""
                self.mistakes.append(Mistake("missing_key", path, message, hint))

    def _not_a_table(self, path: KeyPath, value: Any) -> None:
        name = ".".join(str(part) for part in path)
        message = f"{named(name)} must be a table, not {described(value)}"
        if path[0] == "jobs" and path[-1] in TABLES["jobs"]:
            hint = "a job has a name: `[jobs.NAME]`"
        else:
            hint = f"write it as {named(f'[{name}]')}"
        self.mistakes.append(Mistake("type", path, message, hint))


def _first(keys: Iterable[str]) -> Iterable[str]:
    return islice(keys, _MOST_MISTAKES)


def _table_hint(key: str, value: Any) -> str:
    """Return the hint for an unknown name at the top of the file."""
    if isinstance(value, dict):
        return "a job is a table `[jobs.NAME]`" if key in ("job", "cron") else ""
    return _other_table(key, ()) or _other_table(OTHER_WORDS.get(key, ""), ())


def _key_hint(path: KeyPath, key: str, value: Any, fields: Mapping[str, Field]) -> str:
    """Return the hint for an unknown key of a known table, or "" where only guessing helps."""
    if isinstance(value, dict) and path[0] == "jobs" and not closest(key, fields, also=OTHER_WORDS):
        table = f'[jobs."{path[1]}.{key}"]'
        return f"a name with a dot needs quotes: {named(table)}"
    return _other_table(key, fields)


def _other_table(key: str, fields: Iterable[str]) -> str:
    """Return where a key belongs that is none of `fields`, or ""."""
    for name, others in TABLES.items():
        if key in others and others is not fields:
            return f"`{key}` belongs in [{TABLE_NAMES.get(name, name)}]"
    return ""


def _instant(moment: date, zone: str, *, is_end: bool) -> int:
    """Return a whole second: of a date its first or its last, of a fraction the next or the one before.

    What has no offset is meant in the zone.
    """
    from datetime import datetime, time, timedelta  # late: few jobs begin or end

    from cronjobs.core.words import zone_rules

    if not isinstance(moment, datetime):
        if is_end:
            return _instant(moment + timedelta(days=1), zone, is_end=False) - 1
        moment = datetime.combine(moment, time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_rules(zone))
    seconds = moment.timestamp()
    return int(seconds // 1) if is_end else -int(-seconds // 1)
