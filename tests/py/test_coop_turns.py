"""Whoever looks again and again whether something is ready, without waiting, lets those run who make it so."""

import asyncio
import select
import socket
import threading
import time

import pytest
from _locust import Greenlet, sleep

import locust  # noqa: F401


def taken(lock):
    """A lock that another one has, and gives free after a while."""

    def hold():
        with lock:
            sleep(0.001)

    Greenlet.spawn(hold)
    sleep(0)
    return lock


def lock_try():
    lock = taken(threading.Lock())
    return lambda: lock.acquire(False)


def lock_try_for_no_time():
    lock = taken(threading.Lock())
    return lambda: lock.acquire(timeout=0)


def rlock_try():
    lock = taken(threading.RLock())
    return lambda: lock.acquire(blocking=False)


def event_try():
    event = threading.Event()
    Greenlet.spawn(event.set)
    return lambda: event.wait(0)


def thread_try():
    thread = threading.Thread(target=sleep, args=(0.001,))
    thread.start()
    return lambda: thread.join(0) or not thread.is_alive()


def readable():
    reader, writer = socket.socketpair()
    Greenlet.spawn(lambda: (writer.send(b"x"), writer.close()))
    return reader


def select_try():
    reader = readable()
    return lambda: select.select([reader], [], [], 0)[0]


def poll_try():
    reader, poll = readable(), select.poll()
    poll.register(reader, select.POLLIN)
    return lambda: poll.poll(0)


def epoll_try():
    reader, epoll = readable(), select.epoll()
    epoll.register(reader, select.EPOLLIN)
    return lambda: epoll.poll(0) and (epoll.close() or reader)


TRIES = [lock_try, lock_try_for_no_time, rlock_try, event_try, thread_try, select_try, poll_try, epoll_try]


@pytest.mark.parametrize("make", TRIES)
def test_a_try_in_vain_lets_the_others_run(make):
    attempt = make()
    end = time.monotonic() + 10
    while not attempt():
        assert time.monotonic() < end


def test_an_event_loop_that_is_always_busy_lets_the_others_run():
    turns = []

    def other():
        while True:
            turns.append(1)
            sleep(0)

    async def busy():
        while len(turns) < 10:
            await asyncio.sleep(0)

    green = Greenlet.spawn(other)
    asyncio.run(asyncio.wait_for(busy(), 10))
    green.kill()


def test_a_try_that_succeeds_lets_nobody_run():
    ran = []
    Greenlet.spawn(ran.append, 1)
    lock, condition = threading.Lock(), threading.Condition(threading.Lock())
    assert lock.acquire(False)
    with condition:
        condition.notify()
    assert ran == []


def test_a_try_in_vain_in_a_callback_does_not_wait():
    from gevent import get_hub

    lock, results = threading.Lock(), []
    lock.acquire()
    get_hub().loop.run_callback(lambda: results.append((lock.acquire(False), select.select([], [], [], 0))))
    sleep(0.01)
    assert results == [(False, ([], [], []))]
