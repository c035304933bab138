"""What can be wrong with a configuration, and how a mistake gets its code and its place.

A mistake is noted by key path, which costs nothing while all is well; only `located` looks for places.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from cronjobs.core.problem import Problem

KeyPath = tuple[str | int, ...]

DEEPEST = 64  # tables and arrays inside each other; tomllib itself fails somewhere below 500


class Source(NamedTuple):
    """The text that mistakes are placed in; line ends are `\\n`."""

    file: str  # absolute path
    text: str


class Mistake(NamedTuple):
    """Something wrong with the key or the value at `path`; () is the file as a whole.

    word: a key of CODES. at: for a table, `value` is its header. column: 1-based, of a term within
    the string that the value is, or 0.
    """

    word: str
    path: KeyPath
    message: str
    hint: str = ""
    at: Literal["key", "value"] = "value"
    column: int = 0


class Code(NamedTuple):
    """A code that stays the same in every version, and what it means."""

    code: str
    doc: str


CODES: dict[str, Code] = {
    "missing_file": Code("E001", "There is no such file."),
    "unreadable": Code("E002", "The file cannot be read: a directory, no permission, too large."),
    "encoding": Code("E003", "The file is not UTF-8."),
    "syntax": Code("E004", "The file is not TOML."),
    "duplicate": Code("E005", "A key or a table is defined twice."),
    "deep": Code("E006", "Tables or arrays are nested too deeply."),
    # Of a schedule: the words of ScheduleError.code. One that is not listed counts as `schedule`.
    "schedule": Code("E100", "The schedule is not understood."),
    "fields": Code("E101", "The schedule has too few or too many fields."),
    "range": Code("E102", "A number is outside of its field's range."),
    "term": Code("E103", "Something that is no term stands where a term is expected."),
    "number": Code("E104", "A number is expected here, or one of at most four digits."),
    "name": Code("E105", "No month or day of the week has this name."),
    "step": Code("E106", "The step is not a number of at least 1."),
    "reversed": Code("E107", "The range ends before it begins."),
    "nickname": Code("E108", "No such nickname, or something stands beside it."),
    "misplaced": Code("E109", "A term that only other fields know."),
    "character": Code("E110", "A character that no schedule contains."),
    "length": Code("E111", "The schedule is longer than 1,024 characters."),
    "empty": Code("E112", "The schedule is empty."),
    "rule": Code("E114", "The RRULE is not understood."),
    "dialect": Code("E115", "croniter does not understand the schedule."),
    "date": Code("E116", "The text is no date, and no range of dates."),
    "calendar": Code("E117", "There is no calendar of this name."),
    "never": Code("E113", "No day between 1970 and 2199 satisfies the schedule."),
    "unknown_key": Code("E201", "No such key or table."),
    "missing_key": Code("E202", "A key that must be there is not."),
    "type": Code("E203", "The value is of the wrong type."),
    "value": Code("E204", "The value is of the right type, but not one that is allowed."),
    "duration": Code("E205", "The text is no duration."),
    "zone": Code("E206", "No such time zone."),
    "variable": Code("E207", "A `${VARIABLE}` is not set, or not written like one."),
    "job_name": Code("E208", "The name cannot be a job's name."),
    "target": Code("E209", "The text cannot name a callable."),
    "moment": Code("E210", "The text is no date and no time."),
    "contradiction": Code("E211", "Two keys say things that cannot both be."),
    "service_key": Code("E220", "The key cannot be a service's."),
    "twice": Code("E221", "Two jobs have the same name."),
    "definition": Code("E222", "A function cannot be a job by `@job`."),
    "module": Code("E301", "There is no such module."),
    "import": Code("E302", "The module fails when it is imported."),
    "attribute": Code("E303", "The module has no such function."),
    "call": Code("E304", "The callable cannot be called as a job."),
    "argument": Code("E305", "An argument that the callable does not take, or a parameter without a value."),
    "circle": Code("E306", "Services need each other in a circle."),
    # Warnings. Of a schedule: the words of Lint.code.
    "past": Code("W101", "The schedule no longer fires."),
    "day-fields": Code("W102", "Both day fields are restricted: a day needs only one of them."),
    "star-step": Code("W103", "Two restricted day fields, of which other crons would need only one."),
    "uneven-step": Code("W104", "The last step is shorter than the others."),
    "long-step": Code("W105", "The step is longer than the field: it fires at the first value only."),
    "some-months": Code("W106", "Some months do not have the day."),
    "leap-day": Code("W107", "Only leap years have the day."),
    "dst-gap": Code("W108", "A time of day that a clock change will skip."),
    "dst-repeat": Code("W109", "A time of day that a clock change will repeat."),
    "hourly-fixed": Code("W110", "Every hour, but written so that a clock change is treated as for a time."),
    "often": Code("W111", "The job is due far more often than its timeout allows."),
    "overlap": Code("W112", "The timeout is longer than the shortest distance of two occurrences."),
    "over": Code("W113", "The job will never be due again."),
    "long_stop": Code("W201", "Stopping may take longer than containers are given."),
    "no_jobs": Code("W401", "The file defines no job."),
}


def located(source: Source, mistakes: Iterable[Mistake]) -> tuple[Problem, ...]:
    """Return the mistakes as problems with their places, in the order of the file."""
    from cronjobs.config.positions import Positions  # late: a file without mistakes needs no places

    positions = Positions(source.text)
    problems = []
    for mistake in dict.fromkeys(mistakes):  # jobs share `[defaults]`
        start, end = positions.span(mistake.path, at=mistake.at, column=mistake.column)
        problems.append(
            problem(source, mistake.word, positions.place(start, end), mistake.message, mistake.hint)
        )
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def problem(source: Source, word: str, place: tuple[int, int, int], message: str, hint: str = "") -> Problem:
    """Return a problem at a place: line, column, end column. An unknown word is one of a schedule's."""
    code = CODES.get(word, CODES["schedule"]).code
    return Problem(code, "warning" if code[0] == "W" else "error", source.file, *place, message, hint)
