"""Environment: its options, checks and helpers."""

import argparse

import pytest

from locust import User, task
from locust.env import Environment, Events
from locust.exception import RunnerAlreadyExistsError


def make(name, **attributes):
    @task
    def work(self):
        """Does nothing."""

    return type(name, (User,), {"__module__": __name__, "work": work, **attributes})


def test_defaults():
    env = Environment()
    assert env.user_classes == [] and env.runner is None and env.web_ui is None
    assert isinstance(env.events, Events) and env.stop_timeout == 0.0
    assert env.process_exit_code is None and env.catch_exceptions and env.worker_logs == {}
    env.foo = 1
    with pytest.raises(TypeError):
        Environment([])


def test_user_classes_stay_the_callers_list():
    a, b = make("A"), make("B", weight=0)
    classes = [a, b]
    env = Environment(user_classes=classes)
    assert env.user_classes is classes == [a]
    assert env.user_classes_by_name == {"A": a}


def test_fixed_count_keeps_a_class_without_weight():
    f = make("F", weight=0, fixed_count=1)
    assert Environment(user_classes=[f]).user_classes == [f]


def test_all_weights_zero():
    with pytest.raises(ValueError, match=r"There are no users with weight > 0\."):
        Environment(user_classes=[make("A", weight=0)])


def test_names_must_be_unique():
    with pytest.raises(ValueError, match=r"test_env\.A, .*test_env\.A"):
        Environment(user_classes=[make("A"), make("B"), make("A")])


def test_shape_must_be_a_shape():
    with pytest.raises(ValueError, match="instance of LoadTestShape or subclass LoadTestShape"):
        Environment(shape_class=object())


def test_stop_timeout():
    options = argparse.Namespace(stop_timeout=7)
    assert Environment(parsed_options=options).stop_timeout == 7.0
    assert Environment(parsed_options=options, stop_timeout=3).stop_timeout == 3


def test_one_runner():
    env = Environment(user_classes=[make("A")])
    runner = env.create_local_runner()
    assert env.runner is runner
    with pytest.raises(RunnerAlreadyExistsError):
        env.create_local_runner()
    runner.quit()
    env.runner = None
    env.create_local_runner().quit()


def test_update_user_class():
    a = make("A")
    env = Environment(
        user_classes=[a], available_user_classes={"A": a}, available_user_tasks={"A": list(a.tasks)}
    )
    env.update_user_class({"user_class_name": "A", "host": "http://x", "weight": 3, "tasks": []})
    assert (a.host, a.weight, a.tasks) == ("http://x", 3, [])
    env.update_user_class({"user_class_name": "A", "tasks": ["work"]})
    assert len(a.tasks) == 1
    with pytest.raises(KeyError):
        env.update_user_class({"user_class_name": "Nobody"})


def test_worker_logs():
    env = Environment()
    env.update_worker_logs({"worker_id": "w", "logs": ["x"]})
    assert env.worker_logs == {"w": ["x"]}
