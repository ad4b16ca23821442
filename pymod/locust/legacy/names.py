"""Names that modules had in Locust 0.x, and where what they stand for is now."""

import importlib

from . import warn_once

# {module: {old name: (module, name)}}
_OLD_NAMES = {
    "locust": {
        "InterruptTaskSet": ("locust.exception", "InterruptTaskSet"),
        "RescheduleTaskImmediately": ("locust.exception", "RescheduleTaskImmediately"),
        "ResponseError": ("locust.exception", "ResponseError"),
        "TaskSequence": ("locust.legacy.tasks", "TaskSequence"),
        "seq_task": ("locust.legacy.tasks", "seq_task"),
    },
    "locust.exception": {"StopLocust": ("locust.exception", "StopUser")},
    "locust.runners": {
        "LocalLocustRunner": ("locust.runners", "LocalRunner"),
        "LocustRunner": ("locust.runners", "Runner"),
        "MasterLocustRunner": ("locust.runners", "MasterRunner"),
        "SlaveLocustRunner": ("locust.runners", "WorkerRunner"),
        "SlaveNode": ("locust.runners", "WorkerNode"),
    },
}


def old_name(module: str, name: str):
    """What a module had under that name; the __getattr__ of the module. AttributeError if nothing."""
    if (module, name) == ("locust.runners", "locust_runner"):
        from .runners import locust_runner

        return locust_runner()
    if (module, name) == ("locust.stats", "global_stats"):
        from .runners import global_stats

        return global_stats()
    place = _OLD_NAMES.get(module, {}).get(name)
    if place is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    new_module, new_name = place
    if not new_module.startswith(__package__):  # those speak for themselves
        warn_once(f"{module}.{name}", f"{new_module}.{new_name}")
    return getattr(importlib.import_module(new_module), new_name)
