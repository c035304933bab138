"""What a step may return or raise beside plain values and exceptions."""

from typing import Any, Generic, TypeVar

T = TypeVar("T")
_RESULT: Any = object()


class StepResponse(Generic[T]):
    """What a step returns whose compensation needs something else than its result.

    compensation_input: without it, the result.
    """

    def __init__(self, result: T, compensation_input: Any = _RESULT) -> None:
        self.result = result
        self.compensation_input = result if compensation_input is _RESULT else compensation_input

    def __repr__(self) -> str:
        return f"StepResponse({self.result!r}, {self.compensation_input!r})"


class PermanentFailure(Exception):
    """Raised by a step that need not be tried again.

    compensation_input: what the step's own compensation is given, for what was done before it failed.
    """

    def __init__(self, message: str = "", compensation_input: Any = None) -> None:
        super().__init__(message)
        self.compensation_input = compensation_input
