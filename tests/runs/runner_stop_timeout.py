"""--stop-timeout: who may finish, who is stopped, in which state."""

# run none: -u 5 -r 100
# run enough: -u 5 -r 100 -s 10
# run short: -u 5 -r 100 -s 1

from traced import RUN, quit_when, sleep, trace, trace_events, trace_logs

from locust import TaskSet, User, constant, events, task

trace_events("test_stopping", "test_stop", "quitting", "quit")
trace_logs()
begun = set()
quit_when(lambda runner: runner.state == "running" and len(begun) == 5)


def until_stopping(user):
    """What a task does that is at work when the test is stopped."""
    while user._state != "stopping":
        sleep(0.01)


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(100)

    def on_stop(self):
        trace(self, "on_stop", self._state)

    def begins(self):
        begun.add(type(self).__name__)
        trace(self, "begins")


class Waits(Base):
    @task
    def work(self):
        self.begins()


class Works(Base):
    @task
    def work(self):
        self.begins()
        until_stopping(self)
        trace(self, "done", self._state)


class WorksLong(Base):
    @task
    def work(self):
        self.begins()
        until_stopping(self)
        sleep(0.5 if RUN == "enough" else 100)
        trace(self, "done", self._state)


class InSet(Base):
    @task
    class Inner(TaskSet):
        def on_stop(self):
            trace(self, "inner on_stop", self.user._state)

        @task
        def work(self):
            self.user.begins()
            until_stopping(self.user)
            trace(self, "done", self.user._state)


class StopsSlowly(Base):
    def on_stop(self):
        sleep(0.3)
        trace(self, "has stopped", self._state)

    @task
    def work(self):
        self.begins()


@events.test_stop.add_listener
def on_test_stop(environment, **kwargs):
    trace("run", environment.stop_timeout, environment.runner.user_count)
