"""The house keeps its floors: imports go down only, the core is pure, and commands import what they need."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import cronjobs

PACKAGE = Path(cronjobs.__file__).parent
FLOORS = [
    {"core"},
    {
        "context",
        "parameters",
        "signatures",
        "targets",
        "failures",
        "definitions",
        "signals",
        "processes",
        "services",
        "workflows",
    },
    {"clock", "lock", "config", "store", "executors", "observers"},
    {"engine", "exchange"},
    {"cli", "testing"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
ROOF = {"__init__", "__main__"}  # the public names, loaded on first use, and the way in

PURE = {
    *("bisect", "calendar", "collections", "datetime", "enum", "functools", "heapq", "itertools", "math"),
    *("operator", "re", "typing", "zoneinfo"),
}
PURE_BUT_HEAVY = {"difflib", "hashlib", "importlib"}  # inside the functions that need them
# Other people's schedules are read by other people's code; these files are imported only then.
FOREIGN = {"core/schedule/foreign.py": "croniter", "core/schedule/recurrence.py": "dateutil"}
IMPURE_CALLS = {"breakpoint", "compile", "eval", "exec", "input", "open", "print", "__import__"}
CLOCK_CALLS = {"now", "today", "utcnow"}

READERS_OF_TIME = {
    "clock.py",
    "cli/options.py",  # where a command gets its `now` from
    "lock.py",  # how long one waits for a lock
    "processes.py",  # how long one waits for a process, and when one started
    "workflows/clock.py",  # how long a step waits before it is tried again
    *(
        "executors/calling.py",
        "executors/child.py",
        "executors/probe.py",
        "executors/zygote.py",
    ),  # programs of their own
}


class Import(NamedTuple):
    """What one import statement names, and whether it happens when the module is imported."""

    name: str
    line: int
    is_late: bool
    is_for_types: bool


def modules():
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def tree_of(path):
    return ast.parse((PACKAGE / path).read_text())


def imports(path):
    """Return every import of a module, those inside functions and for type checkers included."""
    return list(_imports(tree_of(path), is_late=False, is_for_types=False))


def _imports(node, *, is_late, is_for_types):
    for child in ast.iter_child_nodes(node):
        late = is_late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = is_for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, late, for_types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = "." * child.level + (child.module or "")
            yield from (
                Import(f"{base}.{alias.name}", child.lineno, late, for_types) for alias in child.names
            )
        yield from _imports(child, is_late=late, is_for_types=for_types)


def room(path):
    return path.parts[0].removesuffix(".py")


def room_named(name):
    """Return the room of the house that an import leads to; None for other people's packages."""
    parts = name.split(".")
    if parts[0] != "cronjobs":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else "__init__"


def is_folder(room):
    return (PACKAGE / room).is_dir()


def complaints(rule):
    """Return `file:line: import` for each import that breaks the rule."""
    return [
        f"cronjobs/{path}:{each.line}: {each.name}"
        for path in modules()
        for each in imports(path)
        if rule(path, each)
    ]


def test_every_file_has_its_floor():
    assert {room(path) for path in modules()} - ROOF - FLOOR_OF.keys() == set()


def test_imports_go_down_only():
    def goes_up(path, each):
        target = room_named(each.name)
        if room(path) in ROOF or target in (None, "__init__"):
            return False
        return FLOOR_OF[target] > FLOOR_OF[room(path)]

    assert complaints(goes_up) == []


def test_imports_do_not_go_sideways_between_folders_of_a_floor():
    def goes_sideways(path, each):
        here, there = room(path), room_named(each.name)
        if here in ROOF or there in (None, "__init__", here):
            return False
        return FLOOR_OF[here] == FLOOR_OF[there] and is_folder(there)

    assert complaints(goes_sideways) == []


def test_the_roof_is_imported_for_the_version_only():
    def needs_the_roof(path, each):
        is_of_roof = room_named(each.name) == "__init__" and room(path) not in ROOF
        return is_of_roof and each.name != "cronjobs.__version__"

    assert complaints(needs_the_roof) == []


def test_in_the_engine_only_the_assembly_knows_the_edges():
    def builds_an_edge(path, each):
        if room(path) != "engine" or path.name == "assemble.py" or each.is_for_types:
            return False
        return FLOOR_OF.get(room_named(each.name)) == 2

    assert complaints(builds_an_edge) == []


def test_imports_are_written_in_full():
    assert complaints(lambda path, each: each.name.startswith(".")) == []


def test_the_core_imports_what_is_pure():
    def is_impure(path, each):
        top = each.name.split(".")[0]
        if room(path) != "core" or top == "cronjobs":
            return False
        is_known = top in PURE or (top in PURE_BUT_HEAVY and each.is_late) or FOREIGN.get(str(path)) == top
        return not is_known

    assert complaints(is_impure) == []


def test_the_core_opens_prints_and_asks_the_time_of_nothing():
    found = [
        f"cronjobs/{path}:{node.lineno}: {ast.unparse(node.func)}"
        for path in modules()
        if room(path) == "core"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and is_impure_call(node.func)
    ]

    assert found == []


def is_impure_call(function):
    if isinstance(function, ast.Name):
        return function.id in IMPURE_CALLS
    return isinstance(function, ast.Attribute) and function.attr in CLOCK_CALLS


@pytest.mark.parametrize("quiet", ["core", "services", "config", "store", "observers", "engine"])
def test_time_is_given_to_whoever_decides_or_records(quiet):
    """`now` is an argument or comes from a `Clock`: that is what lets a test own it."""

    def reads_the_time(path, each):
        return room(path) == quiet and each.name.split(".")[0] == "time"

    assert complaints(reads_the_time) == []


def test_time_is_read_where_a_process_begins_and_nowhere_else():
    readers = {str(path) for path in modules() for each in imports(path) if each.name.split(".")[0] == "time"}

    assert readers <= READERS_OF_TIME


def test_sql_is_known_to_the_store_only():
    assert complaints(lambda path, each: each.name == "sqlite3" and room(path) != "store") == []


def test_croniter_is_known_to_its_own_dialect_only():
    def is_elsewhere(path, each):
        return each.name.split(".")[0] == "croniter" and FOREIGN.get(str(path)) != "croniter"

    assert complaints(is_elsewhere) == []


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_file_with_foreign_code_is_imported_late(foreign):
    name = "cronjobs." + foreign.removesuffix(".py").replace("/", ".")

    def is_early(path, each):
        return each.name.startswith(name) and not (each.is_late or each.is_for_types)

    importers = complaints(is_early)

    assert importers == []


@pytest.mark.parametrize("package", ["dateutil", "tomli_w"])
def test_what_few_commands_need_is_imported_by_them_alone(package):
    def is_early(path, each):
        return each.name.split(".")[0] == package and not each.is_late and str(path) not in FOREIGN

    assert complaints(is_early) == []


# Import budgets

JOBS = """
[jobs.tidy]
callable = "shop:tidy"
schedule = "*/5 * * * *"
number_of_executions = 3

[jobs.report]
callable = "shop:report"
schedule = "0 12 * * mon"
timezone = "Europe/Berlin"
"""
SHOP = """
def tidy(): ...
def report(): ...
"""
HEAVY = {
    *("asyncio", "concurrent", "http", "multiprocessing", "sqlite3", "ssl"),
    *("croniter", "dateutil", "tomli_w"),
}
READING = [
    *(["next"], ["next", "--json"], ["validate"], ["status"], ["history"]),
    *(["explain", "*/5 * * * *"], ["explain", "5-5 * * * *", "--json"]),
]


@pytest.fixture
def directory(tmp_path):
    """A directory with two jobs in it, and no state file."""
    (tmp_path / "jobs.toml").write_text(JOBS)
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def modules_of(directory, *arguments):
    """Return what is imported in a process that runs a command."""
    program = (
        "import json, sys; sys.argv[1:] = json.loads(sys.argv[1]);"
        " from cronjobs.__main__ import main; code = main();"
        " print(json.dumps([code, list(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stdout + done.stderr
    return set(names)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_command_that_only_reads_imports_nothing_heavy(directory, command):
    assert modules_of(directory, *command) & HEAVY == set()


@pytest.mark.parametrize("command", ["next", "status", "history"])
def test_a_command_that_lists_jobs_imports_neither_the_scheduler_nor_the_jobs(directory, command):
    found = modules_of(directory, command)

    rooms = {room_named(name) for name in found} & {"engine", "executors", "observers", "services"}
    assert rooms == set()
    assert "shop" not in found


def test_the_version_is_printed_without_click(directory):
    found = modules_of(directory, "--version")

    assert not [name for name in found if name.split(".")[0] == "click"]
    assert {name for name in found if name.startswith("cronjobs")} == {"cronjobs", "cronjobs.__main__"}


def test_the_package_itself_imports_nothing():
    program = "import sys; before = set(sys.modules); import cronjobs; print(*set(sys.modules) - before)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["cronjobs"]
