"""Listeners of request that steer the flow, and users that end within a request."""

# site
# args: -u 2 -r 100

from traced import quit_when_idle, sleep, spawn, trace, trace_logs, trace_stats

from locust import HttpUser, SequentialTaskSet, constant, events, task
from locust.exception import InterruptTaskSet, RescheduleTask, StopUser

trace_logs()
trace_stats()
quit_when_idle()


class Visitor(HttpUser):
    wait_time = constant(0)
    fixed_count = 1

    @task
    class Steps(SequentialTaskSet):
        def on_stop(self):
            trace(self, "on_stop")

        @task
        def reschedule(self):
            self.client.get("/hello", name="reschedule")
            trace(self, "never")

        @task
        def in_block(self):
            with self.client.get("/hello", name="in block", catch_response=True):
                trace(self, "block")
            trace(self, "never")

        @task
        def fails(self):
            self.client.get("/hello", name="fails")
            trace(self, "goes on")

        @task
        def interrupt(self):
            self.client.get("/hello", name="interrupt" if self.user.rounds else "first time")
            self.user.rounds += 1

        @task
        def end(self):
            self.client.get("/error", name="end")

    rounds = 0

    def on_stop(self):
        trace(self, "user on_stop")


class Killed(HttpUser):
    fixed_count = 1

    @task
    def wait_long(self):
        spawn(self.give_up)
        try:
            self.client.get("/slow?ms=5000")
        finally:
            trace(self, "finally")

    def give_up(self):
        sleep(0.3)
        self.stop(force=True)

    def on_stop(self):
        trace(self, "on_stop")


RAISED = {"reschedule": RescheduleTask, "in block": RescheduleTask, "interrupt": InterruptTaskSet, "fails": ValueError}


@events.request.add_listener
def on_request(name, exception, **kwargs):
    trace("requests*", name, type(exception).__name__)
    if name == "end" and Visitor.rounds == 0:
        raise StopUser
    if name in RAISED:
        raise RAISED[name]()
