"""A block of measure() that ends with what is no Exception."""

# differs: a request that was not finished is not reported as a success, but as what ended it or not at all
# run GreenletExit: -u 1
# run OwnBaseException: -u 1

from traced import RUN, GreenletExit, quit_when_idle, trace, trace_stats

from locust import User, events, task

trace_stats()
quit_when_idle()


class OwnBaseException(BaseException):
    """Something that is no Exception."""


class Measured(User):
    def on_stop(self):
        trace(self, "on_stop")

    @task
    def work(self):
        with self.environment.events.request.measure("X", "measured"):
            raise GreenletExit() if RUN == "GreenletExit" else OwnBaseException()


@events.request.add_listener
def on_request(name, exception, **kwargs):
    trace("run", name, type(exception).__name__)
