"""The state of a user at each step, and users that are stopped from outside."""

# args: -u 5 -r 100

from traced import name_of, quit_when_idle, sleep, spawn, trace, trace_events

from locust import TaskSet, User, constant, events, task

trace_events("test_start", "test_stop")
quit_when_idle()
users = {}


def until_stopping(user):
    while user._state != "stopping":
        sleep(0.01)


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(0)

    def __init__(self, environment):
        super().__init__(environment)
        users[type(self).__name__] = self
        trace(self, "made", self._state, hasattr(self, "_group"), self.greenlet)

    def on_start(self):
        trace(self, "on_start", self._state, self.greenlet in self.group, self.greenlet.args[0] is self)
        trace(self, self.group is self.environment.runner.user_greenlets)

    def on_stop(self):
        trace(self, "on_stop", self._state)


class Waiting(Base):
    wait_time = constant(100)

    @task
    def work(self):
        trace(self, "work", self._state)


class Working(Base):
    @task
    def work(self):
        trace(self, "work", self._state)
        until_stopping(self)
        trace(self, "has worked", self._state)


class Forced(Base):
    @task
    def work(self):
        trace(self, "work", self._state)
        sleep(100)


class Poked(Base):
    @task
    class Inner(TaskSet):
        def on_stop(self):
            trace(self, "inner on_stop", self.user._state)

        @task
        def work(self):
            trace(self, "work", self.user._state)
            self.user._state = "stopping"


class Starting(Base):
    def on_start(self):
        trace(self, "on_start", self._state)
        until_stopping(self)
        trace(self, "has started", self._state)

    @task
    def work(self):
        trace(self, "never")


def stop_all():
    while users["Waiting"]._state != "waiting":
        sleep(0.01)
    sleep(0.1)
    for name in ("Waiting", "Working", "Starting", "Forced"):
        trace("run", name, users[name]._state, users[name].stop(force=name == "Forced"), users[name]._state)
    try:
        users["Working"].stop()
    except Exception as e:
        trace("run", name_of(users["Working"]), type(e).__name__)


@events.spawning_complete.add_listener
def on_spawning_complete(**kwargs):
    spawn(stop_all)
