"""Users without HTTP, who do nothing but give way."""

import gevent
from bench_inside import counts

from locust import User, constant, task

ROUNDS = 1000  # per task: what the task itself costs is measured elsewhere


class Polite(User):
    wait_time = constant(0)

    @task
    def give_way(self):
        for _ in range(ROUNDS):
            gevent.sleep(0)
        counts["ticks"] += ROUNDS
