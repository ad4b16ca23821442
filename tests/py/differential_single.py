"""run_single_user(): prints what must be printed by another Locust as well.

The first argument is a dict of keyword arguments; the others are Locust's own.
"""

import ast
import sys

import locust.debug
from locust import User, constant, events, run_single_user, task
from locust.exception import CatchResponseError, RescheduleTask, StopUser


@events.init.add_listener
def on_init(environment, runner, web_ui, **kwargs):
    names = environment.locustfile, environment.parsed_options.locustfile
    print("init", runner, web_ui, *names, environment.host, environment is locust.debug._env, kwargs)


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    print("test_start", [c.__name__ for c in environment.user_classes], kwargs)


@events.test_stop.add_listener
@events.quit.add_listener
def never(**kwargs):
    print("never")


class Unprintable:
    def __repr__(self):
        raise AttributeError("no text")


REQUESTS = [
    {"name": "/x", "response_time": 12.5, "response_length": 7, "context": {"a": 1}, "start_time": 1700000000.25},
    {"name": "/x" * 60, "response_time": 13.5},
    {"request_type": "POST", "name": None, "response_time": None, "exception": ValueError("a\nb" * 300)},
    {"request_type": "longer type", "name": "", "exception": CatchResponseError("no\ngood"), "context": None},
    {"exception": "text", "more": 1},
    {"exception": RescheduleTask("again")},
    {"exception": Unprintable()},
]


class One(User):
    wait_time = constant(0)

    def on_start(self):
        print("on_start", self.host, self.greenlet, self._state)

    def on_stop(self):
        print("on_stop")

    @task
    def requests(self):
        print(self.environment.single_user_instance is self, self.environment.runner)
        usual = {"request_type": "GET", "name": "n", "response_time": 0, "response_length": 0, "exception": None}
        for request in REQUESTS:
            self.environment.events.request.fire(**{**usual, "context": {}, "start_time": 1, **request})
        raise StopUser()


class Two(One):
    pass


if __name__ == "__main__":
    arguments = ast.literal_eval(sys.argv.pop(1))
    run_single_user(One, **arguments)
    run_single_user(Two, **arguments)
    print(One.host, Two.host, [c.__name__ for c in locust.debug._env.user_classes])
