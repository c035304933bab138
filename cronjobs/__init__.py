"""A cron for Python functions."""

__version__ = "0.1.0"

# Not typing's: whoever imports the package for its version waits for nothing else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from cronjobs.core.errors import StepFailedError as StepFailedError
    from cronjobs.core.errors import WorkflowFailedError as WorkflowFailedError
    from cronjobs.core.errors import WorkflowRefusedError as WorkflowRefusedError
    from cronjobs.definitions import job as job
    from cronjobs.services.container import Container as Container
    from cronjobs.workflows.injection import injected as injected
    from cronjobs.workflows.outcomes import PermanentFailure as PermanentFailure
    from cronjobs.workflows.outcomes import StepResponse as StepResponse
    from cronjobs.workflows.parallel import parallel as parallel
    from cronjobs.workflows.step import step as step
    from cronjobs.workflows.step_context import StepContext as StepContext
    from cronjobs.workflows.workflow import workflow as workflow

# The public names, and the modules that are imported when they are first used.
_HOMES = {
    "Container": "cronjobs.services.container",
    "PermanentFailure": "cronjobs.workflows.outcomes",
    "StepContext": "cronjobs.workflows.step_context",
    "StepFailedError": "cronjobs.core.errors",
    "StepResponse": "cronjobs.workflows.outcomes",
    "WorkflowFailedError": "cronjobs.core.errors",
    "WorkflowRefusedError": "cronjobs.core.errors",
    "injected": "cronjobs.workflows.injection",
    "job": "cronjobs.definitions",
    "parallel": "cronjobs.workflows.parallel",
    "step": "cronjobs.workflows.step",
    "workflow": "cronjobs.workflows.workflow",
}


if not TYPE_CHECKING:  # or a checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib  # late: for whoever uses the name

        found: object = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
