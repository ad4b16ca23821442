"""Users and task sets without tasks, and with what is no task."""

# args: -u 6 -r 6

from traced import quit_when_idle, trace, trace_logs

from locust import SequentialTaskSet, TaskSet, User, events, task
from locust.exception import StopUser

quit_when_idle()
trace_logs()


class Empty(TaskSet):
    """No tasks."""


class EmptySequence(SequentialTaskSet):
    """No tasks."""


class Base(User):
    abstract = True
    fixed_count = 1

    def wait_time(self):
        self.waits = getattr(self, "waits", 0) + 1
        if self.waits == 3:
            raise StopUser
        return 0


class NoTasks(Base):
    pass


class Misspelt(Base):
    task = [trace]


class NoneAsTasks(Base):
    tasks = None


class EmptySet(Base):
    tasks = [Empty]


class EmptyOrdered(Base):
    tasks = [EmptySequence]


class Uncallable(Base):
    tasks = ["not a function"]


@events.user_error.add_listener
def on_user_error(user_instance, exception, **kwargs):
    hint = "but you have set a 'task' attribute" in str(exception)
    trace(user_instance, type(user_instance).__name__, type(exception).__name__, str(exception)[:20], hint)
