"""Users who ask for one page again and again, with certificates checked.

FastHttpUser takes the authorities from OpenSSL, so from SSL_CERT_FILE.
"""

import bench_inside  # noqa: F401  (it listens)

from locust import FastHttpUser, constant, task


class Asking(FastHttpUser):
    wait_time = constant(0)
    insecure = False

    @task
    def page(self):
        self.client.get("/")
