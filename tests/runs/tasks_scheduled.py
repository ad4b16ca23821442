"""schedule_task() from in- and outside, first and last, and a queue that is replaced."""

# args: -u 1

import collections

from traced import quit_when_idle, trace

from locust import SequentialTaskSet, User, constant, task
from locust.exception import RescheduleTaskImmediately, StopUser

quit_when_idle()


def outside(self):
    trace("run", "outside", type(self).__name__)


def no_argument_wanted(self=None):
    trace("run", "no argument", type(self).__name__)


class Someone(User):
    wait_time = constant(0)

    @task
    class Steps(SequentialTaskSet):
        def on_start(self):
            self.schedule_task(outside)
            self.schedule_task(self.own)
            self.schedule_task(no_argument_wanted, first=True)

        def own(self):
            trace(self, "own", len(self._task_queue))
            self.schedule_task(self.again, first=True)
            self.schedule_task(outside)

        def again(self):
            trace(self, "again", len(self._task_queue))

        @task
        def one(self):
            trace(self, "one", len(self._task_queue))
            self._task_queue = collections.deque([outside, type(self).one, outside][: 3 - self.user.rounds])
            self.user.rounds += 1
            if self.user.rounds == 3:
                raise RescheduleTaskImmediately

        @task
        def two(self):
            trace(self, "two", len(self._task_queue))
            self.schedule_task(self.end)
            self.schedule_task(outside, True)

        def end(self):
            raise StopUser

    rounds = 0
