"""Environment: its options, checks and helpers."""

import argparse
import sys

import pytest

import locust.main
import locust.web
from locust import TaskSet, User, tag, task
from locust.env import Environment, Events, LocalRunner, MasterRunner, Runner, WebUI, WorkerRunner
from locust.exception import RunnerAlreadyExistsError
from locust.runners import DistributedRunner


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
    text = r"The following user classes have the same class name: \S*test_env\.A, \S*test_env\.A$"
    with pytest.raises(ValueError, match=text):
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
    for create in (env.create_local_runner, env.create_master_runner, lambda: env.create_worker_runner("h", 1)):
        with pytest.raises(RunnerAlreadyExistsError, match=r"Environment\.runner already exists \(<"):
            create()
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
    env.update_worker_logs({"worker_id": "v"})
    env.update_worker_logs({"logs": ["y"]})
    assert env.worker_logs == {"w": ["x"], "v": []}


def tagged():
    class A(User):
        @tag("a")
        @task
        def one(self):
            """Has a tag."""

        @tag("a", "b")
        @task
        def two(self):
            """Has two."""

        @task
        def three(self):
            """Has none."""

    return A


@pytest.mark.parametrize(
    ("tags", "exclude_tags", "options", "left"),
    [
        (["a"], None, None, ["one", "two"]),
        (None, ["b"], None, ["one", "three"]),
        (["a"], ["b"], None, ["one"]),
        (None, None, {"tags": ["b"], "exclude_tags": None}, ["two"]),
        (None, None, {"tags": [], "exclude_tags": ["a"]}, ["three"]),
        (["a"], None, {"tags": ["b"], "exclude_tags": None}, ["one", "two"]),
        (None, None, {}, ["one", "two", "three"]),
    ],
)
def test_tags(tags, exclude_tags, options, left):
    options = None if options is None else argparse.Namespace(**options)
    a = tagged()
    env = Environment(user_classes=[a], tags=tags, exclude_tags=exclude_tags, parsed_options=options)
    assert len(a.tasks) == 3
    env._filter_tasks_by_tags()
    assert [t.__name__ for t in a.tasks] == left
    env.tags = ["none"]
    env._filter_tasks_by_tags()
    assert [t.__name__ for t in a.tasks] == left


def test_equal_weights():
    def one(self):
        """The first."""

    def two(self):
        """The second."""

    inner = type("Inner", (TaskSet,), {"tasks": {one: 3, two: 1}})
    outer = type("Outer", (TaskSet,), {"tasks": [inner, two]})
    a = type("A", (User,), {"weight": 7, "tasks": [outer, one, inner]})
    Environment(user_classes=[a]).assign_equal_weights()
    assert (a.weight, a.tasks) == (1, [two, one])
    assert inner.tasks == [one, one, one, two]
    a.tasks = [one, 5]
    with pytest.raises(ValueError, match="Unrecognized task type in user"):
        Environment(user_classes=[a]).assign_equal_weights()


def test_masters_workers_and_web_uis_say_that_they_are_missing():
    env = Environment(user_classes=[make("A")])
    stats = env.stats
    with pytest.raises(NotImplementedError, match="there is no MasterRunner"):
        env.create_master_runner(master_bind_host="*", master_bind_port=5557)
    with pytest.raises(NotImplementedError, match="there is no WorkerRunner"):
        env.create_worker_runner("127.0.0.1", 5557)
    with pytest.raises(NotImplementedError, match="a WebUI cannot be made"):
        env.create_web_ui("127.0.0.1", 8089)
    assert env.runner is None and env.web_ui is None and env.stats is stats
    env.create_local_runner().quit()
    assert not isinstance(env.runner, MasterRunner | WorkerRunner) and isinstance(env.runner, LocalRunner)
    assert issubclass(MasterRunner, DistributedRunner) and issubclass(WorkerRunner, Runner)


def test_names_of_the_web_ui():
    assert (locust.web.HOST_IS_REQUIRED, locust.web.DEFAULT_CACHE_TIME) == (False, 2.0)
    field = locust.web.InputField(label="User", name="user")
    form = locust.web.CustomForm(inputs=[field], callback_url="/x")
    provider = locust.web.AuthProvider(label="x", callback_url="/y")
    assert locust.web.AuthArgs(custom_form=form, auth_providers=[provider])["custom_form"] is form
    assert WebUI is locust.web.WebUI and locust.web.logger.name == "locust.web"


def test_options_make_an_environment():
    options = argparse.Namespace(host="http://h", reset_stats=True, stop_timeout="3", tags=["a"], exclude_tags=None)
    a = tagged()
    env = locust.main.create_environment([a], options, locustfile="file.py", parsed_locustfiles=["/x/file.py"])
    assert (env.host, env.reset_stats, env.stop_timeout, env.parsed_options) == ("http://h", True, 3.0, options)
    assert (env.locustfile, env.parsed_locustfiles, env.tags, env.profile) == ("file.py", ["/x/file.py"], None, None)
    env._filter_tasks_by_tags()
    assert len(a.tasks) == 2
    assert locust.main.COMMON_OPTIONS == {"num_users": "users", "spawn_rate": "spawn-rate", "run_time": "run-time"}


def test_merging_locustfiles(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [*sys.path])
    text = "from locust import *\nclass {}(User):\n    @task\n    def t(self): pass\n"
    shape = "class {}(LoadTestShape):\n    def tick(self): pass\n"
    for name, content in {
        "first": text.format("One") + shape.format("S"),
        "second": "from first import One\n" + text.format("Two") + shape.format("T"),
        "third": text.format("One"),
    }.items():
        (tmp_path / f"{name}.py").write_text(content)
        monkeypatch.delitem(sys.modules, name, raising=False)
    first, second, third = (str(tmp_path / f"{name}.py") for name in ("first", "second", "third"))
    users, shapes, tasks, shape = locust.main.merge_locustfiles_content([first, second])
    assert list(users) == ["One", "Two"] == list(tasks) and list(shapes) == ["S", "T"]
    assert shape is shapes["S"] and tasks["One"] is users["One"].tasks
    with pytest.raises(SystemExit, match="1"):
        locust.main.merge_locustfiles_content([first, third])
    assert capsys.readouterr().err == f"Duplicate user class names: One is defined in both {first} and {third}\n"
