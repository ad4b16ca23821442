"""Importing locustfiles."""

import importlib.machinery
import importlib.util
import inspect
import os
import sys
from contextlib import contextmanager

from ..shape import LoadTestShape
from ..user.users import User


def is_user_class(item) -> bool:
    """Whether it is a class of users that can be run."""
    return inspect.isclass(item) and issubclass(item, User) and item.abstract is False


def is_shape_class(item) -> bool:
    """Whether it is a class of load shapes that can be run."""
    return inspect.isclass(item) and issubclass(item, LoadTestShape) and not item.abstract


@contextmanager
def _first_on_path(directory: str):
    """Puts a directory first on sys.path for a while; one that was there keeps its place."""
    index = sys.path.index(directory) if directory in sys.path else None
    if index is not None:
        del sys.path[index]
    sys.path.insert(0, directory)
    try:
        yield
    finally:
        if directory in sys.path:
            sys.path.remove(directory)
        if index is not None:
            sys.path.insert(index, directory)


def _module_name(path: str) -> str:
    name = os.path.splitext(os.path.basename(path))[0]
    return "locustfile" if name == "locust" else name


def load_locustfile(path: str) -> tuple[dict[str, type[User]], list]:
    """Imports a file: its user classes by variable name, and one instance of each load shape."""
    if sys.path[:1] != [os.getcwd()]:
        sys.path.insert(0, os.getcwd())
    name = _module_name(path)
    with _first_on_path(os.path.dirname(os.path.abspath(path))):
        loader = importlib.machinery.SourceFileLoader(name, path)
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loader.exec_module(module)
    found = vars(module)
    users = {name: value for name, value in found.items() if is_user_class(value)}
    shapes = [value() for value in found.values() if is_shape_class(value)]
    return users, shapes
