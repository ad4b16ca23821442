"""Users without HTTP, who mostly wait."""

from bench_inside import counts

from locust import User, between, task


class Ticking(User):
    wait_time = between(1, 5)

    def on_start(self):
        counts["started"] += 1

    @task
    def tick(self):
        counts["ticks"] += 1

    def on_stop(self):
        counts["stopped"] += 1
