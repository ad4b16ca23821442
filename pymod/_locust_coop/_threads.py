"""threading: what is named there, beside the locks."""

from __future__ import annotations

import sys
import threading

import _locust

FUNCTIONS = {
    "start_new_thread": _locust.thread_start_new,
    "start_new": _locust.thread_start_new,
    "get_ident": _locust.get_ident,
    "_set_sentinel": _locust.thread_set_sentinel,
}
"""Those of _thread. Some are not there in all versions of Python."""


def functions(module):
    """Names of _thread, and what they are to be."""
    return [(name, function) for name, function in FUNCTIONS.items() if hasattr(module, name)]


class _Forget:
    """Belongs to one thread; when that ends, its entry among the active ones goes."""

    def __init__(self, ident):
        self.ident = ident

    def __del__(self, active=threading._active):
        active.pop(self.ident, None)


_of_this_thread = threading.local()


class _DummyThread(threading._DummyThread):
    """What current_thread() says of a green thread that threading has not started.

    Python keeps such objects for ever (until 3.12): with a new green thread for each user they would pile up.
    """

    def __init__(self):
        super().__init__()
        _of_this_thread.forget = _Forget(self.ident)


def names(module):
    """Names of threading, and what they are to be."""
    found = [
        ("_start_new_thread", _locust.thread_start_new),
        ("get_ident", _locust.get_ident),
        ("_set_sentinel", _locust.thread_set_sentinel),
    ]
    if sys.version_info < (3, 12):
        found.append(("_DummyThread", _DummyThread))
    return [(name, replacement) for name, replacement in found if hasattr(module, name)]


def _acquire_restore(self, state):
    """Whoever waited for a condition holds its lock again, even if they are thrown out of the wait."""
    _locust.acquire_for_sure(self._lock)


def change_classes() -> None:
    """Conditions of a lock that is no RLock."""
    threading.Condition._acquire_restore = _acquire_restore
