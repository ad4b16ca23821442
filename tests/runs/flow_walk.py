"""Nested task sets that raise at random whatever steers the flow, in a whole program."""

# run one: -u 1
# run two: -u 1
# run three: -u 1
# run four: -u 1

import random

from traced import RUN, quit_when_idle, trace, trace_events, trace_logs, trace_stats

from locust import SequentialTaskSet, TaskSet, User, constant, task
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

random.seed(RUN)
trace_events()
trace_logs()
trace_stats()
quit_when_idle()

budget = [80]
raised = [
    None,
    RescheduleTask,
    RescheduleTaskImmediately,
    lambda: InterruptTaskSet(True),
    lambda: InterruptTaskSet(False),
    lambda: ValueError("bad value"),
    lambda: KeyError("key"),
]


def act(self, name):
    trace(self, name, type(self).__name__)
    budget[0] -= 1
    what = random.choice(raised) if budget[0] > 0 else random.choice([StopUser, StopTest])
    if what is not None:
        raise what()


class Traced:
    def on_start(self):
        trace(self, "on_start", type(self).__name__)

    def on_stop(self):
        trace(self, "on_stop", type(self).__name__)
        if random.random() < 0.2:
            raise random.choice([ValueError, RescheduleTask, StopUser])

    def wait(self):
        trace(self, "wait", type(self).__name__)
        super().wait()


class Ordered(Traced, SequentialTaskSet):
    @task
    def first(self):
        act(self, "first")

    @task(2)
    def second(self):
        act(self, "second")


class Inner(Traced, TaskSet):
    tasks = [Ordered]

    @task(3)
    def leaf(self):
        act(self, "leaf")


class Walker(User):
    wait_time = constant(0)

    @task(2)
    class Outer(Traced, TaskSet):
        tasks = {Inner: 1, Ordered: 1}

        @task
        def own(self):
            act(self, "own")

    @task
    def top(self):
        budget[0] -= 1
        trace(self, "top")
        if budget[0] <= 0:
            raise StopUser

    def on_start(self):
        trace(self, "user on_start")

    def on_stop(self):
        trace(self, "user on_stop", self._state)
