"""A shape that reads -u, -r and -t itself."""

# args: -u 4 -r 100 -t 2

from traced import trace, trace_events, trace_logs

from locust import LoadTestShape, User, constant, events, task

trace_events("test_start", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()


class Shape(LoadTestShape):
    use_common_options = True
    ticks = 0

    def tick(self):
        options = self.runner.environment.parsed_options
        self.ticks += 1
        if self.ticks == 1:
            trace("run", options.num_users, options.spawn_rate, options.run_time)
            return options.num_users, options.spawn_rate
        return None


class Someone(User):
    wait_time = constant(100)

    @task
    def work(self):
        """Nothing."""


@events.spawning_complete.add_listener
def on_spawning_complete(user_count):
    trace("run", user_count)
