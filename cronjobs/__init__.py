"""A cron for Python functions."""

__version__ = "0.1.0"

# Not from `typing`, whose import costs more than the rest of this file; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from cronjobs.definitions import job as job
    from cronjobs.services.container import Container as Container
else:
    # The public names, and where each is loaded from when it is first used.
    _ROOMS = {"Container": "cronjobs.services.container", "job": "cronjobs.definitions"}

    def __getattr__(name):
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(__import__(_ROOMS[name], fromlist=[name]), name)
        globals()[name] = value
        return value

    def __dir__():
        return [*globals(), *_ROOMS]
