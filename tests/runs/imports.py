"""What a file may import and monkeypatch, in the manner of files of all ages."""

# args: -u 1

import time

from traced import quit_when_idle, trace

import locust.stats
from locust import HttpUser, TaskSet, User, between, constant, events, task, wait_time  # noqa: F401
from locust.clients import HttpSession  # noqa: F401
from locust.contrib.csv_request_logger import CsvRequestLogger  # noqa: F401
from locust.dispatch import UsersDispatcher  # noqa: F401
from locust.env import Environment  # noqa: F401
from locust.event import EventHook, Events  # noqa: F401
from locust.exception import LocustError, ResponseError, StopUser  # noqa: F401
from locust.log import setup_logging  # noqa: F401
from locust.runners import STATE_CLEANUP, STATE_RUNNING, STATE_STOPPED, STATE_STOPPING  # noqa: F401
from locust.stats import RequestStats, stats_history, stats_printer  # noqa: F401
from locust.user.task import DefaultTaskSet  # noqa: F401
from locust.util.cache import memoize
from locust.util.date import format_duration
from locust.util.exception_handler import retry
from locust.util.rounding import proper_round
from locust.util.timespan import parse_timespan

locust.stats.CONSOLE_STATS_INTERVAL_SEC = 1000
locust.stats.PERCENTILES_TO_REPORT = [0.5, 0.95]
locust.stats.bucket_response_time = lambda ms: 42
quit_when_idle()
calls = []


@memoize(timeout=100)
def cached(value):
    calls.append(value)
    return value


@memoize(timeout=-1, dynamic_timeout=True)
def never_cached(value):
    return value


@retry(delays=(0, 0), exception=(KeyError, ValueError))
def tried(error, times):
    calls.append(error)
    if len(calls) < times:
        raise error("again")
    return len(calls)


class Someone(User):
    wait_time = between(0, 0)

    @task
    def work(self):
        trace(self, cached(1), cached(2), calls, never_cached(3), never_cached(4))
        cached.clear_cache()
        trace(self, cached(5), cached(6), calls, cached.__name__)
        calls.clear()
        trace(self, tried(KeyError, 3))
        for error, times in ((ValueError, 100), (TypeError, 100)):
            calls.clear()
            try:
                tried(error, times)
            except error:
                trace(self, error.__name__, len(calls))
        trace(self, proper_round(2.5), proper_round(-0.5), proper_round(1.005, 2), parse_timespan("1h20m"))
        trace(self, [format_duration(0, s) for s in (0, 0.9, 1, 60, 61, 3600, 3661, 86400, 90061, 172859)])
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=1, exception=None, context={}
        )
        entry = self.environment.stats.get("x", "X")
        trace(self, dict(entry.response_times), entry.max_response_time, entry.median_response_time)
        began = time.time()
        time.sleep(-1)
        time.sleep(0.01)
        trace(self, 0.009 < time.time() - began < 1)
        raise StopUser
