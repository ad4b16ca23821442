"""Users without HTTP, who spawn greenlets that do nothing and wait for them."""

import gevent
from bench_inside import counts

from locust import User, constant, task

GREENLETS = 1000  # at a time


def nothing():
    pass


class Parent(User):
    wait_time = constant(0)

    @task
    def spawn(self):
        gevent.joinall([gevent.spawn(nothing) for _ in range(GREENLETS)])
        counts["ticks"] += GREENLETS
