"""Requests that a user reports itself: what is counted, what listeners see, what steers the flow."""

# args: -u 1

from traced import quit_when_idle, trace, trace_logs, trace_stats

from locust import SequentialTaskSet, User, constant, events, task
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser

trace_logs()
trace_stats()
quit_when_idle()


class Own(Exception):
    """An exception of the file's own."""


class Truthy:
    def __repr__(self):
        return "<truthy>"


def fire(self, name, **kwargs):
    known = {"request_type": "X", "response_time": 12.5, "response_length": 10, "exception": None, "context": {}}
    self.user.environment.events.request.fire(**{**known, "name": name, **kwargs})


class Someone(User):
    wait_time = constant(0)

    @task
    class Steps(SequentialTaskSet):
        def wait(self):
            trace(self, "wait")

        @task
        def counted(self):
            fire(self, "plain")
            fire(self, "plain", response_time=0.4)
            fire(self, "no time", response_time=None)
            fire(self, "int", response_time=3, response_length=0)
            fire(self, "other type", request_type="y")
            fire(self, "no type", request_type="")
            fire(self, "extra", response="r", start_time=1.5, url="u", mine=1)
            fire(self, "context", context={"user": "somebody"})
            fire(self, "negative", response_time=-1, response_length=-1)
            fire(self, "é ü\n", request_type="Ü")

        @task
        def failed(self):
            fire(self, "failed", exception=Own("bad"))
            fire(self, "failed", exception=Own("bad"))
            fire(self, "failed", exception=Own("worse"))
            fire(self, "text", exception="a text")
            fire(self, "object", exception=Truthy())
            fire(self, "empty", exception="")
            fire(self, "class", exception=Own)
            fire(self, "no time", response_time=None, exception=Own("x"))

        @task
        def incomplete(self):
            request = self.user.environment.events.request
            request.fire(request_type="X", name="no length", response_time=1)
            request.fire(request_type="X", name="no exception", response_time=1, response_length=1)
            request.fire(name="no type", response_time=1, response_length=1)
            for arguments in (("X", "positional"), ("X",)):
                try:
                    request.fire(*arguments)
                except TypeError:
                    trace(self, "TypeError")

        @task
        def reschedule(self):
            fire(self, "reschedule")

        @task
        def immediately(self):
            fire(self, "immediately")

        @task
        def fails(self):
            fire(self, "fails")
            trace(self, "goes on")

        @task
        def interrupt(self):
            fire(self, "interrupt")

        def on_stop(self):
            trace(self, "on_stop")

    @task
    def end(self):
        """Never chosen first: the set comes first in the list."""
        self.user = self
        fire(self, "end")

    def on_start(self):
        type(self).tasks = [self.Steps]

    def on_stop(self):
        trace(self, "user on_stop")


RAISED = {
    "reschedule": RescheduleTask,
    "immediately": RescheduleTaskImmediately,
    "interrupt": InterruptTaskSet,
    "end": StopUser,
    "fails": ValueError,
}


@events.request.add_listener
def before(name, exception, context, **kwargs):
    trace("run", name, exception, context, sorted(kwargs), *[kwargs[k] for k in ("response_time", "response_length")])
    if name == "interrupt":
        Someone.tasks = [Someone.end]
    if name in RAISED:
        raise RAISED[name]()


@events.init.add_listener
def on_init(environment, **kwargs):
    @environment.events.request.add_listener
    def after(name, **kwargs):
        trace("run", "after", name, environment.stats.get(name, kwargs["request_type"]).num_requests)
