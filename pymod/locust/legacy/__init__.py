"""Locust 0.x: what its locustfiles import and touch, so that they run unchanged.

Every old name works as it did, and says once in a process what its modern form is. Nothing here is
loaded or called for a locustfile that does not use it, but for the classes that have to exist.
"""

import sys
import warnings

_told: set[str] = set()


def warn(message: str) -> None:
    """A DeprecationWarning that names the line of the locustfile."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    # As the module locust, whose deprecation warnings are always shown.
    warnings.warn_explicit(
        message, DeprecationWarning, frame.f_code.co_filename, frame.f_lineno, module="locust"
    )


def warn_once(old: str, new: str) -> None:
    """Warns of an old name, and says what to write instead."""
    if old not in _told:
        _told.add(old)
        warn(f"{old} is of Locust 0.x: write {new}")


def _is_ours(frame) -> bool:
    name = frame.f_globals.get("__name__", "")
    return name == "locust" or name.startswith(("locust.", "importlib."))


class OldAttribute:
    """An attribute under its old name. One that is assigned to the instance comes first."""

    def __init__(self, old: str, new: str):
        self.old, self.new = old, new

    def __get__(self, instance, owner):
        if instance is None:
            return self
        warn_once(f"self.{self.old}", f"self.{self.new}")
        return getattr(instance, self.new)
