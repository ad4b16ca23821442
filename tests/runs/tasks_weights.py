"""Which tasks are chosen, in which order, with a seed: weights in all forms, inheritance, mixins."""

# args: -u 6 -r 6

import random

from traced import quit_when_idle, trace

from locust import TaskSet, User, constant, task
from locust.exception import StopUser

quit_when_idle()


def one(self):
    """In tasks."""


def two(self):
    """In tasks."""


class Nested(TaskSet):
    @task
    def leaf(self):
        self.interrupt(reschedule=False)


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(0)

    def on_start(self):
        trace(self, *[t.__name__ for t in self.tasks])
        random.seed(type(self).__name__)
        # All that the user does is chosen at once: users take turns otherwise.
        names = [random.choice(self.tasks).__name__ for _ in range(30)]
        trace(self, *names)
        raise StopUser


class Decorated(Base):
    @task
    def a(self):
        """Weight 1."""

    @task(3)
    def b(self):
        """Weight 3."""

    @task(0)
    def never(self):
        """Weight 0."""


class ListOfPairs(Base):
    tasks = [(one, 2), two, (Nested, 3)]


class Dict(Base):
    tasks = {one: 1, two: 2, Nested: 0}

    @task(2)
    def own(self):
        """Comes after those in the dict."""


class Child(Decorated):
    @task
    def b(self):
        """Beside the one of the base."""

    def a(self):
        """Without @task: the base's own is run."""


class Mixin:
    tasks = [one]

    @task
    def lost(self):
        """Not collected from what is no User."""


class Diamond(Mixin, Child, ListOfPairs):
    @task
    class Inside(Nested):
        """A nested class."""


class OfNestedBase(Base):
    @task(2)
    class First(Nested):
        """Weight 2."""

    class Second(First):
        """Has inherited the weight."""
