"""How a mistake in a configuration is shown: its place, the line, a caret, the way out."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cronjobs.core.problem import Problem

_SHOWN_CHARACTERS = 120  # of a line with a problem: a file may be one line of a megabyte


def problem_lines(problems: Iterable["Problem"], *, start: str | None = None) -> Iterator[str]:
    """Give each problem with its place, the line it stands in with a caret below it, and its hint.

    start: the directory that files are named from; None for the working directory.
    """
    sources: dict[str, list[str]] = {}
    for problem in problems:
        if problem.file not in sources:
            sources[problem.file] = _source_lines(problem.file)
        yield from _problem(problem, _named_from(problem.file, start), sources[problem.file])


def named_from(problem: "Problem", start: str | None) -> "Problem":
    """Return the problem with its file as it is named from a directory."""
    return problem._replace(file=_named_from(problem.file, start))


def concise_line(problem: "Problem") -> str:
    """Return `file:line:column: severity[code] message`."""
    message = problem.message.partition("\n")[0]
    return f"{problem.file}:{problem.line}:{problem.column}: {problem.severity}[{problem.code}] {message}" + (
        f" (help: {problem.hint})" if problem.hint else ""
    )


def github_line(problem: "Problem") -> str:
    """Return the workflow command that puts a problem beside its line in a review on GitHub."""
    places = {
        "file": problem.file,
        "line": str(problem.line),
        "col": str(problem.column),
        "endColumn": str(problem.end_column - 1),
        "title": f"cronjobs {problem.code}",
    }
    properties = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in places.items()
    )
    text = problem.message + (f"\nhelp: {problem.hint}" if problem.hint else "")
    return f"::{problem.severity} {properties}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _problem(problem: "Problem", file: str, source: Sequence[str]) -> Iterator[str]:
    colour = "red" if problem.severity == "error" else "yellow"
    message, *details = problem.message.splitlines() or [""]
    number = str(problem.line)
    margin = " " * len(number)
    yield f"{click.style(f'{problem.severity}[{problem.code}]', fg=colour)}: {message}"
    yield f"{margin} --> {file}:{problem.line}:{problem.column}"
    if problem.line <= len(source):
        text, carets = _marked(source[problem.line - 1], problem.column, problem.end_column)
        yield f"{number} | {text}"
        yield f"{margin} | {click.style(carets, fg=colour)}"
    yield from (f"{margin} | {line}" for line in details)
    if problem.hint:
        yield f"{margin} = help: {problem.hint}"


def _marked(line: str, column: int, end_column: int) -> tuple[str, str]:
    """Return what is shown of a line, and carets for the line below it."""
    begin = max(0, column - 1 - _SHOWN_CHARACTERS // 2) if len(line) > _SHOWN_CHARACTERS else 0
    shown = line[begin : begin + _SHOWN_CHARACTERS]
    offset = column - 1 - begin
    count = max(1, min(end_column - column, len(shown) - offset))
    return "".join(character if character.isprintable() else " " for character in shown), (
        " " * offset + "^" * count
    )


def _source_lines(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8-sig", errors="replace") as stream:
            return stream.read().split("\n")
    except (OSError, ValueError):  # the problem may be that it cannot be read
        return []


def _named_from(file: str, start: str | None) -> str:
    relative = os.path.relpath(file, start)
    return file if relative.startswith("..") else relative
