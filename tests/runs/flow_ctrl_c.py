"""Ctrl-C while a task runs."""

# args: -u 2 -r 2
# differs: Ctrl-C ends the main green thread only, so that the user that was running ends in good order too

import os
import signal

from traced import trace, trace_events

from locust import User, constant, task

trace_events("test_start", "test_stopping", "test_stop", "quitting", "quit")
done = []


class Someone(User):
    wait_time = constant(0.2)

    def on_stop(self):
        trace("users*", "on_stop")

    @task
    def work(self):
        done.append(1)
        if len(done) == 4:
            os.kill(os.getpid(), signal.SIGINT)
