"""stop() and quit() by listeners of the stop itself, and by what those start."""

import time

import _locust
import pytest

import locust.log
from locust import User, constant, task
from locust.env import Environment


class Idle(User):
    wait_time = constant(0.02)

    def on_stop(self):
        self.environment.log.append("on_stop")

    @task
    def work(self):
        """Ends the test where it is told to."""
        if self.environment.user_ends:
            self.environment.runner.quit()


@pytest.fixture
def environment():
    env = Environment(user_classes=[Idle])
    env.log, env.user_ends = [], False
    for name in ("test_stopping", "test_stop"):
        getattr(env.events, name).add_listener(lambda name=name, **kwargs: env.log.append(name))
    env.create_local_runner()
    locust.log.unhandled_greenlet_exception = False
    yield env
    env.runner.quit()


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def begin(env):
    env.runner.start(1, 10)
    wait_for(lambda: env.runner.user_count == 1)


def end_by(env, who):
    """Ends the test, and fails if it does not end."""
    if who == "user":
        env.user_ends = True
        wait_for(lambda: env.log.count("test_stop") and not len(env.runner.greenlet))
    elif who == "main":
        with _locust.Timeout(5):
            env.runner.quit()
    else:
        g = _locust.Greenlet.spawn(env.runner.quit)
        g.join(timeout=5)
        assert g.dead and g.successful()


@pytest.mark.parametrize("who", ["main", "green thread", "user"])
@pytest.mark.parametrize("what", ["stop", "quit"])
@pytest.mark.parametrize("event", ["test_stopping", "test_stop"])
def test_a_listener_of_the_stop_asks_for_it_again(environment, event, what, who):
    env = environment

    @getattr(env.events, event).add_listener
    def again(**kwargs):
        getattr(env.runner, what)()
        env.log.append(f"back, {env.runner.state}")

    for _ in range(2):
        env.log.clear()
        begin(env)
        end_by(env, who)
        assert env.log == ["test_stopping", "on_stop", "test_stop", "back, stopped"]
        assert env.runner.user_count == 0 and env.runner.state == "stopped"
        env.user_ends = False


@pytest.mark.parametrize("who", ["main", "green thread", "user"])
@pytest.mark.parametrize("what", ["stop", "quit"])
def test_a_listener_waits_for_a_green_thread_that_asks_for_it_again(environment, what, who):
    env = environment

    @env.events.test_stop.add_listener
    def again(**kwargs):
        green = _locust.Greenlet.spawn(getattr(env.runner, what))
        green.join(timeout=5)
        env.log.append(f"ended: {green.dead}")

    begin(env)
    end_by(env, who)
    assert env.log == ["test_stopping", "on_stop", "test_stop", "ended: True"]


def test_the_main_green_thread_waits_for_all_listeners(environment):
    env = environment

    @env.events.test_stop.add_listener
    def slow(**kwargs):
        time.sleep(0.02)
        env.log.append("slept")

    begin(env)
    _locust.Greenlet.spawn(env.runner.stop)
    wait_for(lambda: env.log.count("test_stop"))
    env.runner.quit()
    assert env.log[-1] == "slept"


def test_a_listener_of_the_stop_runs_another_test(environment):
    env, left = environment, [1]

    @env.events.test_stop.add_listener
    def another(**kwargs):
        if left:
            left.pop()
            begin(env)
            env.runner.stop()
            env.log.append("back")

    begin(env)
    with _locust.Timeout(5):
        env.runner.stop()
    assert env.log == ["test_stopping", "on_stop", "test_stop"] * 2 + ["back"]
    assert env.runner.user_count == 0 and env.runner.state == "stopped"


def test_a_stop_that_was_hurried_is_not_remembered_by_the_next_test(environment):
    env, sleeps = environment, [1]

    @env.events.test_stop.add_listener
    def slow(**kwargs):
        if sleeps:
            sleeps.pop()
            time.sleep(100)

    begin(env)
    g = _locust.Greenlet.spawn(env.runner.stop)
    wait_for(lambda: env.log.count("test_stop"))
    env.runner._hurry_stop()
    g.join(timeout=5)
    assert g.dead
    env.log.clear()
    begin(env)
    env.runner.stop()
    assert env.log == ["test_stopping", "on_stop", "test_stop"]
