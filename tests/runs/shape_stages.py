"""A load shape: its numbers, what it is asked, how it ends."""

# run stages: -t 60
# run same: -u 7
# run floats: -u 7
# run ends_at_once: -u 7
# run ValueError: -u 1
# run too_short: -u 1

from traced import RUN, trace, trace_events, trace_logs

from locust import LoadTestShape, User, constant, events, task

trace_events("test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()
TICKS = {
    "stages": [(3, 100), (1, 100), None],
    "same": [(2, 100), (2, 100), (2, 50), None],
    "floats": [(2.0, 100.5), (0, 100), None],
    "ends_at_once": [None],
    "ValueError": [(1, 100), ValueError("in tick")],
    "too_short": [(1, 100), (1,)],
}[RUN]


class Shape(LoadTestShape):
    def __init__(self):
        super().__init__()
        trace("run", "made", self.runner)
        self.ticks = 0

    def tick(self):
        what = TICKS[self.ticks]
        trace(
            "run", "tick", self.ticks, self.get_current_user_count(), self.runner.state, 0 <= self.get_run_time() < 20
        )
        self.ticks += 1
        if isinstance(what, Exception):
            raise what
        return what


class Someone(User):
    wait_time = constant(100)

    def on_stop(self):
        trace("users*", "on_stop")

    @task
    def work(self):
        """Waits most of the time."""


@events.spawning_complete.add_listener
def on_spawning_complete(user_count):
    trace("run", user_count)


@events.init.add_listener
def on_init(environment, runner, **kwargs):
    trace("run", type(environment.shape_class).__name__, environment.shape_class.runner is runner)
    trace("run", LoadTestShape.abstract, Shape.abstract, LoadTestShape.use_common_options)
