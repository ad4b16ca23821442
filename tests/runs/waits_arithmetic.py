"""What the wait functions return, with a clock that stands still."""

# args: -u 3 -r 100

import random

from traced import quit_when_idle, trace, trace_logs

from locust import TaskSet, User, between, constant, constant_pacing, constant_throughput, events, task
from locust.exception import StopUser

quit_when_idle()
trace_logs()


class Base(User):
    abstract = True
    fixed_count = 1

    @task
    def work(self):
        raise StopUser


class Paced(Base):
    wait_time = constant_pacing(1000)

    def on_start(self):
        self._cp_last_run -= 400
        trace(self, round(self.wait_time()), self._cp_last_wait_time > 590)
        # The next round is measured from there: the wait has not been done, so nothing is left of it.
        trace(self, round(self.wait_time()), round(self._cp_last_wait_time))
        self._cp_last_run -= 5000
        trace(self, round(self.wait_time()), round(self._cp_last_wait_time))


class Rate(Base):
    wait_time = constant_throughput(0.01)

    def on_start(self):
        trace(self, round(self.wait_time()))


class Sets(Base):
    wait_time = between(3, 5)

    def on_start(self):
        class Own(TaskSet):
            wait_time = constant_pacing(50)

        class Legacy(TaskSet):
            min_wait, max_wait = 2000, 2000

        class Function(TaskSet):
            def wait_time(self):
                return self.user.number

        self.number = 42
        own = Own(self)
        trace(self, round(own.wait_time()), round(own._cp_last_wait_time), round(self._cp_last_wait_time))
        trace(self, Function(self).wait_time(), Function(Function(self)).wait_time())
        random.seed(1)
        trace(self, 3 <= Legacy(self).wait_time() <= 5, round(TaskSet(self).wait_time(), 9))
        type(self).wait_time = None
        trace(self, Legacy(self).wait_time(), Legacy(self).min_wait, Legacy(Legacy(self)).max_wait)
        try:
            TaskSet(self).wait_time()
        except Exception as e:
            trace(self, type(e).__name__)


@events.init.add_listener
def on_init(**kwargs):
    random.seed(7)
    for function in (between(1, 2), between(0.5, 0.5), between(2, 1), constant(3), constant(-1), constant(2.5)):
        trace("run", [round(function(None), 9) for _ in range(3)])
