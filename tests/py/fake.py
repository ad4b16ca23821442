"""Stand-ins for what users need around them, and short ways to run them."""

import logging
import sys
import types

import pytest
from _locust import Group

from locust.event import Events


class Environment:
    """As much of an environment as users and task sets look at."""

    def __init__(self, catch_exceptions=True):
        self.events = Events()
        self.catch_exceptions = catch_exceptions
        self.runner = None


def run(user_class, seconds=5, environment=None):
    """Runs one user to its end, and returns it."""
    group = Group()
    user = user_class(environment or Environment())
    user.start(group)
    if not group.join(timeout=seconds):
        group.kill()
        pytest.fail(f"{user_class.__name__} did not end within {seconds} s")
    return user


@pytest.fixture
def log_module(monkeypatch):
    """locust.log, as event hooks see it."""
    module = types.ModuleType("locust.log")
    module.unhandled_greenlet_exception = False
    monkeypatch.setitem(sys.modules, "locust.log", module)
    return module


def messages(caplog, logger, level=logging.ERROR):
    """What was logged there."""
    return [r.getMessage() for r in caplog.records if r.name == logger and r.levelno == level]
