"""Users without HTTP, who do nothing and never wait: what a task costs by itself."""

from bench_inside import counts

from locust import User, constant, task


class Busy(User):
    wait_time = constant(0)

    @task
    def one(self):
        counts["ticks"] += 1

    @task
    def other(self):
        counts["ticks"] += 1
