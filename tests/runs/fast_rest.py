"""FastHttpUser.rest(): failures by what a block finds, an own rest(), the texts that say where."""

# site
# args: -u 1

import re
from contextlib import contextmanager

from traced import quit_when_idle, trace

from locust import FastHttpUser, constant, events, task
from locust.exception import RescheduleTask, StopUser

quit_when_idle()


@events.request.add_listener
def on_request(request_type, name, exception, response, **kwargs):
    text = re.sub(r"at \S*?([^/ ]+\.py):\d+ in rest, ", "at ", str(exception))
    text = re.sub(r"\S*/(\S+\.py):\d+", r"\1", text)
    trace("run", request_type, re.sub(r"_=\d+", "_=TIME", name), response.status_code, text.replace("\n", "|"))


class Checked(FastHttpUser):
    """Replies must have a list of items."""

    abstract = True

    @contextmanager
    def rest(self, method, url, **kwargs):
        extra = {"my_header": "value"}
        with super().rest(method, url, headers=extra, **kwargs) as response:
            response.extra = "checked"
            yield response
            if response.js is not None and "error" in response.js:
                response.failure("has an error")


class Visitor(Checked):
    wait_time = constant(0)

    @task
    def visit(self):
        with self.rest("GET", "/api/items") as response:
            trace(self, response.extra, sorted(response.js), response.headers["content-type"])
        with self.rest("POST", "/api/items", json={"error": 1}) as response:
            trace(self, response.js)
        with self.rest("GET", "/hello") as response:
            trace(self, response.js, len(response.text))
        with self.rest("GET", "/error") as response:
            trace(self, response.js, type(response.error).__name__)
        with self.rest("GET", "/api/items", name="asserts") as response:
            assert len(response.js["items"]) == 4, "there must be four,"
        with self.rest("GET", "/api/items", name="asserts in vain") as response:
            assert response.js["items"]
        with self.rest("GET", "/api/items", name="asserts without words") as response:
            assert not response.js["items"]
        with self.rest("GET", "/api/items", name="key") as response:
            trace(self, response.js["nothing"])
        with self.rest("GET", "/api/items", name="deeper") as response:
            self.deeper(response)
        with self.rest("GET", "/api/items", name="reschedules") as response:
            raise RescheduleTask("later")
        with self.rest("GET", "/api/items", name="set by hand") as response:
            response.failure("by hand")
        with self.rest("GET", "http://127.0.0.1:9/", name="refused") as response:
            trace(self, response.js, response.status_code)
        with self.rest_("GET", "/api/items"):
            pass
        with self.rest_("GET", "/api/items?a=1", name="mine"):
            pass
        with self.rest("GET", "", name="no path") as response:
            trace(self, response.status_code)
        raise StopUser

    def deeper(self, response):
        response.js["items"].nothing()
