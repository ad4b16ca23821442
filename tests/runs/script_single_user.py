"""run_single_user(): what it fires, prints and leaves behind."""

# script

import os
import sys

from traced import trace, trace_events

from locust import SequentialTaskSet, User, constant, debug, events, run_single_user, tag, task
from locust.exception import StopUser

trace_events("init_command_line_parser", "init", "test_start", "test_stopping", "test_stop", "quitting", "quit")
sys.argv = ["script", "-H", "http://option.example", "--tags", "wanted"]


class Someone(User):
    wait_time = constant(0)
    host = "http://class.example"

    def on_start(self):
        trace(self, "on_start", self.environment.runner, self.host, self.greenlet, self._state)
        trace(self, self.environment.single_user_instance is self, self.environment.parsed_options.tags)

    def on_stop(self):
        trace(self, "on_stop")

    def request(self, **kwargs):
        known = {"request_type": "X", "name": "x", "response_time": 12.6, "response_length": 7, "exception": None}
        self.environment.events.request.fire(**{**known, "context": {"who": 1}, **kwargs})

    @tag("wanted")
    @task
    class Steps(SequentialTaskSet):
        @task
        def work(self):
            trace(self, "work")
            self.user.request()
            self.user.request(exception=ValueError("one\ntwo"), name="failed", response_time=1234.5)
            self.user.request(response_time=3)

        @task
        def end(self):
            raise StopUser


class Printed:
    """Writes what is printed into the trace."""

    line = ""

    def write(self, text):
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            trace("printed", line.replace("\t", "|"))

    def flush(self):
        """Nothing is kept."""


sys.stdout = Printed()
run_single_user(Someone)
run_single_user(Someone, include_length=True, include_context=True, loglevel=None)
sys.stdout = sys.__stdout__
environment = debug._env
trace("run", environment.host, os.path.basename(environment.locustfile), environment.events is events)
trace("run", [c.__name__ for c in environment.user_classes], environment.runner, environment.web_ui)
trace("run", environment.stats.total.num_requests)
