"""sys.exit() and KeyboardInterrupt that users and listeners raise: as in Locust."""

import os
import signal

import pytest

TEXT = """
import sys
from locust import User, constant, events, task

class A(User):
    wait_time = constant(0.1)

    def on_start(self):
        {on_start}

    def on_stop(self):
        {on_stop}

    @task
    def t(self):
        {task}

@events.{event}.add_listener
def listener(**kwargs):
    {listener}

@events.quit.add_listener
def quit(exit_code, **kwargs):
    print("quit", exit_code)
"""


def locustfile(place, statement):
    parts = dict.fromkeys(["on_start", "on_stop", "task", "listener"], "pass")
    parts["event"] = "request"
    if place in parts:
        parts[place] = statement
    else:
        parts.update(event=place, listener=statement)
    if place == "user_error":
        parts["task"] = "1/0"
    return TEXT.format(**parts)


EVENTS = ["init", "test_start", "spawning_complete", "user_error", "test_stopping", "test_stop", "quitting", "quit"]


def run_with(run, place, statement):
    return run("--headless", "-t", "1", "--only-summary", locustfile=locustfile(place, statement))


@pytest.mark.parametrize("place", ["on_start", "task", "on_stop", *EVENTS])
def test_sys_exit_ends_it_at_once(run, place):
    if place == "on_stop" and os.environ.get("LOCUST_SANITIZERS"):
        pytest.skip("CPython forgets frames that are parked when it ends: a leak that is not ours")
    r = run_with(run, place, "sys.exit(3)")
    assert r.code == 3 and r.took() < 10, r
    assert r.out == ""
    if place in ("on_start", "task", "on_stop"):
        assert "    sys.exit(3)\n" in r.err and "\nSystemExit: 3\n" in r.err and "failed with SystemExit" in r.err
    if place in ("test_start", "spawning_complete", "test_stopping", "test_stop"):
        assert "sys.exit(3) called (use log level DEBUG for callstack)" in r.messages()


@pytest.mark.parametrize("code, text", [("'in short'", "in short"), ("0", None), ("", None), ("[1]", "[1]")])
@pytest.mark.parametrize("place", ["task", "test_start"])
def test_the_argument_of_sys_exit(run, place, code, text):
    r = run_with(run, place, f"sys.exit({code})")
    assert r.code == (1 if text else 0), r
    assert text is None or text in r.err.splitlines()


@pytest.mark.parametrize("place", ["on_start", "task", "on_stop", "test_start", "spawning_complete", "user_error", "test_stop"])
def test_keyboard_interrupt_is_an_orderly_end(run, place):
    r = run_with(run, place, "raise KeyboardInterrupt")
    assert r.code == 0 and r.out == "quit 0\n" and r.took() < 10, r
    assert "Aggregated" in r.err and "CRITICAL" not in r.err
    if place == "task":
        assert "    raise KeyboardInterrupt\n" in r.err


@pytest.mark.parametrize("place", ["init", "quitting", "test_stopping"])
def test_keyboard_interrupt_where_nothing_can_be_ended(run, place):
    r = run_with(run, place, "raise KeyboardInterrupt")
    assert r.code == -signal.SIGINT and r.took() < 10, r


SHAPE = """
from locust import LoadTestShape

class Shape(LoadTestShape):
    def tick(self):
        return (1, 1) if self.get_run_time() < 1 else None
"""


@pytest.mark.parametrize(
    "event, exception, ended_by, code",
    [
        ("test_stopping", "StopTest", "limit", 0),
        ("test_stop", "StopTest", "limit", 0),
        ("test_stop", "StopUser", "limit", 2),
        ("test_stopping", "StopTest", "shape", 0),
        ("test_stopping", "StopUser", "shape", 2),
    ],
)
def test_a_listener_that_cuts_the_end_short(run, event, exception, ended_by, code):
    text = f"from locust.exception import {exception}\n" + locustfile(event, f"raise {exception}('enough')")
    if ended_by == "shape":
        r = run("--headless", "--only-summary", locustfile=text + SHAPE)
    else:
        r = run("--headless", "--only-summary", "-t", "1", locustfile=text)
    assert r.code == code and r.out == f"quit {code}\n" and r.took() < 10, r
    assert "enough" in r.err and "Aggregated" in r.err


@pytest.mark.parametrize("event", ["test_stopping", "test_stop"])
@pytest.mark.parametrize("what", ["stop", "quit"])
def test_a_listener_of_the_end_asks_for_it_again(run, event, what):
    r = run_with(run, event, f"kwargs['environment'].runner.{what}(); print('back')")
    assert r.code == 0 and r.out == "back\nquit 0\n" and r.took() < 10, r
