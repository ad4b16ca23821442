"""sys.exit(7) in each place where user code runs."""

# run import: -u 1
# run parser: -u 1
# run init: -u 1
# run constructor: -u 1
# run on_start: -u 1
# run task: -u 1
# run wait_time: -u 1
# run on_stop: -u 1
# run request: -u 1
# run user_error: -u 1
# run test_start: -u 1
# run spawning_complete: -u 1
# run test_stopping: -u 1
# run test_stop: -u 1
# run quitting: -u 1
# run quit: -u 1
# run background: -u 1

import sys

from traced import RUN, quit_when, sleep, spawn, trace

from locust import User, events, task

PLACES = (
    "init",
    "request",
    "user_error",
    "test_start",
    "spawning_complete",
    "test_stopping",
    "test_stop",
    "quitting",
    "quit",
)

done = set()


def at(place, **kwargs):
    trace("run", place)
    done.add(place)
    if place == RUN:
        sys.exit(7)


at("import")
events.init_command_line_parser.add_listener(lambda parser: at("parser"))
for name in PLACES:
    getattr(events, name).add_listener(lambda place=name, **kwargs: at(place))


class Leaver(User):
    def __init__(self, environment):
        super().__init__(environment)
        at("constructor")

    def on_start(self):
        at("on_start")
        if RUN == "background":
            spawn(at, "background")
            sleep(0.1)

    def wait_time(self):
        if "user_error" in done and "wait_time" not in done:
            at("wait_time")
        return 0.01

    def on_stop(self):
        at("on_stop")

    @task
    def work(self):
        if "task" not in done:
            at("task")
            self.environment.events.request.fire(
                request_type="X", name="x", response_time=1, response_length=1, exception=None, context={}
            )
            1 / 0


quit_when(lambda runner: "wait_time" in done or RUN in ("constructor", "on_start", "test_start") and RUN in done)
