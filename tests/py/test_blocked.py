"""Who keeps all others waiting is warned of; and how to call what blocks without doing so."""

import ctypes
import logging
import os
import time

import pytest
from _locust import Greenlet, getcurrent, sleep
from gevent import events as gevent_events

from locust import User, task
from locust.env import Environment
from locust.util import threads

HELD, RELEASED = ctypes.PyDLL(None), ctypes.CDLL(None)


def burn(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


WAYS = {
    "a loop in Python": lambda: burn(0.5),
    "a C function that gives the GIL back": lambda: RELEASED.usleep(500_000),
    "a C function that keeps the GIL": lambda: HELD.usleep(500_000),
    "sleep": lambda: sleep(0.5),
    "run_in_thread": lambda: threads.run_in_thread(RELEASED.usleep, 500_000),
}
BLOCKING = list(WAYS)[:3]


@pytest.fixture
def limits(monkeypatch):
    monkeypatch.setattr(threads, "BLOCKED_AFTER", 0.1)
    monkeypatch.setattr(threads, "WARN_EVERY", 0.0)
    yield monkeypatch


def run_user(way):
    """Runs a user that does it once."""
    ended = []

    class Someone(User):
        @task
        def work(self):
            WAYS[way]()
            ended.append(1)
            sleep(1000)

    runner = Environment(user_classes=[Someone]).create_local_runner()
    runner.start(1, 1)
    while not ended:
        sleep(0.01)
    runner.quit()


@pytest.mark.parametrize("way", BLOCKING)
def test_who_keeps_the_processor_is_warned_of(limits, caplog, way):
    blocked = []
    limits.setattr(gevent_events, "subscribers", [blocked.append])
    run_user(way)
    end = time.monotonic() + 10
    while not blocked and time.monotonic() < end:
        sleep(0.01)     # the thread that reports it may not have done so yet
    warnings = [r for r in caplog.records if r.name == "locust.util.threads"]
    assert warnings and all(r.levelno == logging.WARNING for r in warnings)
    text = warnings[0].getMessage()
    assert "no other user could run" in text and "class Someone, task run_user.<locals>.Someone.work keeps" in text
    assert "in work\n" in text and text.count("test_blocked.py") >= 2
    assert 0.1 <= float(text.split()[1]) < 5
    assert len(warnings) <= 2, "it is told again when it has been ten times as long"
    assert isinstance(blocked[0].greenlet, Greenlet) and blocked[0].blocking_time >= 0.1


@pytest.mark.parametrize("way", ["sleep", "run_in_thread"])
def test_who_waits_is_not(limits, caplog, way):
    limits.setattr(threads, "BLOCKED_AFTER", 0.4)
    run_user(way)
    assert not [r for r in caplog.records if r.name == "locust.util.threads"]


def test_it_can_be_switched_off(limits, caplog):
    limits.setattr(threads, "BLOCKED_AFTER", 0)
    run_user(BLOCKING[0])
    assert not caplog.records or all(r.name != "locust.util.threads" for r in caplog.records)


def test_a_forked_child_watches_its_own_hub(limits):
    run_user("sleep")
    pid = os.fork()
    if pid == 0:
        blocked = []
        try:
            gevent_events.subscribers[:] = [blocked.append]
            run_user(BLOCKING[0])
            end = time.monotonic() + 10
            while not blocked and time.monotonic() < end:
                sleep(0.01)
        finally:
            os._exit(0 if blocked else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_warnings_are_not_many(limits, caplog):
    limits.setattr(threads, "WARN_EVERY", 1000.0)
    limits.setattr(threads, "_last_warning", time.monotonic() - 1000)
    for _ in range(3):
        threads.report_blocked(getcurrent(), "class A", None, 1.5)
    assert len(caplog.records) == 1
    limits.setattr(threads, "_last_warning", float("-inf"))
    threads.report_blocked(getcurrent(), "class A", None, 1.5)
    assert "(2 more since the last such warning)" in caplog.records[1].getMessage()


def test_threads_run_beside_the_users():
    ticks = []

    def tick():
        while True:
            sleep(0.005)
            ticks.append(1)

    ticker = Greenlet.spawn(tick)
    assert threads.run_in_thread(RELEASED.usleep, 100_000) == 0
    ticker.kill()
    assert len(ticks) > 5
    with pytest.raises(ZeroDivisionError):
        threads.run_in_thread(lambda: 1 / 0)


def test_a_pool_makes_no_more_threads_than_it_may():
    pool = threads.ThreadPool(2)
    results = [pool.spawn(RELEASED.usleep, 20_000) for _ in range(5)]
    assert pool.size <= 2 and pool.maxsize == 2
    assert pool.join() is True and all(r.ready() for r in results)
    assert len(pool) == 0 and not pool.full()
    assert pool.apply(lambda: pool.apply(lambda: 3)) == 3
    pool.kill()
    with pytest.raises(ValueError):
        threads.ThreadPool(0)


def test_who_waits_for_a_thread_can_be_killed():
    pool = threads.ThreadPool(1)
    waiting = Greenlet.spawn(pool.apply, RELEASED.usleep, (100_000,))
    sleep(0.01)
    waiting.kill(timeout=1)
    assert waiting.dead and pool.full()
    assert pool.apply(lambda: 4) == 4
    pool.kill()
