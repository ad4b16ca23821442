"""The events of Locust 0.x, and += and -=."""

import warnings

import pytest

from locust import legacy
from locust.event import EventHook, Events
from locust.exception import RescheduleTask


@pytest.fixture(autouse=True)
def told(monkeypatch):
    monkeypatch.setattr(legacy, "_told", set())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


@pytest.fixture
def events():
    return Events()


REQUEST = {"request_type": "GET", "name": "/x", "response_time": 12.5, "response_length": 7}
MODERN = {"context": {}, "response": object(), "start_time": 1.0, "url": "http://x"}


def fire(events, exception=None, **more):
    events.request.fire(**REQUEST, exception=exception, **MODERN, **more)


def test_requests_in_the_old_way(events):
    """Exactly the keyword arguments that 0.x documents."""
    seen = []

    def on_success(request_type, name, response_time, response_length):
        seen.append(("success", request_type, name, response_time, response_length))

    def on_failure(request_type, name, response_time, exception):
        seen.append(("failure", request_type, name, response_time, exception))

    events.request_success += on_success
    events.request_failure += on_failure
    error = ValueError()
    fire(events)
    fire(events, error)
    assert seen == [("success", "GET", "/x", 12.5, 7), ("failure", "GET", "/x", 12.5, error)]


def test_listeners_that_take_everything(events):
    seen = []
    events.request_success.add_listener(lambda **kwargs: seen.append(kwargs))
    events.request_failure.add_listener(lambda **kwargs: seen.append(kwargs))
    fire(events)
    fire(events, "error", tag="t")
    assert seen[0] == REQUEST
    del seen[0]
    failure = {**REQUEST, "exception": "error", "tag": "t"}
    del failure["response_length"]
    assert seen == [failure]


def test_what_a_listener_names_it_gets(events):
    seen = []

    def on_failure(request_type, name, response_time, response_length, exception, context, url=None):
        seen.append((response_length, exception, context, url))

    events.request_failure += on_failure
    fire(events, "error")
    assert seen == [(7, "error", {}, "http://x")]


def test_a_custom_client_reports_in_the_old_way(events):
    """What it fires is what modern listeners hear: the statistics are one of them."""
    seen, old = [], []
    events.request.add_listener(lambda **kwargs: seen.append(kwargs))
    events.request_success += lambda name, **kwargs: old.append(name)
    events.request_success.fire(request_type="xmlrpc", name="add", response_time=3, response_length=0)
    error = OSError()
    events.request_failure.fire(request_type="xmlrpc", name="sub", response_time=4, exception=error, tag="t")
    common = {"request_type": "xmlrpc", "response_length": 0, "context": {}}
    assert seen == [
        {**common, "name": "add", "response_time": 3, "exception": None},
        {**common, "name": "sub", "response_time": 4, "exception": error, "tag": "t"},
    ]
    assert old == ["add"]


def test_listeners_steer_the_user(events):
    def on_success(**kwargs):
        raise RescheduleTask

    events.request_success += on_success
    with pytest.raises(RescheduleTask):
        fire(events)


def test_nothing_is_added_before_somebody_listens(events):
    assert hasattr(events, "request_success")
    events.request_failure.fire(request_type="x", name="x", response_time=1, exception="x")
    assert events.request._handlers == []
    events.request_success += print
    assert len(events.request._handlers) == 1
    events.request_success += print
    assert len(events.request._handlers) == 1


def test_minus(events):
    seen = []
    events.request_success += seen.append
    events.request_success -= seen.append
    fire(events)
    with pytest.raises(ValueError):
        events.request_success -= seen.append
    events.quitting += seen.append
    events.quitting -= seen.append
    assert seen == [] and events.quitting._handlers == []


@pytest.mark.parametrize(
    "old, modern, fired, heard",
    [
        (
            "locust_error",
            "user_error",
            {"user_instance": 1, "exception": 2, "tb": 3},
            {"locust_instance": 1, "exception": 2, "tb": 3},
        ),
        ("hatch_complete", "spawning_complete", {"user_count": 4}, {"user_count": 4}),
        ("slave_report", "worker_report", {"client_id": 1, "data": {}}, {"client_id": 1, "data": {}}),
        ("report_to_master", "report_to_master", {"client_id": 1, "data": {}}, {"client_id": 1, "data": {}}),
    ],
)
def test_other_events(events, old, modern, fired, heard):
    seen = []
    hook = getattr(events, old)
    hook += lambda **kwargs: seen.append(kwargs)
    getattr(events, modern).fire(**fired)
    assert seen == [heard]
    hook.fire(**heard)
    assert seen == [heard] * 2


class Stub:
    """An environment with a runner."""

    def __init__(self, runner=None):
        self.runner = runner


def test_start_and_stop(events):
    seen = []
    for name in ("locust_start_hatching", "locust_stop_hatching", "master_start_hatching", "master_stop_hatching"):
        getattr(events, name).add_listener(lambda name=name: seen.append(name))
    events.test_start.fire(environment=Stub())
    events.test_stop.fire(environment=Stub())
    assert seen == ["locust_start_hatching", "locust_stop_hatching"]
    del seen[:]

    class MasterRunner:
        """Stands for the one of locust.runners."""

    master = type("Mine", (MasterRunner,), {})()
    events.test_start.fire(environment=Stub(master))
    events.test_stop.fire(environment=Stub(master))
    assert seen == ["master_start_hatching", "master_stop_hatching"]


def test_quitting_had_no_arguments(events):
    seen = []
    events.quitting += lambda: seen.append("none")
    events.quitting += lambda environment: seen.append(environment)
    events.quitting.add_listener(lambda environment: seen.append("modern"))
    events.quitting.fire(environment=1)
    assert seen == ["none", 1, "modern"]


def test_own_hooks(events):
    hook = EventHook()
    seen = []
    same = hook
    hook += lambda a: seen.append(a)
    assert same is hook
    hook.fire(a=1, b=2)
    assert seen == [1]


def test_events_of_others_are_their_own():
    first, second = Events(), Events()
    assert first.request_success is first.request_success is not second.request_success
    assert not hasattr(first, "nonsense") and not hasattr(first, "_private")
    with pytest.raises(AttributeError, match="'Events' object has no attribute 'nonsense'"):
        first.nonsense


def test_each_is_warned_of_once(events, told):
    events.request_success += print
    events.request_success += print
    events.hatch_complete.add_listener(print)
    assert [str(w.message) for w in told] == [
        "events.<event> += function is of Locust 0.x: write events.<event>.add_listener(function)",
        "events.request_success is of Locust 0.x: write events.request",
        "events.hatch_complete is of Locust 0.x: write events.spawning_complete",
    ]
    assert {w.filename for w in told} == {__file__}
