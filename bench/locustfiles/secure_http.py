"""Users who ask for one page again and again, with certificates checked."""

from bench_inside import connected, verify

from locust import HttpUser, constant, task


class Asking(HttpUser):
    wait_time = constant(0)

    def on_start(self):
        self.client.verify = verify
        self.client.get("/")
        connected()

    @task
    def page(self):
        self.client.get("/")
