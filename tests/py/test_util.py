"""locust.util: remembering results, trying again, durations as text."""

import logging

import pytest

from locust.util import cache, exception_handler
from locust.util.cache import memoize
from locust.util.date import format_duration, format_safe_timestamp, format_utc_timestamp
from locust.util.exception_handler import retry


class Clock:
    """A clock that moves when it is told to."""

    now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(cache, "time", clock)
    monkeypatch.setattr(exception_handler.time, "sleep", clock.sleep)
    return clock


def test_a_result_is_kept_for_a_while(clock):
    calls = []

    @memoize(timeout=2)
    def function(*args, **kwargs):
        """Its text."""
        calls.append((args, kwargs))
        return len(calls)

    assert [function(1), function(2, x=3)] == [1, 1] and calls == [((1,), {})]
    clock.now += 2
    assert function() == 1
    clock.now += 0.1
    assert function() == 2
    assert (function.__name__, function.__doc__) == ("function", "Its text.")


def test_forgetting(clock):
    calls = []

    @memoize(timeout=100)
    def function():
        calls.append(1)
        return len(calls)

    function.clear_cache()
    assert function() == 1
    function.clear_cache()
    assert function() == 2


def test_a_failure_is_not_kept(clock):
    @memoize(timeout=100)
    def function():
        raise KeyError("again and again")

    for _ in range(2):
        with pytest.raises(KeyError):
            function()


@pytest.mark.parametrize("dynamic, again", [(True, 1), (False, 2)])
def test_a_slow_function_may_be_kept_longer(clock, dynamic, again):
    calls = []

    @memoize(timeout=2, dynamic_timeout=dynamic)
    def function():
        clock.now += 3
        calls.append(1)
        return len(calls)

    assert function() == 1
    clock.now += 3.5
    assert function() == again


def test_two_functions_have_two_results(clock):
    decorator = memoize(timeout=100)
    one, two = decorator(lambda: 1), decorator(lambda: 2)
    assert (one(), two(), one()) == (1, 2, 1)


def failing(times, error=ValueError, **kwargs):
    """A function that fails so often, and the list of its calls."""
    calls = []

    @retry(**kwargs)
    def function(*args, **keywords):
        calls.append((args, keywords))
        if len(calls) <= times:
            raise error(f"attempt {len(calls)}")
        return "done"

    return function, calls


def test_trying_again(clock, caplog):
    caplog.set_level(logging.INFO)
    function, calls = failing(3)
    assert function(1, a=2) == "done"
    assert calls == [((1,), {"a": 2})] * 4
    assert clock.now == 1000 + 1 + 3 + 5
    assert len([r for r in caplog.records if r.exc_info]) == 3


def test_giving_up(clock, caplog):
    caplog.set_level(logging.INFO)
    function, calls = failing(100, delays=(0.5, 2))
    with pytest.raises(ValueError, match="attempt 3"):
        function()
    assert len(calls) == 3 and clock.now == 1002.5
    assert "3 attempts" in caplog.records[-1].getMessage()


def test_other_exceptions_are_not_for_it(clock):
    function, calls = failing(1, KeyError, exception=(ValueError, OSError))
    with pytest.raises(KeyError):
        function()
    assert len(calls) == 1


def test_no_delays(clock):
    function, calls = failing(1, delays=())
    with pytest.raises(ValueError):
        function()
    assert len(calls) == 1


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (61, "1 minute and 1 second"),
        (3600, "1 hour"),
        (7322, "2 hours, 2 minutes and 2 seconds"),
        (86400, "1 day"),
        (93603, "1 day, 2 hours and 3 seconds"),
        (31536000, "365 days"),
        (-5, "0 seconds"),
    ],
)
def test_durations(seconds, text):
    assert format_duration(1700000000.25, 1700000000.25 + seconds) == text
    assert format_duration(start_time=0, end_time=0) == "0 seconds"


def test_times():
    assert format_utc_timestamp(0.9) == "1970-01-01T00:00:00Z"
    assert format_utc_timestamp(1700000000) == "2023-11-14T22:13:20Z"
    assert len(format_safe_timestamp(1700000000)) == len("2023-11-14-22h13")
