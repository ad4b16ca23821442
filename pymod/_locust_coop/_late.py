"""Something to be done as soon as a module is there: at once, or when it is imported.

importlib.abc would cost more than all the rest: finder and loader do without it.
"""

from __future__ import annotations

import sys

_pending: dict[str, list] = {}


class _LateLoader:
    """Loads a module as its own loader does, then does what is to be done."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        """As its own loader makes it."""
        return self.loader.create_module(spec)

    def exec_module(self, module):
        """Once it has been executed it looks as if we had never been here."""
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        for action in _pending.pop(module.__name__, ()):
            action(module)


class _LateFinder:
    """Finds the modules for which something is to be done, as all the others find them."""

    def find_spec(self, fullname, path=None, target=None):
        """None for all other modules."""
        if fullname not in _pending:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find and find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _LateLoader(spec.loader)
                return spec
        return None


_finder = _LateFinder()


def when_imported(name: str, action) -> None:
    """Calls action(module), now if it has been imported, else after that."""
    module = sys.modules.get(name)
    if module is not None:
        action(module)
        return
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _pending.setdefault(name, []).append(action)
