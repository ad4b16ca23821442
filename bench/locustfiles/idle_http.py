"""Users who ask once, keep their connection and wait BENCH_WAIT seconds."""

import os

from bench_inside import verify

from locust import HttpUser, constant, task


class Idle(HttpUser):
    wait_time = constant(float(os.environ.get("BENCH_WAIT", "3600")))

    def on_start(self):
        if verify is not None:
            self.client.verify = verify

    @task
    def page(self):
        self.client.get("/")
