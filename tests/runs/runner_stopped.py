"""runner.stop() in a task, in a listener, twice, and what is left afterwards."""

# ours: real Locust kills the user that calls it before it has stopped the others, and stays in cleanup
# run task: -u 3 -r 100
# run spawning_complete: -u 3 -r 100
# run twice: -u 3 -r 100

from traced import RUN, quit_when, trace, trace_events, trace_logs

from locust import User, constant, events, task

trace_events("test_start", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()
quit_when(lambda runner: runner.state == "stopped")
called = []


class Someone(User):
    wait_time = constant(0.1)

    def on_stop(self):
        trace("users*", "on_stop", self.environment.runner.state)

    @task
    def work(self):
        if RUN != "spawning_complete" and not called and self.environment.runner.state == "running":
            called.append(self)
            self.environment.runner.stop()
            trace("run", "after", self.environment.runner.state)
            if RUN == "twice":
                self.environment.runner.stop()
                trace("run", "after the second", self.environment.runner.state)


@events.spawning_complete.add_listener
def on_spawning_complete(**kwargs):
    if RUN == "spawning_complete":
        environment.runner.stop()
        trace("run", "never: the green thread that spawns has been killed")


@events.test_stop.add_listener
def on_test_stop(environment, **kwargs):
    runner = environment.runner
    trace("run", runner.user_count, runner.user_classes_count, runner.target_user_count, sorted(runner.exceptions))


@events.init.add_listener
def on_init(**kwargs):
    global environment
    environment = kwargs["environment"]
