"""What Locust 0.x had: classes, waiting times, sequences, names of modules; and that each is warned of."""

import importlib
import inspect
import random
import subprocess
import sys
import time
import warnings

import pytest
from _locust import Group, sleep
from fake import Environment, run

import locust
from locust import HttpLocust, HttpUser, Locust, TaskSet, User, legacy, runners, task
from locust.contrib import fasthttp
from locust.exception import StopUser
from locust.legacy.runners import OldRunner
from locust.legacy.tasks import TaskSequence, seq_task
from locust.legacy.users import FastHttpLocust, old_class
from locust.user.users import UserMeta
from locust.util import deprecation
from locust.util.load_locustfile import is_user_class


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """Nothing has been warned of yet; gives the warnings that come."""
    monkeypatch.setattr(legacy, "_told", set())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def texts(told):
    return [str(warning.message) for warning in told]


class Behaviour(TaskSet):
    def on_start(self):
        self.user.seen = []

    @task
    def work(self):
        self.user.seen.append(self)
        raise StopUser


# --- Classes.


def test_a_class_with_a_task_set_runs():
    class Visitor(Locust):
        task_set = Behaviour
        min_wait = max_wait = 0

    assert Visitor.tasks == [Behaviour] and is_user_class(Visitor)
    (tasks,) = run(Visitor).seen
    assert type(tasks) is Behaviour and tasks.parent is tasks.user


def test_the_task_set_may_be_nested_and_decorated():
    class Visitor(Locust):
        class task_set(TaskSet):
            @task
            def work(self):
                pass

    class Decorated(Locust):
        @task
        class task_set(TaskSet):
            pass

    assert Visitor.tasks == [Visitor.task_set] and Decorated.tasks == [Decorated.task_set]


def test_a_subclass_replaces_the_task_set():
    class Other(Behaviour):
        pass

    class Base(Locust):
        task_set = Behaviour

    class Same(Base):
        weight = 3

    class Different(Base):
        task_set = Other

    assert (Base.tasks, Same.tasks, Different.tasks) == ([Behaviour], [Behaviour], [Other])


def test_without_tasks_a_class_is_abstract():
    class Client(Locust):
        pass

    class _Hidden(Client):
        task_set = Behaviour

    class Visible(Client):
        task_set = Behaviour

    assert [is_user_class(cls) for cls in (Locust, HttpLocust, Client, _Hidden, Visible)] == [False] * 4 + [True]


def test_what_they_are():
    assert issubclass(Locust, User) and isinstance(Locust, UserMeta)
    assert issubclass(HttpLocust, Locust) and issubclass(HttpLocust, HttpUser)
    assert locust.HttpLocust is deprecation.DeprecatedHttpLocustClass is HttpLocust
    assert deprecation.DeprecatedLocustClass is Locust
    assert fasthttp.FastHttpLocust is deprecation.DeprecatedFastHttpLocustClass is FastHttpLocust
    assert issubclass(FastHttpLocust, Locust) and issubclass(FastHttpLocust, locust.FastHttpUser)


def test_the_old_form_of_another_class():
    class FancyUser(User):
        abstract = True
        fancy = True

    fancy = old_class("FancyLocust", FancyUser, "FancyUser")
    cls = type(fancy)("Mine", (fancy,), {"task_set": Behaviour, "min_wait": 0, "max_wait": 0})
    assert fancy.abstract and cls.fancy and cls.min_wait == 0
    assert len(run(cls).seen) == 1


def test_http_locust_has_a_session():
    class Visitor(HttpLocust):
        task_set = Behaviour
        host = "http://127.0.0.1:9"

    user = Visitor(Environment())
    assert user.client.base_url == user.host and TaskSet(user).client is user.client


@pytest.mark.parametrize("base", [Locust, HttpLocust])
def test_constructors_may_take_nothing(base):
    class Visitor(base):
        task_set = Behaviour
        host = "http://127.0.0.1:9"
        min_wait = max_wait = 0

        def __init__(self):
            super().__init__()
            self.mark = self.environment

    class Passing(base):
        task_set = Behaviour
        host = "http://127.0.0.1:9"

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.mark = self.environment

    environment = Environment()
    assert Visitor(environment).mark is environment and Passing(environment).mark is environment
    run(Visitor)


def test_self_locust_is_the_user(told):
    tasks = TaskSet(TaskSet(Locust(Environment())))
    assert tasks.locust is tasks.user and tasks.locust is tasks.user
    assert texts(told) == ["self.locust is of Locust 0.x: write self.user"]
    tasks.locust = 1
    assert tasks.locust == 1


def test_an_interrupt_of_the_task_set_begins_it_anew():
    begun = []

    class Tasks(TaskSet):
        def on_start(self):
            begun.append(self)
            if len(begun) == 3:
                raise StopUser

        @task
        def leave(self):
            self.interrupt()

    class Visitor(Locust):
        task_set = Tasks
        min_wait = max_wait = 0

    run(Visitor)
    assert len(begun) == 3


def test_stop_timeout_ends_the_user():
    class Tasks(TaskSet):
        @task
        def work(self):
            pass

    class Visitor(Locust):
        task_set = Tasks
        min_wait = max_wait = 20
        stop_timeout = 0.1

    class Sleeping(Visitor):
        min_wait = max_wait = 60000

    for cls, state in ((Visitor, ("waiting", "stopping")), (Sleeping, ("waiting",))):
        start = time.monotonic()
        user = run(cls)
        assert 0.1 <= time.monotonic() - start < 4
        assert user._state in state and user.greenlet.successful()


def test_setup_and_teardown_are_called_once():
    called = []

    class Inner(TaskSet):
        def setup(self):
            called.append("inner setup")

        def teardown(self):
            called.append("inner teardown")

        @task
        def work(self):
            raise StopUser

    class Outer(TaskSet):
        tasks = [Inner]

        def setup(self):
            called.append("outer setup")

        def on_start(self):
            called.append("outer on_start")

    class Visitor(Locust):
        task_set = Outer
        min_wait = max_wait = 0

        def setup(self):
            called.append("setup")

        def teardown(self):
            called.append("teardown")

    environment = Environment()
    run(Visitor, environment=environment)
    run(Visitor, environment=environment)
    environment.events.quitting.fire(environment=environment, reverse=True)
    assert called == [
        "setup", "outer setup", "outer on_start", "inner setup", "outer on_start", "inner teardown", "teardown",
    ]  # fmt: skip


# --- Waiting.


def wait_of(user_class, tasks_class=TaskSet):
    return tasks_class(user_class(Environment())).wait_time()


def test_milliseconds():
    class Visitor(Locust):
        min_wait = 100
        max_wait = 300

    class Tasks(TaskSet):
        min_wait = 5000
        max_wait = 5000

    random.seed(3)
    expected = [random.randint(100, 300) / 1000 for _ in range(20)]
    random.seed(3)
    assert [wait_of(Visitor) for _ in range(20)] == expected
    assert wait_of(Visitor, Tasks) == 5
    assert wait_of(Locust) == 1


def test_wait_function():
    class Visitor(Locust):
        wait_function = lambda self: self.milliseconds  # noqa: E731
        milliseconds = 250

    class Tasks(TaskSet):
        def wait_function(self):
            return 1500.5

    assert wait_of(Visitor) == 0.25
    assert wait_of(Visitor, Tasks) == 1.5005


def test_wait_time_comes_first():
    class Visitor(Locust):
        min_wait = max_wait = 100
        wait_time = locust.constant(7)

    assert wait_of(Visitor) == 7


# --- Sequences.


def test_a_task_sequence_is_in_its_order():
    done = []

    class Sequence(TaskSequence):
        @seq_task(3)
        def third(self):
            done.append("c")

        @seq_task(1)
        @task(2)
        def first(self):
            done.append("a")

        @task
        @seq_task(2)
        class Second(TaskSet):
            def on_start(self):
                done.append("b")
                self.interrupt()

        @seq_task(4)
        def last(self):
            done.append("d")
            if len(done) > 6:
                raise StopUser

    class Visitor(Locust):
        task_set = Sequence
        min_wait = max_wait = 0

    run(Visitor)
    assert "".join(done) == "aabcdaabcd"


def test_task_sequences_can_be_extended():
    class Base(TaskSequence):
        @seq_task(2)
        def b(self):
            pass

    class More(Base):
        @seq_task(1)
        def a(self):
            pass

        @seq_task(3)
        def c(self):
            pass

    assert More.tasks == [More.a, Base.b, More.c]


# --- Names of modules.


@pytest.mark.parametrize(
    "module, name, new",
    [
        ("locust", "InterruptTaskSet", locust.exception.InterruptTaskSet),
        ("locust", "RescheduleTaskImmediately", locust.exception.RescheduleTaskImmediately),
        ("locust", "ResponseError", locust.exception.ResponseError),
        ("locust", "TaskSequence", TaskSequence),
        ("locust", "seq_task", seq_task),
        ("locust.exception", "StopLocust", StopUser),
        ("locust.runners", "LocustRunner", runners.Runner),
        ("locust.runners", "LocalLocustRunner", runners.LocalRunner),
        ("locust.core", "HttpLocust", HttpLocust),
        ("locust.core", "Locust", Locust),
        ("locust.core", "TaskSet", TaskSet),
        ("locust.core", "TaskSequence", TaskSequence),
        ("locust.core", "task", task),
        ("locust.core", "seq_task", seq_task),
        ("locust.core", "events", locust.events),
        ("locust.wait_time", "between", locust.between),
        ("locust.events", "quitting", locust.events.quitting),
        ("locust.events", "EventHook", locust.event.EventHook),
    ],
)
def test_old_names(module, name, new):
    assert getattr(importlib.import_module(module), name) is new


@pytest.mark.parametrize("module", ["locust", "locust.exception", "locust.runners", "locust.stats"])
def test_other_names_are_missing_as_ever(module):
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nonsense'"):
        importlib.import_module(module).nonsense


def test_events_stay_what_they_are():
    import locust.events as module

    assert module is locust.events and isinstance(module, locust.event.Events)


def test_inspectlocust():
    module = importlib.import_module("locust.inspectlocust")

    class Visitor(Locust):
        weight = 3
        task_set = Behaviour

    class Other(Visitor):
        weight = 1

    assert module.get_task_ratio_dict(Visitor.tasks) == {
        "Behaviour": {"ratio": 1.0, "tasks": {"work": {"ratio": 1.0}}}
    }
    ratios = module.get_task_ratio_dict([Visitor, Other])
    assert {name: entry["ratio"] for name, entry in ratios.items()} == {"Visitor": 0.75, "Other": 0.25}


def test_locust_runner(monkeypatch):
    monkeypatch.setattr(legacy.runners, "_environment", None)
    assert runners.locust_runner is None
    type(Locust)("Visitor", (Locust,), {"task_set": Behaviour})
    environment = locust.env.Environment(host="http://x")
    runner = environment.create_local_runner()
    locust.events.init.fire(environment=environment, runner=runner, web_ui=None)
    old = runners.locust_runner
    assert isinstance(old, OldRunner) and isinstance(old, runners.LocalRunner)
    assert (old.host, old.stats, old.state) == ("http://x", runner.stats, "ready")
    assert (old.user_count, old.num_requests, old.options) == (0, 0, None)
    assert old.request_stats is runner.stats.entries and old.quit == runner.quit
    assert old.locust_classes is runner.user_classes
    old.mark = 1
    assert runner.mark == 1
    assert locust.stats.global_stats is environment.stats
    runner.quit()


# --- Warnings.


def test_each_is_warned_of_once_at_the_line_that_uses_it(told):
    class First(HttpLocust):
        task_set = Behaviour
        min_wait = 1
        max_wait = 1

    class Second(HttpLocust):
        task_set = Behaviour
        min_wait = 1

    line = inspect.getsourcelines(First)[1]
    assert texts(told) == [
        "class HttpLocust is of Locust 0.x: write class First(HttpUser)",
        "task_set is of Locust 0.x: write tasks = [Behaviour]",
        "min_wait is of Locust 0.x: write wait_time = between(seconds, seconds), or a method wait_time",
        "max_wait is of Locust 0.x: write wait_time = between(seconds, seconds), or a method wait_time",
    ]
    assert {(w.filename, w.category) for w in told} == {(__file__, DeprecationWarning)}
    assert abs(told[0].lineno - line) < 3


def test_modern_files_are_not_warned(told):
    class Modern(User):
        @task
        def work(self):
            raise StopUser

    run(Modern)
    assert texts(told) == []


def test_task_set_of_a_modern_class_is_warned_of(told):
    type("Mine", (User,), {"task_set": Behaviour})
    assert texts(told) == [
        "Usage of User.task_set is deprecated since version 1.0. Set the tasks attribute instead (tasks = [Behaviour])"
    ]


def test_warnings_are_shown_whatever_the_file_is_called(tmp_path):
    file = tmp_path / "some_test.py"
    file.write_text("from locust import HttpLocust, TaskSet\nclass A(HttpLocust):\n    task_set = TaskSet\n")
    done = subprocess.run(
        [sys.executable, "-c", "import some_test"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert f"{file}:2: DeprecationWarning: class HttpLocust" in done.stderr


def test_modern_files_do_not_load_what_is_old():
    script = (
        "import sys; from locust import *\n"
        "events.request.add_listener(print)\n"
        "old = {'locust.core', 'locust.events', 'locust.legacy.events', 'locust.legacy.tasks', 'locust.wait_time'}\n"
        "print(old & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_groups_are_empty_after_stop_timeout():
    """The timer of a user that ends before its stop_timeout goes with it."""

    class Visitor(Locust):
        task_set = Behaviour
        min_wait = max_wait = 0
        stop_timeout = 3600

    group = Group()
    user = Visitor(Environment())
    user.start(group)
    assert group.join(timeout=5)
    sleep(0)
    assert len(group) == 0
