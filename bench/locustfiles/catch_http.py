"""Users who ask for one page again and again, and say themselves that it is good."""

import bench_inside  # noqa: F401  (it listens)

from locust import HttpUser, constant, task


class Asking(HttpUser):
    wait_time = constant(0)

    @task
    def page(self):
        with self.client.get("/", catch_response=True) as response:
            response.success()
