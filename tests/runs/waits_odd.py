"""Wait times that are zero, negative, no numbers, or fail."""

# args: -u 7 -r 100

from traced import quit_when_idle, trace, trace_logs

from locust import User, constant, task
from locust.exception import StopUser

quit_when_idle()
trace_logs()


class Base(User):
    abstract = True
    fixed_count = 1
    rounds = 0

    def on_stop(self):
        trace(self, "on_stop", self._state)

    @task
    def work(self):
        self.rounds += 1
        trace(self, "round", self.rounds)
        if self.rounds == 3:
            raise StopUser


class Zero(Base):
    wait_time = constant(0)


class Negative(Base):
    wait_time = constant(-5)


class Lambda(Base):
    wait_time = lambda self: 0.001 * self.rounds  # noqa: E731


class Text(Base):
    def wait_time(self):
        return "1"


class Nothing(Base):
    def wait_time(self):
        return None


class Fails(Base):
    def wait_time(self):
        raise ValueError("in wait_time")


class TrueFalse(Base):
    def wait_time(self):
        return False
