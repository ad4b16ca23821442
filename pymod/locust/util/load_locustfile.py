"""Importing locustfiles."""

import importlib.machinery
import importlib.util
import inspect
import os
import sys
from contextlib import contextmanager

from ..shape import LoadTestShape
from ..user.users import PytestUser, User

PYTEST_PLUGIN = "pytest_locust.plugin"


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


def load_locustfile_pytest(path: str) -> dict[str, type[User]]:
    """Collects the tests of a file with pytest: for each name of a function one class of users.

    What a test function takes must be fixtures that take nothing, or the user.
    """
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{path} has no User class. To run its test functions as users pytest is needed, which "
            "is not installed: install python3-pytest, or pip install pytest",
            name=error.name,
        ) from error
    session = _collect_tests(pytest, path)
    user_classes: dict[str, type[User]] = {}
    for function in session.items:
        if not isinstance(function, pytest.Function):
            continue
        function.fixturedefs = [
            _find_fixture(session, function, name) for name in inspect.signature(function.obj).parameters
        ]
        if function.fixturedefs:
            function.fixturedef = function.fixturedefs[-1]
        if function.name not in user_classes:
            user_classes[function.name] = type(function.name, (PytestUser,), {"functions": []})
        user_classes[function.name].functions.append(function)
    return user_classes


def _collect_tests(pytest, path: str):
    """A session of pytest that has collected the tests of one file, and will not run them."""
    arguments = ["-q", "-s", path]  # pytest is not to print, and the terminal stays as it is
    if not _is_installed_plugin(PYTEST_PLUGIN):
        arguments[:0] = ["-p", PYTEST_PLUGIN]
    config = pytest.Config.fromdictargs({}, arguments)
    config._do_configure()
    session = pytest.Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    session.perform_collect()
    config.hook.pytest_collection_modifyitems(session=session, config=config, items=session.items)
    return session


def _is_installed_plugin(module: str) -> bool:
    """Whether pytest finds it by itself, and would not have it twice."""
    from importlib.metadata import entry_points

    return any(plugin.value == module for plugin in entry_points(group="pytest11"))


def _find_fixture(session, function, name: str):
    manager = session._fixturemanager
    if "node" in inspect.signature(manager.getfixturedefs).parameters:
        definitions = manager.getfixturedefs(name, function)
    else:
        definitions = manager.getfixturedefs(name, function.nodeid)
    if not definitions:
        raise ValueError(f"Could not find fixture for parameter {name!r} in {function.name}")
    if len(definitions) > 1:
        raise ValueError(f"Multiple fixtures found for parameter {name!r} in {function.name}: {definitions}")
    return definitions[0]
