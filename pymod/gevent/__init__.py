"""gevent, over locust's native green threads: the same names with the same contracts.

What is waited for with these modules lets the other green threads run. There is one hub, that of the OS thread which imported
locust; on other OS threads locks, events, results and queues work, and block that thread.
"""

from __future__ import annotations

import collections
import importlib
import os
from sys import getswitchinterval, setswitchinterval

from _locust import Greenlet, GreenletExit, getcurrent, sleep

from ._config import config
from .greenlet import joinall, killall
from .hub import get_hub, idle, iwait, kill, reinit, signal_handler, spawn_raw, wait
from .timeout import Timeout, with_timeout

__version__ = "25.9.1"
_version_info = collections.namedtuple("version_info", ("major", "minor", "micro", "releaselevel", "serial"))
version_info = _version_info(25, 9, 1, "final", 0)

spawn = Greenlet.spawn
spawn_later = Greenlet.spawn_later
fork = os.fork

__all__ = [
    "Greenlet",
    "GreenletExit",
    "Timeout",
    "config",
    "fork",
    "get_hub",
    "getcurrent",
    "getswitchinterval",
    "idle",
    "iwait",
    "joinall",
    "kill",
    "killall",
    "reinit",
    "setswitchinterval",
    "signal_handler",
    "sleep",
    "spawn",
    "spawn_later",
    "spawn_raw",
    "wait",
    "with_timeout",
]

_MODULES = frozenset(
    "baseserver builtins core event exceptions fileobject greenlet hub local lock monkey os pool pywsgi queue resolver "
    "select selectors server signal socket ssl subprocess threading threadpool time timeout util".split()
)


def __getattr__(name):
    """Modules of the package are imported when they are first asked for."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
