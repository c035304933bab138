"""`${VAR}`, `${VAR:-default}` and `$$` in the strings of a configuration."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from cronjobs.config.problems import DEEPEST, KeyPath, Mistake
from cronjobs.core.suggest import named, quoted

# What looks like a variable and is none takes the rest of the string with it.
_VARIABLE = r"\$\$|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-((?:[^{}$]|\$(?!\{))*+))?\}|.*)"


def expanded(value: Any, path: KeyPath, environ: Mapping[str, str], report: Callable[[Mistake], None]) -> Any:
    """Return `value` with the variables in all its strings replaced; mistakes are reported."""
    if isinstance(value, str):
        return _filled(value, path, environ, report) if "$" in value else value
    if not isinstance(value, dict | list):
        return value
    if len(path) >= DEEPEST:
        report(Mistake("deep", path, f"nested more than {DEEPEST} levels deep"))
        return value
    if isinstance(value, dict):
        return {key: expanded(item, (*path, key), environ, report) for key, item in value.items()}
    return [expanded(item, (*path, index), environ, report) for index, item in enumerate(value)]


def _filled(text: str, path: KeyPath, environ: Mapping[str, str], report: Callable[[Mistake], None]) -> str:
    told: set[str] = set()  # each variable is missed once in a string

    def replacement(match: re.Match[str]) -> str:
        name, default = match[1] or "", match[2]
        if match[0] == "$$":
            return "$"
        if not name:
            before, brace, _ = match[0].partition("}")
            message = f"{quoted(before + brace)} is no variable"
            hint = "write `${NAME}` or `${NAME:-default}`; `$$` is a `$`"
        elif default is not None:
            # As in a shell: `:-` takes an empty variable for an unset one.
            return environ.get(name) or default.replace("$$", "$")
        elif name in environ:
            return environ[name]
        else:
            message = f"the environment variable {named(name)} is not set"
            hint = f"set it, or give it a default: {named(f'${{{name}:-default}}')}"
        if name not in told:
            told.add(name)
            report(Mistake("variable", path, message, hint, column=match.start() + 1))
        return ""

    return re.sub(_VARIABLE, replacement, text, flags=re.DOTALL)
