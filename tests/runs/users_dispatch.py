"""How many users of each class are started in one go."""

# run ten: -u 10 -r 100
# run three: -u 3 -r 100
# run two_more_than_fixed: -u 6 -r 100
# run selected: -u 8 -r 100 Often Seldom
# run fixed_only: -u 8 -r 100 Three One
# run zero: -u 0
# run abstract_by_name: -u 1 Base
# run unknown: -u 1 Often Nobody

from traced import quit_when, trace, trace_logs, trace_stats

from locust import User, constant, events, task

trace_logs()
trace_stats()
quit_when(lambda runner: runner.state == "running")


class Base(User):
    abstract = True
    wait_time = constant(100)

    def __init__(self, environment):
        super().__init__(environment)
        trace("made*", type(self).__name__)

    @task
    def idle(self):
        """Does nothing."""


class Often(Base):
    weight = 5


class Seldom(Base):
    weight = 1


class Half(Base):
    weight = 0.5


class Never(Base):
    weight = 0


class Three(Base):
    fixed_count = 3


class One(Base):
    weight = 0
    fixed_count = 1


@events.spawning_complete.add_listener
def on_spawning_complete(user_count):
    trace("run", user_count)


@events.init.add_listener
def on_init(environment, runner, **kwargs):
    trace("run", *[c.__name__ for c in environment.user_classes])

    def on_stop(**kwargs):
        trace("run", sorted(runner.user_classes_count.items()), sorted(runner.target_user_classes_count.items()))
        trace("run", runner.target_user_count, runner.user_count, sorted(environment.user_classes_by_name))

    environment.events.test_stopping.add_listener(on_stop)
