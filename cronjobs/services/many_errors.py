"""Clean-up goes on after an error: which of several is raised in the end, and what is noted on it."""

from collections.abc import Awaitable, Callable


def collect(function: Callable[[], object], errors: list[BaseException]) -> None:
    """Call a function; what it raises is added to the errors."""
    try:
        function()
    except BaseException as exc:  # user code, or a signal that comes into it
        errors.append(exc)


async def collect_async(awaitable: Awaitable[object], errors: list[BaseException]) -> None:
    """Await; what is raised is added to the errors."""
    try:
        await awaitable
    except BaseException as exc:  # as above
        errors.append(exc)


def raise_first(errors: list[BaseException]) -> None:
    """Raise the first error, or what is to end the process; the others are noted on it."""
    if errors:
        first = next((each for each in errors if not isinstance(each, Exception)), errors[0])
        _note_on(first, errors)
        raise first


def prefer(error: BaseException, errors: list[BaseException]) -> None:
    """Leave it at the error that ended the `with`, unless a later one is to end the process."""
    if isinstance(error, Exception) and not all(isinstance(each, Exception) for each in errors):
        raise_first(errors)
    _note_on(error, errors)


def _note_on(error: BaseException, others: list[BaseException]) -> None:
    for other in others:
        if other is not error:
            where = "; ".join(getattr(other, "__notes__", ()))
            error.add_note(f"and then, {where or 'at the end'}: {type(other).__name__}: {other}")
