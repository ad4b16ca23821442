"""Test functions of pytest as users."""

# site
# args: -u 2 -r 100

import pytest  # noqa: F401
from traced import quit_when, trace, trace_logs

from locust import events
from locust.clients import HttpSession
from locust.exception import CatchResponseError

calls = {"hello": 0, "failing": 0}
trace_logs()
quit_when(lambda runner: min(calls.values()) >= 2)


def test_hello(session: HttpSession):
    calls["hello"] += 1
    if calls["hello"] <= 2:
        trace("test_hello", isinstance(session, HttpSession), session.base_url == session.user.host)
    session.get("/hello")


def test_failing(session):
    calls["failing"] += 1
    if calls["failing"] <= 2:
        trace("test_failing", "begins")
    with session.get("/hello", name="failed", catch_response=True) as response:
        if calls:
            raise CatchResponseError("not nice")
    trace("test_failing", response, "never")


def helper():
    """No test."""


@events.init.add_listener
def on_init(environment, **kwargs):
    for cls in environment.user_classes:
        trace("run", cls.__name__, cls.__mro__[1].__name__, len(cls.functions))
