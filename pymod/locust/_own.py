"""Our own packages, wherever locust has been imported from.

gevent and greenlet are ours in a process that has imported locust, though others may be installed: their switching of stacks
and ours would be the end of each other.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

OWN = {"_locust", "_locust_coop", "gevent", "geventhttpclient", "greenlet"} - set(sys.builtin_module_names)


class _Own:
    """Finds what is ours before anything else of that name is found.

    A finder in all but its base class: importing importlib.abc would take longer than all of its work.
    """

    def invalidate_caches(self):
        """Nothing is cached."""

    def find_spec(self, fullname, path=None, target=None):
        """None for everything else, and for what is to be found as usual (in a build tree)."""
        return PathFinder.find_spec(fullname, [HERE]) if fullname in OWN else None


def _is_ours(module) -> bool:
    file = getattr(module, "__file__", None)
    return file is None or os.path.dirname(os.path.dirname(os.path.realpath(file))) == HERE


def come_first() -> None:
    """From now on ours are imported. ImportError if another gevent has been."""
    if not _is_ours(sys.modules.get("gevent")):
        raise ImportError(
            f"gevent was imported before locust, from {sys.modules['gevent'].__file__}: with locust's native green threads it "
            "would crash the program. Import locust first: after that, 'import gevent' gives the gevent that belongs to it "
            "(see docs/differences.md)",
            name="gevent",
        )
    if not any(isinstance(finder, _Own) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Own())
