"""Modules that are those of the standard library, patched: whoever imports gevent.socket wants socket to be cooperative."""

from __future__ import annotations

import importlib

import _locust_coop


def take_over(namespace: dict, name: str, *parts: str) -> None:
    """Patches the parts, and puts all names of a module of the standard library into a namespace, where they are not yet.

    Names that come later are found as well.
    """
    _locust_coop.patch_parts(parts)
    module = importlib.import_module(name)
    own = {key for key in namespace if not key.startswith("__")}
    namespace.update({key: value for key, value in vars(module).items() if not key.startswith("__") and key not in own})
    if "__all__" in vars(module):
        namespace["__all__"] = list(module.__all__)
    namespace["__getattr__"] = lambda key: getattr(module, key)
