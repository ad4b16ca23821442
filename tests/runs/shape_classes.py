"""A shape that names user classes, several shapes, and abstract ones."""

# run named: -u 1
# run restricted: -u 1 A B
# run none_named: -u 1

from traced import RUN, quit_when, trace, trace_events, trace_logs

from locust import LoadTestShape, User, constant, events, task

trace_events("test_start", "test_stop")
trace_logs()


class Base(User):
    abstract = True
    wait_time = constant(100)

    @task
    def work(self):
        """Nothing."""


class A(Base):
    weight = 3


class B(Base):
    pass


class C(Base):
    fixed_count = 1


class Parent(LoadTestShape):
    abstract = True
    number = 0

    def tick(self):
        self.number += 1
        steps = self.steps
        return steps[self.number - 1] if self.number <= len(steps) else None


class First(Parent):
    steps = {
        "named": [(4, 100, [A]), (6, 100, [A, B])],
        "restricted": [(4, 100, [B])],
        "none_named": [(5, 100, None), (2, 100)],
    }[RUN]


class Second(Parent):
    steps = [(9, 100)]


@events.spawning_complete.add_listener
def on_spawning_complete(user_count):
    trace(
        "run", user_count, sorted(environment.runner.user_classes_count.items()), environment.runner.target_user_count
    )


@events.init.add_listener
def on_init(**kwargs):
    global environment
    environment = kwargs["environment"]
    trace("run", type(environment.shape_class).__name__, sorted(environment.available_shape_classes))
