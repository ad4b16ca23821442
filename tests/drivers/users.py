"""Tens of users of one service."""

import time

from _locust import Greenlet

USERS = 30


def all_at_once(function, users=USERS, wait=0):
    """Runs function(n) in so many green threads; their results.

    wait: so many seconds each of them has to wait for the server. They must not do so one after the other.
    """
    began = time.monotonic()
    threads = [Greenlet.spawn(function, n) for n in range(users)]
    results = [thread.get() for thread in threads]
    took = time.monotonic() - began
    if wait:
        assert wait * 0.9 <= took < wait * users * 0.9, f"{took} s: they have waited one after the other"
    return results
