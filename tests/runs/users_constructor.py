"""Constructors of users: their signatures, what they inherit, how they fail."""

# run fine: -u 4 -r 100 Parent Anything Mixed Late
# run value_error: -u 3 -r 100 Fails
# run stop_test: -u 3 -r 100 Stops
# run stop_user: -u 3 -r 100 Leaves
# run forgetful: -u 2 -r 100 Forgetful
# run wrong_signature: -u 2 -r 100 NoArgument

from traced import quit_when, trace, trace_events, trace_logs

from locust import User, constant, task
from locust.exception import StopTest, StopUser

trace_events("test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()
made = []
quit_when(lambda runner: runner.state == "running" or bool(made) and runner.user_count < len(made))


class Base(User):
    abstract = True
    wait_time = constant(100)

    def on_start(self):
        trace(self, "on_start", self.environment.runner is not None, self._state)

    @task
    def idle(self):
        """Does nothing."""


class Parent(Base):
    def __init__(self, parent):
        super().__init__(parent)
        trace(self, parent is self.environment, self._state, self._greenlet)


class Anything(Base):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        trace(self, len(args), sorted(kwargs))


class Other:
    def __init__(self, *args):
        self.other = len(args)
        super().__init__(*args)


class Mixed(Base, Other):
    def __init__(self, environment):
        super().__init__(environment)
        trace(self, "other was given", self.other)


class Late(Base):
    def __init__(self, environment):
        self.early = 1
        super().__init__(environment)
        self.environment = environment
        trace(self, self.early, self.greenlet)


class Fails(Base):
    def __init__(self, environment):
        super().__init__(environment)
        made.append(self)
        trace("run", "made", len(made))
        if len(made) == 2:
            made.append("and no third")
            raise ValueError("in a constructor")


class Stops(Base):
    def __init__(self, environment):
        super().__init__(environment)
        raise StopTest("stop it all")


class Leaves(Base):
    def __init__(self, environment):
        super().__init__(environment)
        made.append(self)
        raise StopUser("not me")


class Forgetful(Base):
    def __init__(self, environment):
        made.append(self)


class NoArgument(Base):
    def __new__(cls, *args):
        made.append("not even one")
        return super().__new__(cls)

    def __init__(self):
        """Never called."""
