"""All events of a run in their order, with their arguments and the runner's state."""

# run quit: -u 2 -r 100
# run run_time: -u 2 -r 100 -t 1
# run nobody: -u 0 -t 1

from traced import RUN, quit_when, trace, trace_events

from locust import User, constant, events, task

trace_events()
if RUN == "quit":
    quit_when(lambda runner: len(worked) == 2)
worked = set()


class Someone(User):
    wait_time = constant(0.01)

    def on_start(self):
        trace("users*", "on_start")

    def on_stop(self):
        trace("users*", "on_stop", self.environment.runner.state)

    @task
    def work(self):
        worked.add(self)


@events.init.add_listener
def on_init(environment, runner, web_ui, **kwargs):
    trace("run", type(runner).__name__, web_ui, runner.state, environment.runner is runner, sorted(kwargs))


@events.spawning_complete.add_listener
def on_spawning_complete(user_count, **kwargs):
    trace("run", user_count, sorted(kwargs))


@events.quit.add_listener
def on_quit(exit_code, **kwargs):
    trace("run", exit_code, sorted(kwargs))
