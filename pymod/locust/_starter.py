"""--init: a locustfile to begin with."""

from __future__ import annotations

import sys
from typing import NoReturn

from ._output import asked_for

FILENAME = "locustfile.py"

STARTER = '''\
"""A load test: what the users of a website do. Run it with

    locust --headless -u 10 -r 2 -t 1m -H http://localhost:8000
"""

from locust import HttpUser, between, task


class Visitor(HttpUser):
    """One of the simulated users: an object of its own, with its own connections and cookies."""

    # Where requests go to, unless -H names another place:
    # host = "http://localhost:8000"

    # Seconds between two tasks, chosen at random each time.
    wait_time = between(1, 3)

    def on_start(self):
        """What a user does first, such as logging in."""
        # self.client.post("/login", json={"name": "visitor", "password": "..."})

    # Tasks are chosen at random, this one three times as often as the other.
    @task(3)
    def front_page(self):
        self.client.get("/")

    @task
    def item(self):
        # Without a name, each address has a row of its own in the statistics.
        self.client.get("/item?id=1", name="/item?id=[id]")

        # Say yourself what is a failure:
        # with self.client.get("/item?id=2", catch_response=True) as response:
        #     if response.json()["stock"] == 0:
        #         response.failure("sold out")
'''


def write_starter() -> NoReturn:
    """Writes locustfile.py, unless there is one, and ends the program."""
    try:
        with open(FILENAME, "x", encoding="utf-8") as file:
            file.write(STARTER)
    except FileExistsError:
        sys.stderr.write(f"{FILENAME} is there already, and is left as it is\n")
        sys.exit(1)
    except OSError as e:
        sys.stderr.write(f"{FILENAME} could not be written: {e.strerror}\n")
        sys.exit(1)
    with asked_for():
        print(f"{FILENAME} has been written. Try:")
        print("locust --headless -u 1 -t 10s -H http://localhost:8000")
    sys.exit(0)
