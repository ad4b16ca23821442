"""Users who ask for one page again and again, with certificates checked.

FastHttpUser takes the authorities from OpenSSL, so from SSL_CERT_FILE.
"""

from bench_inside import connected

from locust import FastHttpUser, constant, task


class Asking(FastHttpUser):
    wait_time = constant(0)
    insecure = False

    def on_start(self):
        self.client.get("/")
        connected()

    @task
    def page(self):
        self.client.get("/")
