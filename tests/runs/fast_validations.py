"""Validation of all replies in one place: a listener of init that sets listeners, which raise; a host set by class."""

# args: -u 1

from traced import quit_when_idle, trace, trace_stats

from locust import FastHttpUser, constant, events, task
from locust.exception import RescheduleTask, StopUser

trace_stats()
quit_when_idle()

FastHttpUser.host = "http://127.0.0.1:9"


@events.init.add_listener
def on_init(environment, **kwargs):
    @environment.events.request.add_listener
    def on_request(request_type, name, response_time, response_length, exception, context, response, url, **kwargs):
        if context.get("validate") and exception:
            trace("run*", name, url.rpartition(":")[2], type(exception).__name__, response.status_code)
            raise RescheduleTask("not again")


class Visitor(FastHttpUser):
    wait_time = constant(0)
    visits = 0

    def context(self):
        return {"validate": self.visits > 1}

    @task
    def visit(self):
        self.visits += 1
        if self.visits > 3:
            raise StopUser
        response = self.client.get("/x")
        trace(self, "goes on", response.status_code, response.ok, repr(response.error))
