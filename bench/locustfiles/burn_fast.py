"""Users who compute for a while after each reply (see bench_burn.py)."""

import bench_inside  # noqa: F401  (it listens)
from bench_burn import burn, pause, rounds

from locust import FastHttpUser, between, constant, task


class Burning(FastHttpUser):
    wait_time = between(0, pause) if pause else constant(0)

    @task
    def page(self):
        self.client.get("/")
        burn(rounds)
