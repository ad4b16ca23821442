"""SequentialTaskSet: order with weights, tasks in the middle, inheritance, where it goes on."""

# args: -u 4 -r 4

from traced import quit_when_idle, trace, trace_logs

from locust import SequentialTaskSet, TaskSet, User, constant, task
from locust.exception import RescheduleTask, StopUser

quit_when_idle()
trace_logs()


def count(self, name, end=12):
    trace(self, name)
    self.user.count = getattr(self.user, "count", 0) + 1
    if self.user.count == end:
        raise StopUser


def inserted(self):
    count(self, "inserted")


def other(self):
    count(self, "other")


class First(SequentialTaskSet):
    @task
    def begin(self):
        count(self, "begin")

    tasks = [inserted, other]

    @task(2)
    def twice(self):
        count(self, "twice")

    @task
    class Sub(TaskSet):
        @task
        def leave(self):
            count(self, "sub")
            self.interrupt()


class Second(First):
    tasks = {other: 2}

    @task
    def last(self):
        count(self, "last")
        if self.user.count == 5:
            raise RescheduleTask


class Leaves(First):
    @task
    def leave(self):
        count(self, "leave")
        self.interrupt(False)


class Fails(SequentialTaskSet):
    @task
    def a(self):
        count(self, "a")
        raise ValueError("goes on with b")

    @task
    def b(self):
        count(self, "b")


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(0)


class A(Base):
    tasks = [First]

    def on_start(self):
        trace(self, *[t.__name__ for t in First.tasks])


class B(Base):
    tasks = [Second]

    def on_start(self):
        trace(self, *[t.__name__ for t in Second.tasks])


class C(Base):
    tasks = [Leaves]


class D(Base):
    tasks = [Fails]
