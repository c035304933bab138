"""The jobs that functions define by `@job`, found in the modules that `[cronjobs] discover` names.

The modules are imported in a process of their own, which ends with the answer: users' code never runs in the
process that asks. What it prints goes nowhere, unless it ends that process.
"""

import marshal
import os
import select
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

from cronjobs import definitions, targets
from cronjobs.config.problems import KeyPath, Mistake, Source, located, problem
from cronjobs.core.job import Configuration, Job
from cronjobs.core.problem import Problem
from cronjobs.core.suggest import named
from cronjobs.processes import SIGKILL, die_with_parent, kill_group, load_libc, nameless_file

if TYPE_CHECKING:
    import ast
    from types import ModuleType

    from cronjobs.config.load import Loaded

_OUTPUT_CHARACTERS = 2000
_LENGTH_BYTES = 4
_WITH_DATES = ("starts_at", "ends_at", "exclude")


class Definition(NamedTuple):
    """One `@job(...)`, as it came from the process that found it.

    table: what `[jobs.NAME]` would be. refusal: why it can be no job, or "". hint: the way out then.
    """

    name: str
    table: dict[str, Any]
    file: str
    line: int
    refusal: str = ""
    hint: str = ""


class Failed(NamedTuple):
    """A module that could not be imported; `place` is that of its name, or its package's, in `discover`."""

    place: int
    word: str
    message: str
    hint: str = ""


def discovered(
    loaded: "Loaded", define: Callable[[str, dict[str, Any]], tuple[Job | None, list[Mistake]]]
) -> "Loaded":
    """Return what the file says with the jobs that its modules define, which come behind its own.

    define: gives the job of a table, and what is wrong with it.
    """
    configuration = loaded.configuration
    assert configuration is not None
    found, failures = _find(configuration)
    problems = [*loaded.problems, *located(loaded.source, map(_mistake, failures))]
    jobs = dict(configuration.jobs)
    places: dict[str, Definition] = {}
    for definition in found:
        name = definition.name
        if definition.refusal:
            mistake = Mistake("definition", (), definition.refusal, definition.hint)
            problems.append(placed(definition, mistake))
        elif name in places or name in loaded.callables or name in jobs:
            problems.append(placed(definition, _defined_before(name, places.get(name), loaded.source)))
        else:
            job, mistakes = define(name, definition.table)
            for mistake in mistakes:
                # What is wrong with `[defaults]`, or with `TZ`, is not the definition's.
                is_own = mistake.path[:1] == ("jobs",)
                problems += [placed(definition, mistake)] if is_own else located(loaded.source, [mistake])
            places[name] = definition
            if job is not None:
                jobs[name] = job
    if not jobs and not problems:
        hint = "a job is a table `[jobs.NAME]`, or a function with `@job(schedule=...)` above it"
        nothing = Mistake("no_jobs", ("cronjobs", "discover"), "no jobs are defined", hint)
        problems += located(loaded.source, [nothing])
    return loaded._replace(
        configuration=configuration._replace(jobs=jobs),
        problems=tuple(dict.fromkeys(problems)),
        definitions=places,
    )


def place_of(definition: Definition, path: KeyPath = (), *, at_key: bool = False) -> tuple[int, int, int]:
    """Return where in its file a definition stands, or what it gives to a key: line, columns.

    path: the key, then those and the places of elements below it, as far as they are written out there.
    """
    key = str(path[0]) if path else ""
    import ast  # late: only a mistake needs it

    try:
        with open(definition.file, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return definition.line, 1, 2
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call.lineno == definition.line:
            node: Any = next((each for each in call.keywords if each.arg == key), None)
            if node is None:
                return call.lineno, call.func.col_offset + 1, (call.func.end_col_offset or 0) + 1
            if at_key:
                return node.lineno, node.col_offset + 1, node.col_offset + len(key) + 1
            value = _below(node.value, path[1:])
            is_short = value.end_lineno == value.lineno
            end = value.end_col_offset if is_short else None
            return value.lineno, value.col_offset + 1, (end or value.col_offset + 1) + 1
    return definition.line, 1, 2


def _below(node: "ast.expr", path: KeyPath) -> "ast.expr":
    """Return the expression that gives the value at a path below another's, or the last one above it."""
    import ast  # late: as above

    for key in path:
        found: ast.expr | None = None
        if isinstance(node, ast.List | ast.Tuple) and isinstance(key, int) and key < len(node.elts):
            found = node.elts[key]
        elif isinstance(node, ast.Dict):
            keys = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]
            found = node.values[keys.index(key)] if key in keys else None
        if found is None:
            break
        node = found
    return node


def placed(definition: Definition, mistake: Mistake) -> Problem:
    """Return a mistake as a problem of the file that the definition stands in."""
    place = place_of(definition, mistake.path[2:], at_key=mistake.at == "key")
    return problem(Source(definition.file, ""), mistake.word, place, mistake.message, mistake.hint)


def _mistake(failed: Failed) -> Mistake:
    return Mistake(failed.word, ("cronjobs", "discover", failed.place), failed.message, failed.hint)


def _defined_before(name: str, other: Definition | None, source: Source) -> Mistake:
    if other is not None:
        place = f"{other.file}:{other.line}"
    else:
        from cronjobs.config.positions import Positions  # late: only a mistake needs places

        positions = Positions(source.text)
        place = f"{source.file}:{positions.place(*positions.span(('jobs', name)))[0]}"
    hint = f"{place} defines it too; give one of them a `name` of its own"
    return Mistake("twice", (), f"the job {named(name)} is defined twice", hint)


# On the asking side


def _find(configuration: Configuration) -> tuple[list[Definition], list[Failed]]:
    """Return the definitions, in the order of their modules and lines, and the modules that failed."""
    modules = configuration.settings.discover
    reading, writing = os.pipe()
    libc = load_libc()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(nameless_file(), "w+b") as output:
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _be_the_finder(configuration, libc, parent, writing, output)
        os.close(writing)
        try:
            with open(reading, "rb", buffering=0) as answers:
                return _gather(answers, modules, configuration.settings.import_timeout_seconds, output)
        finally:
            kill_group(pid, SIGKILL)
            os.waitpid(pid, 0)


def _gather(
    answers: IO[bytes], modules: Sequence[str], timeout_seconds: float, output: IO[bytes]
) -> tuple[list[Definition], list[Failed]]:
    found: list[Definition] = []
    failures: list[Failed] = []
    place, importing = 0, modules[0]
    buffer = b""
    while True:
        # Anew for each module: before an import begins, a message says so.
        if not select.select([answers], [], [], timeout_seconds)[0]:
            text = f"importing `{importing}` took longer than {timeout_seconds:g} s (import_timeout)"
            return found, [*failures, Failed(place, "import", text)]
        data = answers.read(1 << 16)
        if not data:
            text = f"importing `{importing}` ended the process{_last_words(output)}"
            return found, [*failures, Failed(place, "import", text)]
        buffer += data
        messages, buffer = _complete(buffer)
        for message in messages:
            kind, *values = message
            if kind == "importing":
                place, importing = values
            elif kind == "failed":
                failures.append(Failed(*values))
            elif kind == "defined":
                found.append(Definition(*values))
            else:
                return found, failures


def _complete(buffer: bytes) -> tuple[list[Any], bytes]:
    """Return the messages that have come whole, and what is left."""
    messages = []
    while len(buffer) >= _LENGTH_BYTES:
        end = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES])
        if len(buffer) < end:
            break
        messages.append(marshal.loads(buffer[_LENGTH_BYTES:end]))
        buffer = buffer[end:]
    return messages, buffer


def _last_words(output: IO[bytes]) -> str:
    output.seek(0)
    text = output.read().decode(errors="backslashreplace").rstrip()[-_OUTPUT_CHARACTERS:]
    return f"\n{text}" if text else ""


# In the process that imports


def _be_the_finder(
    configuration: Configuration, libc: Any, parent: int, writing: int, output: IO[bytes]
) -> NoReturn:
    try:
        _settle(libc, parent, output)
        sys.path.insert(0, configuration.app_dir)
        os.chdir(configuration.directory)
        for message in _findings(configuration.settings.discover):
            data = marshal.dumps(message)
            data = len(data).to_bytes(_LENGTH_BYTES) + data
            while data:
                data = data[os.write(writing, data) :]
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _settle(libc: Any, parent: int, output: IO[bytes]) -> None:
    import signal  # late: as the module itself

    os.setsid()
    die_with_parent(libc, parent)
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(signum, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    # Whatever stood there may write to somewhere else.
    sys.stdout = os.fdopen(1, "w", closefd=False, errors="backslashreplace")
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")


def _findings(names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Import what is named and give the messages about it."""
    modules: dict[str, ModuleType] = {}
    for place, name in enumerate(names):
        yield from _import(place, name, modules)
    order = {name: number for number, name in enumerate(modules)}
    found = []
    for definition in definitions.DEFINED:
        home = getattr(definition.function, "__module__", None) or ""
        number = order.get(home, _re_exporter(definition.function, modules, order))
        if number is not None:
            found.append((number, definition.line, definition))
    found.sort(key=lambda each: each[:2])
    for _, _, definition in found:
        yield ("defined", *_described(definition))
    yield ("done",)


def _import(place: int, name: str, modules: "dict[str, ModuleType]") -> Iterator[tuple[Any, ...]]:
    if name in modules:
        return
    yield "importing", place, name
    try:
        module = targets.import_module(name)
    except targets.TargetError as exc:
        message = f"{exc}\n{exc.traceback}" if exc.traceback else str(exc)
        yield "failed", place, exc.kind, message, exc.hint
        return
    modules[name] = module
    if hasattr(module, "__path__"):
        import pkgutil  # late: only a package needs it

        for below in pkgutil.iter_modules(module.__path__, f"{name}."):
            if not below.name.endswith(".__main__"):
                yield from _import(place, below.name, modules)


def _re_exporter(function: Any, modules: "Mapping[str, ModuleType]", order: Mapping[str, int]) -> int | None:
    """Return the place of the first module that holds a function which lives elsewhere; None without one."""
    for name, module in modules.items():
        if any(value is function for value in list(vars(module).values())):
            return order[name]
    return None


def _described(definition: definitions.Definition) -> tuple[Any, ...]:
    """Return the fields of a `Definition`, as plain values."""
    function, options, file, line = definition
    name = options.get("name", getattr(function, "__name__", ""))
    refusal, hint = _refusal(function, options)
    table: dict[str, Any] = (
        {"callable": f"{function.__module__}:{function.__qualname__}"} if not refusal else {}
    )
    for key, value in options.items():
        try:
            plain = _plain(_dates_written(value) if key in _WITH_DATES else value)
        except TypeError as exc:
            refusal, hint = f"`{key}` holds {exc}", "`@job` takes what TOML can say; dates here as texts"
            continue
        if key != "name":
            table[key] = plain
    return str(name), table, os.path.abspath(file), line, refusal, hint


def _refusal(function: Any, options: Mapping[str, Any]) -> tuple[str, str]:
    """Return why a function can be no job, and the way out; ("", "") if it can."""
    path = getattr(function, "__qualname__", None)
    if not path or not getattr(function, "__module__", None):
        return "what `@job` stands above is no function", "a job is a function of a module"
    if "<" in path:
        return f"`{path}` cannot be found by its name", "a job is a function of a module, no inner one"
    if "callable" in options:
        return "`@job` takes no `callable`", "it stands above the function that it is about"
    if not isinstance(options.get("name", ""), str):
        return "`name` must be a text", "without it, the function's own name is the job's"
    return "", ""


def _dates_written(value: Any) -> Any:
    """Return a value with its dates as texts that read as the same."""
    from datetime import date  # late: few jobs begin, end or rest at dates

    if isinstance(value, list | tuple):
        return [_dates_written(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _plain(value: Any) -> Any:
    """Return a value as TOML would have given it; TypeError, naming it, if it never could."""
    if isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {_key(key): _plain(each) for key, each in value.items()}
    raise TypeError(f"a value of the type {type(value).__name__}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key {key!r}, which is no text")
    return str.__str__(key)
