"""Nested task sets: whose parent is whose, what tasks are called with, classes as tasks of users."""

# args: -u 4 -r 4

from traced import name_of, quit_when_idle, trace

from locust import SequentialTaskSet, TaskSet, User, constant, task
from locust.exception import StopUser
from locust.user.task import DefaultTaskSet

quit_when_idle()


def describe(self, name):
    trace(
        self,
        name,
        type(self).__name__,
        type(self.parent).__name__,
        name_of(self.user),
        self.client,
        isinstance(self.user._taskset_instance, DefaultTaskSet),
        self.user.environment is self.user.environment.runner.environment,
    )


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(0)
    client = "a client"


class Inline(Base):
    @task
    class Outer(TaskSet):
        def on_start(self):
            describe(self, "on_start")

        @task
        class Inner(SequentialTaskSet):
            def __init__(self, parent):
                trace(parent, "made for", type(parent).__name__)
                super().__init__(parent)

            @task
            def show(self):
                describe(self, "show")

            @task
            class Innermost(TaskSet):
                @task
                def leave(self):
                    describe(self, "leave")
                    describe(self.parent.parent, "seen from there")
                    self.interrupt()

            @task
            def end(self):
                describe(self, "end")
                raise StopUser


def function(self):
    trace(self, "called with the user", type(self).__name__)
    self.calls = getattr(self, "calls", 0) + 1
    if self.calls == 2:
        raise StopUser


class Functions(Base):
    tasks = [function]


class Argument(Base):
    @task
    def odd_names(l, extra=5, *more, **named):  # noqa: E741
        trace(l, extra, more, named)
        raise StopUser


class Shared(TaskSet):
    instances = []

    @task
    def once(self):
        Shared.instances.append(self)
        trace(self, "new instances", len({id(i) for i in Shared.instances}))
        if len(Shared.instances) == 3:
            raise StopUser
        self.interrupt(reschedule=len(Shared.instances) == 1)


class Reuses(Base):
    tasks = [Shared]
