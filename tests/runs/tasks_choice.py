"""A whole run of one user whose choices are seeded, with nested task sets."""

# run 1: -u 1
# run 2: -u 1

import random

from traced import RUN, quit_when_idle, trace, trace_stats

from locust import TaskSet, User, between, task
from locust.exception import StopUser

random.seed(int(RUN))
quit_when_idle()
trace_stats()


class Browsing(TaskSet):
    @task(5)
    def look(self):
        self.user.do("look")

    @task(2)
    def compare(self):
        self.user.do("compare")

    @task
    class Details(TaskSet):
        @task(2)
        def zoom(self):
            self.user.do("zoom")

        @task
        def back(self):
            self.user.do("back from details")
            self.interrupt()

    @task
    def back(self):
        self.user.do("back")
        self.interrupt(False)


class Customer(User):
    wait_time = between(0, 0.001)
    tasks = {Browsing: 3}
    done = 0

    @task
    def pay(self):
        self.do("pay")

    def do(self, what):
        self.done += 1
        trace(self, what)
        self.environment.events.request.fire(
            request_type="DO", name=what, response_time=1, response_length=0, exception=None, context={}
        )
        if self.done == 60:
            raise StopUser
