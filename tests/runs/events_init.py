"""A listener of init, of init_command_line_parser, of quitting or of test_start that raises."""

# run init: -u 1
# run parser: -u 1
# run quitting: -u 1
# run test_start_ValueError: -u 2 -r 100
# run test_start_StopTest: -u 2 -r 100
# run test_start_StopUser: -u 2 -r 100
# run test_start_InterruptTaskSet: -u 2 -r 100
# run spawning_complete_ValueError: -u 1
# run spawning_complete_StopTest: -u 1

from traced import RUN, quit_when, trace, trace_logs

from locust import User, constant, events, exception, task

trace_logs()
where, _, what = RUN.rpartition("_")
raised = getattr(exception, what, ValueError)
ended = []
quit_when(lambda runner: (runner.state == "running" and what != "StopTest") or bool(ended))


class Someone(User):
    wait_time = constant(1)

    def on_start(self):
        trace("users*", "on_start")

    @task
    def work(self):
        """Nothing."""


def listen(name):
    def listener(**kwargs):
        trace("run", name)
        if (where or RUN) == name:
            if where == "test_start" and what in ("StopUser", "InterruptTaskSet"):
                ended.append(name)  # and with it the green thread that would start users
            raise raised("in a listener")

    hook = "init_command_line_parser" if name == "parser" else name
    getattr(events, hook).add_listener(listener)


for name in ("parser", "init", "test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit"):
    listen(name)
for name in ("init", "test_start", "quitting"):
    getattr(events, name).add_listener(lambda name=name, **kwargs: trace("run", name, "second"))
