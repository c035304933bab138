"""`"pkg.mod:func"` -> what is called so.

Importing happens in `import_module` only; nothing here calls what it finds.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cronjobs.core.suggest import did_you_mean, quoted

if TYPE_CHECKING:
    from traceback import TracebackException
    from types import ModuleType, TracebackType

RESERVED = ("container", "logger", "query", "context")  # no service can have one of these names


class Target(NamedTuple):
    """Where a callable lives."""

    module: str
    attributes: tuple[str, ...]


class TargetError(ValueError):
    """A text that leads to no callable. `kind` is a word that stays the same between versions.

    hint: the way out, or "". column: 1-based, in the target's text, of the first offending character.
    traceback: of the user's own frames, where their code failed while it was imported, or "".
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Literal["target", "module", "import", "attribute"],
        hint: str = "",
        column: int = 1,
        traceback: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.column = column
        self.traceback = traceback


def split(target: str) -> Target:
    """Return the two halves of `pkg.mod:attr.attr`; TargetError if it is not of that form."""
    module, colon, attributes = target.partition(":")
    if not colon:
        raise TargetError(f"{quoted(target)} names no function", kind="target", hint=_with_colon(target))
    column = 1
    for half, names in (("module", module), ("function", attributes)):
        for name in names.split("."):
            if not name.isidentifier():
                what = (
                    f"{quoted(name)} is no name of Python's" if name else f"a name is missing in its {half}"
                )
                message = f"{quoted(target)} is no callable: {what}"
                raise TargetError(
                    message, kind="target", hint="write `package.module:function`", column=column
                )
            column += len(name) + 1
    return Target(module, tuple(attributes.split(".")))


def import_module(name: str) -> "ModuleType":
    """Return the module, imported.

    TargetError of kind `module` if there is none of that name (or its parent package), of kind
    `import` if it is there and fails: then `traceback` is what its author needs to see.
    """
    import sys  # late: `next` and `status` import nothing of the user's

    try:
        __import__(name)  # what `importlib` does, whose own import takes a fifth of a look at a module
        return sys.modules[name]
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a module may also end in sys.exit()
        # A look-up that fails inside the user's own module is theirs, whatever name it misses.
        if isinstance(exc, ModuleNotFoundError) and not _first_user_frame(exc.__traceback__):
            missing = exc.name or name
            if name == missing or name.startswith(missing + "."):
                raise _missing(name, missing, str(exc)) from None
        raise TargetError(
            f"importing `{name}` failed: {_in_words(exc)}", kind="import", traceback=_traceback(exc)
        ) from exc


def resolve(module: "ModuleType", attributes: tuple[str, ...]) -> Any:
    """Return `module.attr.attr`; TargetError of kind `attribute` if there is no such thing."""
    found: Any = module
    path = module.__name__
    for name in attributes:
        try:
            found = getattr(found, name)
        except AttributeError:
            owner = f"module `{path}`" if found is module else f"`{path}`"
            raise TargetError(
                f"{owner} has no `{name}`",
                kind="attribute",
                hint=did_you_mean(name, [known for known in dir(found) if not known.startswith("__")]),
                column=len(path) + 2,
            ) from None
        path += f"{'.' if ':' in path else ':'}{name}"
    return found


def parameter_name(key: str) -> str:
    """Return the name under which a service is injected: `-` in its key reads as `_`."""
    return key.replace("-", "_")


def _with_colon(target: str) -> str:
    head, dot, last = target.rpartition(".")
    return (
        f"write `{head}:{last}`"
        if dot and head and last and len(target) < 100
        else "write `package.module:function`"
    )


def _missing(name: str, missing: str, message: str) -> TargetError:
    parent, _, last = missing.rpartition(".")
    if "is not a package" in message:
        return TargetError(f"no module `{missing}`: `{parent}` is not a package", kind="module")
    hint = did_you_mean(last, _modules_in(parent))
    if not hint and not parent:
        hint = "modules are looked for beside the configuration (or in `--app-dir`), then where Python looks"
    return TargetError(
        f"no module `{missing}`", kind="module", hint=hint, column=len(parent) + 1 + bool(parent)
    )


def _modules_in(package: str) -> list[str]:
    import pkgutil
    import sys  # both late: only a mistake needs them

    path = getattr(sys.modules.get(package), "__path__", None) if package else None
    return [module.name for module in pkgutil.iter_modules(path)]


def _in_words(exc: BaseException) -> str:
    text = str(exc)
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _first_user_frame(traceback: "TracebackType | None") -> "TracebackType | None":
    while traceback and _is_machinery(traceback.tb_frame.f_code.co_filename):
        traceback = traceback.tb_next
    return traceback


def _traceback(exc: BaseException) -> str:
    """Return the traceback as Python would print it, without this module's and importlib's frames."""
    import traceback  # late: only a failing import needs it

    told = traceback.TracebackException.from_exception(exc)
    todo: list[TracebackException | None] = [told]
    while todo:
        part = todo.pop()
        if part:
            part.stack[:] = [frame for frame in part.stack if not _is_machinery(frame.filename)]
            todo += [part.__cause__, part.__context__]
    return "".join(told.format())


def _is_machinery(filename: str) -> bool:
    return (
        filename == __file__
        or filename.startswith("<frozen importlib")
        or filename.endswith("importlib/__init__.py")
    )
