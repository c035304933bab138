"""Tables and sentences: aligned, coloured, and on a terminal no wider than it."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import click

_GAP = "  "
_LEAST_CHARACTERS = 8  # are left of a cell that is cut
# A message of a job's may hold what moves a terminal's cursor.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


class Coloured(NamedTuple):
    """A cell in one of click's colours; None is plain."""

    text: str
    colour: str | None


Cell = str | Coloured
Row = Sequence[Cell]


def print_table(
    head: Sequence[str], rows: Sequence[Row], *, brief: Sequence[Row] = (), flexible: Sequence[int] = ()
) -> None:
    """Print rows under their head, each column as wide as its widest cell.

    brief: the same rows in fewer words, for a terminal that is too narrow for them.
    flexible: the columns whose cells may be cut then, the widest first.
    """
    table = [head, *rows]
    widths = _widths(table)
    limit = _terminal_width()
    if _total(widths) > limit:
        table = [head, *(brief or rows)]
        widths = _cut(_widths(table), limit, flexible)
    for row in table:
        click.echo(_line(row, widths))


def print_wrapped(text: str, *, indent: int) -> None:
    """Print a sentence; what does not fit into the terminal's width goes on below, indented."""
    text = text.translate(_CONTROL)
    width = _terminal_width()
    if len(text) > width:
        text = click.wrap_text(text, int(max(width, 2 * indent)), subsequent_indent=" " * indent)
    click.echo(text)


def _terminal_width() -> float:
    """Return how many characters stand in a line of standard output: no end of them where it is a file."""
    try:
        return os.get_terminal_size(1).columns or float("inf")
    except OSError:
        return float("inf")


def _widths(table: Sequence[Row]) -> list[int]:
    return [max(len(_text(cell)) for cell in column) for column in zip(*table, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _cut(widths: Sequence[int], limit: float, flexible: Sequence[int]) -> list[int]:
    """Return widths that fit, as far as taking from the flexible columns can do it."""
    cut = list(widths)
    while flexible and _total(cut) > limit:
        widest = max(flexible, key=cut.__getitem__)
        if cut[widest] <= _LEAST_CHARACTERS:
            break
        cut[widest] -= 1
    return cut


def _line(row: Row, widths: Sequence[int]) -> str:
    last = max((place for place, cell in enumerate(row) if _text(cell)), default=0)
    cells = []
    for place, (cell, width) in enumerate(zip(row[: last + 1], widths, strict=False)):
        text = _text(cell)
        if len(text) > width:
            text = text[: width - 1] + "…"
        padding = " " * (width - len(text)) if place < last else ""
        colour = cell.colour if isinstance(cell, Coloured) else None
        cells.append((click.style(text, fg=colour) if colour else text) + padding)
    return _GAP.join(cells)


def _text(cell: Cell) -> str:
    text = cell.text if isinstance(cell, Coloured) else cell
    return text.translate(_CONTROL)
