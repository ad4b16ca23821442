"""A first load test: visitors of the demo shop, some of whom are logged in.

    locust --headless -f locustfile.py --host http://127.0.0.1:8000
"""

import random

from locust import HttpUser, between, tag, task


class Visitor(HttpUser):
    """Looks around."""

    weight = 3
    wait_time = between(0.5, 2)

    @task(3)
    def front_page(self):
        self.client.get("/")
        self.client.get("/hello")

    @task
    def world(self):
        self.client.get("/world")

    @task(2)
    def items(self):
        # A hundred addresses, one line in the statistics.
        for number in random.sample(range(1, 101), 3):
            self.client.get(f"/item?id={number}", name="/item?id=[id]")

    @tag("slow")
    @task
    def slow_page(self):
        self.client.get("/slow?ms=50", name="/slow")

    @task
    def missing_page(self):
        # Whether a reply is a success is yours to say: this one should be 404.
        with self.client.get("/no-such-page", catch_response=True) as response:
            if response.status_code == 404:
                response.success()
            else:
                response.failure(f"expected 404, got {response.status_code}")


class Customer(HttpUser):
    """Logs in first, then works with the account and the API."""

    wait_time = between(1, 2)

    def on_start(self):
        self.name = f"customer-{random.randrange(10000)}"
        self.client.post("/login", data={"username": self.name, "password": "secret"})

    @task(2)
    def account(self):
        with self.client.get("/me", catch_response=True) as response:
            if self.name not in response.text:
                response.failure("this is not my account")

    @tag("api")
    @task
    def list_items(self):
        with self.client.get("/api/items", catch_response=True) as response:
            if len(response.json()["items"]) != 3:
                response.failure("an item is missing")

    @tag("api")
    @task
    def add_item(self):
        item = {"name": "cherry", "price": random.randrange(1, 100)}
        with self.client.post("/api/items", json=item, catch_response=True) as response:
            if response.json() != item:
                response.failure("the item came back changed")
