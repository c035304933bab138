"""A located mistake in a configuration."""

from typing import Literal, NamedTuple


class Problem(NamedTuple):
    """One mistake; `line`, `column` and `end_column` are 1-based, `end_column` is exclusive."""

    code: str  # a letter and three digits, the same in every version
    severity: Literal["error", "warning"]
    file: str
    line: int
    column: int
    end_column: int
    message: str
    hint: str = ""
