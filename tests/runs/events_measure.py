"""measure(): what is in the dict, what becomes of exceptions, what reaches listeners and statistics."""

# args: -u 1

from traced import quit_when_idle, trace, trace_logs, trace_stats

from locust import User, constant, events, task
from locust.exception import CatchResponseError, InterruptTaskSet, RescheduleTask, StopUser

trace_logs()
trace_stats()
quit_when_idle()


class Someone(User):
    wait_time = constant(0)

    @task
    def work(self):
        request = self.environment.events.request
        with request.measure("X", "plain") as meta:
            trace(self, sorted(meta), meta["request_type"], meta["name"], meta["response_length"], meta["context"])
            trace(self, meta["exception"], type(meta["start_time"]).__name__)
        trace(self, sorted(meta), type(meta["response_time"]).__name__)
        with request.measure("X", "changed", 5, {"a": 1}) as meta:
            meta["name"] = "renamed"
            meta["response_time"] = 123456
            meta["response_length"] = 99
            meta["mine"] = "extra"
        with request.measure("X", name="own exception", response_length=3) as meta:
            meta["exception"] = ValueError("stored")
        with request.measure("X", "raised", context=None) as meta:
            raise KeyError("raised")
        trace(self, repr(meta["exception"]))
        for error in (RescheduleTask, InterruptTaskSet, CatchResponseError):
            with request.measure(request_type="X", name="flow"):
                raise error("in the block")
            trace(self, "goes on")
        with request.measure("X", "outer"):
            with request.measure("X", "inner"):
                pass
            trace(self, "between")
        try:
            with request.measure("X", "listener raises"):
                pass
        except RescheduleTask:
            trace(self, "RescheduleTask of the listener")
        with request.measure("X"):
            trace(self, "never")

    def on_stop(self):
        trace(self, "on_stop")


@events.request.add_listener
def on_request(name, response_time, exception, **kwargs):
    del kwargs["start_time"]
    trace("run", name, response_time < 1000, repr(exception), sorted(kwargs.items()))
    if name == "listener raises":
        raise RescheduleTask()


@events.user_error.add_listener
def on_user_error(exception, **kwargs):
    trace("run", type(exception).__name__)
    raise StopUser()
