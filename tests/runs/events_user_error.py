"""user_error: who caused it, with what, and what is logged and counted."""

# args: -u 5 -r 100

import traceback

from traced import quit_when_idle, trace, trace_logs, trace_stats

from locust import SequentialTaskSet, TaskSet, User, constant, events, task
from locust.exception import LocustError, StopUser
from locust.user.task import DefaultTaskSet

trace_logs()
trace_stats()
quit_when_idle()


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(0)
    errors = 0


class Direct(Base):
    @task
    def fail(self):
        raise ValueError("direct")


class InSet(Base):
    @task
    class Inner(TaskSet):
        @task
        class Innermost(SequentialTaskSet):
            @task
            def fail(self):
                raise LocustError("inner")


class OnStart(Base):
    def on_start(self):
        raise OSError(2, "no user_error for this")

    @task
    def never(self):
        trace(self, "never")


class SetOnStart(Base):
    @task
    class Inner(TaskSet):
        def on_start(self):
            raise OSError(2, "in on_start of a set")

        def on_stop(self):
            trace(self, "never")

        @task
        def never(self):
            trace(self, "never")


class Chained(Base):
    @task
    def fail(self):
        try:
            raise KeyError("cause")
        except KeyError as e:
            raise RuntimeError("effect") from e


@events.user_error.add_listener
def on_user_error(user_instance, exception, tb, **kwargs):
    user = user_instance.user
    user.errors += 1
    frames = [f.name for f in traceback.extract_tb(tb) if f.filename == __file__]
    trace(
        user,
        type(user_instance).__name__,
        isinstance(user_instance, DefaultTaskSet),
        repr(exception),
        exception.__traceback__ is tb,
        frames,
        sorted(kwargs),
    )
    if user.errors == 2:
        raise StopUser
