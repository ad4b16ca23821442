"""A load shape that raises StopTest."""

# args: -u 1
# differs: real Locust stops the test twice, once for the exception and once for the end of the shape

from traced import trace, trace_events, trace_logs

from locust import LoadTestShape, User, constant, task
from locust.exception import StopTest

trace_events("test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()


class Shape(LoadTestShape):
    ticks = 0

    def tick(self):
        self.ticks += 1
        if self.ticks == 2:
            raise StopTest("enough")
        return 1, 100


class Someone(User):
    wait_time = constant(100)

    def on_stop(self):
        trace("users*", "on_stop")

    @task
    def work(self):
        """Waits most of the time."""
