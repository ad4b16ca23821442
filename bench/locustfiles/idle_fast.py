"""Users who ask once, keep their connection and wait BENCH_WAIT seconds."""

import os

from bench_inside import verify

from locust import FastHttpUser, constant, task


class Idle(FastHttpUser):
    wait_time = constant(float(os.environ.get("BENCH_WAIT", "3600")))
    insecure = not verify

    @task
    def page(self):
        self.client.get("/")
