"""Fixtures for test functions that run under pytest and, with ``locust -f``, as users.

Under Locust the fixture functions get the user. Under pytest they get nothing: requests are made to
--host and reported to nobody. locust is imported only when a fixture is used.
"""

import pytest

_config = None


class NoOpEvent:
    """A request event that nobody listens to."""

    def fire(self, *, reverse=False, **kwargs):
        """Does nothing."""


def pytest_configure(config):
    """Remembers the options: the fixtures cannot ask for them, as Locust calls them as well."""
    global _config
    _config = config


def _arguments(user) -> dict:
    if user is None:
        return {"base_url": _config.getoption("--host"), "request_event": NoOpEvent(), "user": None}
    return {
        "base_url": user.host,
        "request_event": user.environment.events.request,
        "user": user,
    }


@pytest.fixture
def session(user=None):
    """An HttpSession."""
    from locust.clients import HttpSession

    with HttpSession(**_arguments(user)) as client:
        yield client


@pytest.fixture
def fastsession(user=None):
    """A FastHttpSession."""
    from locust.contrib.fasthttp import FastHttpSession

    yield FastHttpSession(**_arguments(user))


def pytest_addoption(parser):
    """Adds --host, unless another plugin has it."""
    try:
        parser.addoption("--host", "-H", action="store", default=None, help="host to load test")
    except ValueError as error:
        if "already added" not in str(error):
            raise
