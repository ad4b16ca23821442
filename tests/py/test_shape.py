"""LoadTestShape as a class, and as what a runner of a program follows."""

import logging
import time

import pytest

import locust.log
from locust import LoadTestShape, User, constant, task
from locust.env import Environment
from locust.runners import LocalRunner
from locust.util.load_locustfile import is_shape_class, load_locustfile


class A(User):
    wait_time = constant(1000)

    @task
    def nothing(self):
        """Is done at once."""


class B(A):
    pass


class Steps(LoadTestShape):
    """Gives one value after the other, then None."""

    def __init__(self, *values):
        super().__init__()
        self.values = list(values)
        self.seen = []

    def tick(self):
        self.seen.append((round(self.get_run_time()), self.get_current_user_count()))
        return self.values.pop(0) if self.values else None


@pytest.fixture
def environment():
    made = []

    def environment(shape, **kwargs):
        env = Environment(user_classes=[A, B], shape_class=shape, **kwargs)
        env.create_local_runner()
        made.append(env)
        return env

    locust.log.unhandled_greenlet_exception = False
    yield environment
    for env in made:
        env.runner.quit()


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def follow(env):
    """Runs the shape to its end."""
    env.runner.start_shape()
    env.runner.shape_greenlet.join()


def test_abstract_is_not_inherited():
    class Base(LoadTestShape):
        abstract = True

    class Real(Base):
        def tick(self):
            """Ends at once."""

    assert [c.abstract for c in (LoadTestShape, Base, Real)] == [True, True, False]
    assert [is_shape_class(c) for c in (LoadTestShape, Base, Real, Real(), A, None)] == [False] * 2 + [True] + [False] * 3
    for cls in (LoadTestShape, Base, type("NoTick", (LoadTestShape,), {})):
        with pytest.raises(TypeError, match="abstract"):
            cls()


def test_clock():
    shape = Steps()
    assert (shape.runner, shape.use_common_options) == (None, False)
    time.sleep(0.05)
    assert 0.05 <= shape.get_run_time() < 1
    shape.reset_time()
    assert shape.get_run_time() < 0.05


def test_a_constructor_that_skips_ours():
    class Mine(LoadTestShape):
        def __init__(self):
            super(LoadTestShape, self).__init__()

        def tick(self):
            """Ends at once."""

    shape = Mine()
    assert 0 <= shape.get_run_time() < 0.05
    time.sleep(0.05)
    assert shape.get_run_time() >= 0.05


def test_the_environment_takes_instances_only(environment):
    for wrong in (Steps, 5, "Steps"):
        with pytest.raises(ValueError, match="instance of LoadTestShape or subclass LoadTestShape, but got: "):
            Environment(shape_class=wrong)
    shape = Steps()
    env = environment(shape)
    assert env.shape_class is shape and shape.runner is env.runner
    assert shape.get_current_user_count() == 0


def test_users_follow(environment, caplog):
    caplog.set_level(logging.INFO)
    shape = Steps((2, 10), (2, 10), (4.7, 10, [B]), [1, 10])
    env = environment(shape)
    counts = []
    env.events.spawning_complete.add_listener(lambda user_count: counts.append(env.runner.user_classes_count))
    follow(env)
    assert shape.seen == [(0, 0), (1, 2), (2, 2), (3, 4), (4, 1)]
    assert counts == [{"A": 1, "B": 1}, {"A": 1, "B": 3}, {"A": 1, "B": 0}]
    assert (env.runner.state, env.runner.user_count) == ("stopped", 0)
    assert env.runner.shape_greenlet is None and env.runner.shape_last_tick is None
    updates = [m for m in caplog.messages if m.startswith("Shape")]
    assert updates == [
        "Shape test starting.",
        "Shape worker starting",
        "Shape test updating to 2 users at 10.00 spawn rate",
        "Shape test updating to 4 users at 10.00 spawn rate",
        "Shape test updating to 1 users at 10.00 spawn rate",
        "Shape test stopping",
    ]


def test_the_clock_starts_with_the_test(environment):
    shape = Steps()
    time.sleep(0.6)
    follow(environment(shape))
    assert shape.seen == [(0, 0)]


def test_one_at_a_time(environment, caplog):
    caplog.set_level(logging.INFO)
    env = environment(Steps((1, 1)))
    env.runner.start_shape()
    green = env.runner.shape_greenlet
    env.runner.start_shape()
    assert env.runner.shape_greenlet is green
    assert caplog.messages.count("There is an ongoing shape test running. Editing is disabled") == 1
    wait_for(lambda: env.runner.state == "running")
    assert env.runner.shape_last_tick == (1, 1)
    env.runner.stop()
    assert green.dead and env.runner.shape_greenlet is None and env.runner.shape_last_tick is None
    env.shape_class.values = [(1, 1)]
    follow(env)
    assert env.runner.state == "stopped"


def test_without_a_shape_it_ends_at_once(environment):
    env = environment(None)
    follow(env)
    assert env.runner.state == "stopped"


def test_no_tick_after_a_stop(environment):
    env = environment(Steps((1, 10), (2, 10)))
    env.runner.start_shape()
    wait_for(lambda: env.runner.state == "running")
    env.runner.stop()
    time.sleep(1.1)
    assert len(env.shape_class.seen) == 1 and env.runner.user_count == 0


def test_start_is_called_with_keywords():
    class Mine(LocalRunner):
        calls = []

        def start(self, user_count, spawn_rate, wait=False, user_classes=None):
            self.calls.append((user_count, spawn_rate, wait, user_classes))

    env = Environment(user_classes=[A], shape_class=Steps((3, 4), (5, 6, [A])))
    env.runner = Mine(env)
    env.shape_class.runner = env.runner
    follow(env)
    env.runner.quit()
    assert Mine.calls == [(3, 4, False, None), (5, 6, False, [A])]


def test_the_worker_can_be_overridden():
    class Mine(LocalRunner):
        def shape_worker(self):
            self.mine = True

    env = Environment(user_classes=[A], shape_class=Steps())
    env.runner = Mine(env)
    follow(env)
    assert env.runner.mine
    env.runner.quit()


@pytest.mark.parametrize(
    ("value", "error"),
    [(5, TypeError), ((1,), ValueError), ((1, 2, 3, 4), ValueError), (("many", 1), TypeError), ((1, None), TypeError)],
)
def test_bad_ticks(environment, caplog, value, error):
    env = environment(Steps(value))
    follow(env)
    assert [r.exc_info[0] for r in caplog.records if r.levelname == "CRITICAL"] == [error]
    assert locust.log.unhandled_greenlet_exception


def test_loading(tmp_path):
    path = tmp_path / "shapes.py"
    path.write_text(
        "from locust import LoadTestShape\nclass One(LoadTestShape):\n    def tick(self): pass\n"
        "class Base(LoadTestShape):\n    abstract = True\nclass Two(Base):\n    def tick(self): pass\n"
    )
    users, shapes = load_locustfile(str(path))
    assert users == {} and [type(s).__name__ for s in shapes] == ["One", "Two"]
