"""--reset-stats, and statistics that a file resets or clears itself."""

# run option: -u 2 -r 100 --reset-stats
# run by_hand: -u 2 -r 100

from traced import RUN, quit_when, trace, trace_stats

from locust import User, constant, events, task

trace_stats()
late = []
quit_when(lambda runner: len(late) == 2)


def request(environment, name):
    environment.events.request.fire(
        request_type="X", name=name, response_time=5, response_length=1, exception=OSError("x"), context={}
    )


class Someone(User):
    wait_time = constant(0.05)
    done = False

    def __init__(self, environment):
        super().__init__(environment)
        request(environment, "early")

    @task
    def work(self):
        if not self.done and self.environment.runner.state == "running":
            self.done = True
            request(self.environment, "late")
            late.append(self)


@events.spawning_complete.add_listener
def on_spawning_complete(user_count):
    stats = environment.stats
    trace(
        "run",
        user_count,
        stats.total.num_requests,
        sorted(e.num_requests for e in stats.entries.values()),
        len(stats.errors),
    )
    if RUN == "by_hand":
        stats.reset_all()
        trace(
            "run",
            stats.total.num_requests,
            [e.num_requests for e in stats.entries.values()],
            stats.errors,
            stats.history,
        )
        request(environment, "between")
        stats.clear_all()
        trace("run", stats.total.num_requests, len(stats.entries), len(stats.errors))


@events.init.add_listener
def on_init(**kwargs):
    global environment
    environment = kwargs["environment"]
    request(environment, "before the test")
