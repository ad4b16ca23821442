"""Event hooks: order, exceptions, the list of handlers, measure(), the built-in events."""

import logging
import sys
import time

import pytest
from _locust import Greenlet, GreenletExit
from fake import log_module, messages  # noqa: F401

from locust.event import DeprecatedEventHook, EventHook, Events
from locust.exception import (
    InterruptTaskSet,
    LocustError,
    RescheduleTask,
    RescheduleTaskImmediately,
    ResponseError,
    StopTest,
    StopUser,
)


class Timeout(BaseException):
    """One that except Exception does not catch."""


def recorder(calls, name):
    def handler(**kwargs):
        calls.append((name, kwargs))

    return handler


def test_handlers_are_called_in_order_with_the_keywords():
    calls, hook = [], EventHook()
    for name in "abc":
        hook.add_listener(recorder(calls, name))
    assert hook.fire(x=1, y="two") is None
    assert calls == [(name, {"x": 1, "y": "two"}) for name in "abc"]


def test_reverse_is_consumed():
    calls, hook = [], EventHook()
    for name in "abc":
        hook.add_listener(recorder(calls, name))
    hook.fire(first=1, reverse=True, last=2)
    assert calls == [(name, {"first": 1, "last": 2}) for name in "cba"]
    calls.clear()
    hook.fire(reverse=False)
    assert [name for name, _ in calls] == ["a", "b", "c"]


def test_positional_arguments_are_refused():
    with pytest.raises(TypeError):
        EventHook().fire(1)
    with pytest.raises(TypeError):
        EventHook(1)


def test_a_listener_can_be_added_twice_and_is_removed_once():
    calls, hook = [], EventHook()
    handler = recorder(calls, "a")
    assert hook.add_listener(handler) is handler
    hook.add_listener(handler)
    hook.fire()
    assert len(calls) == 2
    hook.remove_listener(handler)
    hook.fire()
    assert len(calls) == 3
    hook.remove_listener(handler)
    with pytest.raises(ValueError):
        hook.remove_listener(handler)


def test_the_list_of_handlers_belongs_to_the_user():
    calls, hook = [], EventHook()
    assert hook._handlers == []
    hook._handlers.append(recorder(calls, "a"))
    hook.fire()
    hook._handlers = (recorder(calls, "b"),)
    hook.fire()
    hook._handlers = []
    hook.fire()
    assert [name for name, _ in calls] == ["a", "b"]
    del hook._handlers
    for use in (hook.fire, lambda: hook.add_listener(print), lambda: hook.remove_listener(print)):
        with pytest.raises(AttributeError):
            use()


def test_handlers_added_while_firing_run_in_the_same_firing():
    calls, hook = [], EventHook()

    @hook.add_listener
    def first(**kwargs):
        hook.add_listener(recorder(calls, "late"))

    hook.fire()
    assert [name for name, _ in calls] == ["late"]
    hook.fire(reverse=True)
    assert [name for name, _ in calls] == ["late", "late"]


def test_a_handler_may_remove_itself():
    calls, hook = [], EventHook()

    @hook.add_listener
    def once(**kwargs):
        hook.remove_listener(once)
        calls.append("once")

    hook.add_listener(recorder(calls, "skipped as by any list iterator"))
    hook.fire()
    assert calls == ["once"]


@pytest.mark.parametrize(
    "exception",
    [StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet, GreenletExit, Timeout],
)
def test_what_steers_users_ends_the_firing(exception, log_module):
    calls, hook = [], EventHook()

    @hook.add_listener
    def raises(**kwargs):
        raise exception()

    hook.add_listener(recorder(calls, "never"))
    with pytest.raises(exception):
        hook.fire()
    assert calls == []
    assert not log_module.unhandled_greenlet_exception


@pytest.mark.parametrize("exception", [ValueError, LocustError, ResponseError, MemoryError])
def test_other_exceptions_are_logged_and_remembered(exception, log_module, caplog):
    calls, hook = [], EventHook()

    @hook.add_listener
    def raises(**kwargs):
        raise exception("100 % broken")

    hook.add_listener(recorder(calls, "after"))
    hook.fire()
    assert [name for name, _ in calls] == ["after"]
    assert log_module.unhandled_greenlet_exception is True
    (message,) = messages(caplog, "root")
    assert message.startswith("Uncaught exception in event handler: \nTraceback (most recent call last):\n")
    assert message.endswith("100 % broken\n") and "in raises" in message


def test_no_exception_is_left_handled(log_module):
    hook = EventHook()
    hook.add_listener(lambda **kwargs: 1 / 0)
    hook.fire()
    assert sys.exc_info() == (None, None, None)


def test_hooks_can_be_subclassed():
    class Loud(EventHook):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def fire(self, *, reverse=False, **kwargs):
            super().fire(reverse=reverse, loud=self.name, **kwargs)

    calls, hook = [], Loud("x")
    hook.add_listener(recorder(calls, "a"))
    hook.fire(y=2)
    assert calls == [("a", {"loud": "x", "y": 2})]


def test_deprecated_hook_warns(caplog):
    hook = DeprecatedEventHook("use another one")
    assert hook.add_listener(print) is print
    assert messages(caplog, "root", logging.WARNING) == ["use another one"]
    assert hook._handlers == [print]


def measured(hook):
    calls = []
    hook.add_listener(lambda **kwargs: calls.append(kwargs))
    return calls


def test_measure_fires_the_dict():
    hook = EventHook()
    calls = measured(hook)
    before = time.time()
    with hook.measure("GET", "/x", response_length=3, context={"a": 1}) as meta:
        meta["extra"] = "more"
        meta["response_time"] = -1
        time.sleep(0.01)
    (kwargs,) = calls
    assert before <= kwargs.pop("start_time") <= time.time()
    assert 10 <= kwargs.pop("response_time") < 1000
    assert kwargs == {
        "request_type": "GET",
        "name": "/x",
        "response_length": 3,
        "context": {"a": 1},
        "exception": None,
        "extra": "more",
    }


def test_measure_has_defaults():
    hook = EventHook()
    calls = measured(hook)
    with hook.measure("GET", "/x", context=None) as meta:
        pass
    assert (calls[0]["response_length"], calls[0]["context"], meta["context"]) == (0, {}, {})
    with pytest.raises(TypeError):
        hook.measure("GET")


@pytest.mark.parametrize("exception", [ValueError, RescheduleTask, StopUser])
def test_measure_swallows_exceptions(exception):
    hook = EventHook()
    calls = measured(hook)
    error = exception("x")
    with hook.measure("GET", "/x"):
        raise error
    assert calls[0]["exception"] is error


def test_measure_decorates_functions():
    hook = EventHook()
    calls = measured(hook)

    class Mine:
        @hook.measure("GET", name="/x", response_length=7)
        def twice(self, number, fail=False):
            """Doubles."""
            return 1 / 0 if fail else (self, 2 * number)

    mine = Mine()
    assert mine.twice(2) == (mine, 4) and mine.twice(number=3) == (mine, 6) and mine.twice(4, fail=True) is None
    assert Mine.twice.__name__ == "twice" and Mine.twice.__doc__ == "Doubles."
    assert [type(call.pop("exception")) for call in calls] == [type(None), type(None), ZeroDivisionError]
    assert all(0 <= call.pop("response_time") < 1000 and call.pop("start_time") for call in calls)
    assert calls == [{"request_type": "GET", "name": "/x", "response_length": 7, "context": {}}] * 3
    assert calls[0]["context"] is not calls[1]["context"]
    with pytest.raises(TypeError):
        hook.measure("GET", "/x")()


def test_measure_measures_one_block():
    hook = EventHook()
    calls = measured(hook)
    once = hook.measure("GET", "/x")
    with once:
        pass
    with pytest.raises(RuntimeError, match="call measure"), once:
        calls.clear()
    assert len(calls) == 1


def test_measure_reports_a_timeout_and_lets_it_pass():
    hook = EventHook()
    calls = measured(hook)
    with pytest.raises(Timeout), hook.measure("GET", "/x"):
        raise Timeout
    assert isinstance(calls[0]["exception"], Timeout)


def test_measure_does_not_report_a_killed_request():
    hook = EventHook()
    calls = measured(hook)

    def body():
        with hook.measure("GET", "/x"):
            raise GreenletExit

    g = Greenlet.spawn(body)
    g.join()
    assert isinstance(g.value, GreenletExit) and calls == []


def test_measure_uses_an_overridden_fire():
    calls = []

    class Custom(EventHook):
        def fire(self, **kwargs):
            calls.append(kwargs)

    with Custom().measure("GET", "/x"):
        pass
    assert calls[0]["name"] == "/x"


NAMES = """request user_error report_to_master worker_report worker_connect spawning_complete quitting quit init
    init_command_line_parser test_start test_stopping test_stop reset_stats cpu_warning heartbeat_sent
    heartbeat_received usage_monitor""".split()


def test_events_has_all_hooks_of_its_own():
    events, others = Events(), Events()
    assert list(vars(events)) == NAMES
    for name in NAMES:
        hook = getattr(events, name)
        assert type(hook) is EventHook and hook is not getattr(others, name)


def test_subclasses_of_events_add_hooks():
    class Mine(Events):
        by_annotation: EventHook
        by_name: "EventHook"
        by_value = "EventHook"
        other: int = 3

    events = Mine()
    for name in NAMES + ["by_annotation", "by_name", "by_value"]:
        assert type(getattr(events, name)) is EventHook
    assert events.other == 3
