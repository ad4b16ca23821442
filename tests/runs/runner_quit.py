"""runner.quit() called in each place where user code runs."""

# ours: real Locust kills the user that calls it before it has stopped the others, and never ends
# run task: -u 3 -r 100
# run nested_task: -u 3 -r 100
# run on_start: -u 3 -r 100
# run on_stop: -u 3 -r 100
# run wait_time: -u 3 -r 100
# run request: -u 3 -r 100
# run user_error: -u 3 -r 100
# run spawning_complete: -u 3 -r 100
# run constructor: -u 3 -r 100

from traced import RUN, sleep, trace, trace_events, trace_logs

from locust import TaskSet, User, constant, events, task
from locust.exception import StopUser

trace_events("test_start", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()
EARLY = ("constructor", "on_start", "spawning_complete")
called = []


def at(self, place):
    """Quits if this is the place, once, and says how that went on."""
    if place != RUN or called or (place not in EARLY and environment.runner.state != "running"):
        return
    called.append(place)
    trace("run", "quits in", place)
    environment.runner.quit()
    trace("run", "after", place, environment.runner.state)


class Someone(User):
    def __init__(self, environment):
        super().__init__(environment)
        at(self, "constructor")

    def on_start(self):
        while RUN == "on_start" and self.environment.runner.state == "spawning":
            sleep(0.01)
        at(self, "on_start")

    def on_stop(self):
        trace("users*", "on_stop")
        at(self, "on_stop")

    def wait_time(self):
        at(self, "wait_time")
        return 0.1

    @task
    def work(self):
        if RUN == "nested_task":
            Nested(self).run()
        at(self, "task")
        if RUN == "on_stop" and not called and self.environment.runner.state == "running":
            raise StopUser
        if RUN == "user_error" and not called and self.environment.runner.state == "running":
            1 / 0
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=1, exception=None, context={}
        )


class Nested(TaskSet):
    def on_stop(self):
        trace("users*", "nested on_stop")

    @task
    def work(self):
        at(self, "nested_task")


events.request.add_listener(lambda **kwargs: at(None, "request"))
events.user_error.add_listener(lambda **kwargs: at(None, "user_error"))
events.spawning_complete.add_listener(lambda **kwargs: at(None, "spawning_complete"))


@events.init.add_listener
def on_init(**kwargs):
    global environment
    environment = kwargs["environment"]
