"""KeyboardInterrupt raised in a task, and SIGTERM sent by a task."""

# run raised: -u 2 -r 2
# run SIGTERM: -u 2 -r 2

import os
import signal

from traced import RUN, trace, trace_events

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
            if RUN == "raised":
                raise KeyboardInterrupt
            os.kill(os.getpid(), getattr(signal, RUN))
