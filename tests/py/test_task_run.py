"""The loop of task sets: order, waiting, exceptions, interruption, what may be overridden."""

import collections
import itertools
import logging
import random
import sys
import time

import pytest
from _locust import GreenletExit, Group
from fake import Environment, messages, run

import locust.env
from locust import SequentialTaskSet, TaskSet, User, between, constant, constant_pacing, constant_throughput, task
from locust.exception import (
    InterruptTaskSet,
    LocustError,
    MissingWaitTimeError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.user.task import DefaultTaskSet


def user_with(tasks, **attributes):
    return type("Mine", (User,), {"tasks": tasks, **attributes})


def steps(*actions):
    """A task that does one action after the other, and a list of those done."""
    done = []

    def step(self):
        action = actions[len(done)]
        done.append(action)
        if action is not None:
            raise action

    return step, done


# --- What a task is called with.


def test_tasks_of_a_user_get_the_user():
    seen = []

    def plain(user):
        seen.append(user)
        raise StopUser

    user = run(user_with([plain]))
    assert seen == [user]


def test_tasks_of_a_task_set_get_the_task_set():
    seen = []

    class Inner(TaskSet):
        @task
        def work(self):
            seen.append((type(self), self.parent, self.user, self.client))
            raise StopUser

    class Outer(TaskSet):
        tasks = [Inner]

        def on_start(self):
            seen.append((type(self), self.parent, self.user, self.client))
            self.mark = 1

    user = run(user_with([Outer], client="a client"))
    (outer, parent, outer_user, client), (inner, inner_parent, inner_user, inner_client) = seen
    assert (outer, parent, outer_user, client) == (Outer, user, user, "a client")
    assert (inner, type(inner_parent), inner_parent.mark, inner_user) == (Inner, Outer, 1, user)
    assert inner_client == "a client"


def test_own_bound_methods_get_no_argument():
    seen = []

    class Tasks(TaskSet):
        def on_start(self):
            self.schedule_task(self.method)
            self.schedule_task([].append)
            self.schedule_task(seen.append)

        def method(self):
            seen.append("method")

        @task
        def end(self):
            raise StopUser

    run(user_with([Tasks]))
    assert seen[0] == "method" and type(seen[1]) is Tasks


def test_properties_are_read_only():
    tasks = TaskSet(User(Environment()))
    for name in ("user", "parent", "client"):
        with pytest.raises(AttributeError):
            setattr(tasks, name, None)


def test_a_task_set_without_init_says_so():
    class Careless(TaskSet):
        def __init__(self, parent):
            pass

    with pytest.raises(AttributeError, match="super"):
        Careless(None).user
    with pytest.raises(AttributeError, match="super"):
        Careless(None).run()

    class Visitor(User):
        tasks = [Careless]

    with pytest.raises(AttributeError, match="super"):
        TaskSet(Visitor(Environment())).execute_task(Careless)


# --- The queue.


def test_scheduled_tasks_come_first():
    done = []

    class Tasks(TaskSet):
        def on_start(self):
            self.schedule_task(lambda s: done.append(1))
            self.schedule_task(lambda s: done.append(2))
            self.schedule_task(lambda s: done.append(0), first=True)

        @task
        def end(self):
            raise StopUser

    run(user_with([Tasks]))
    assert done == [0, 1, 2]


def test_the_queue_is_a_deque_that_may_be_replaced():
    done = []
    tasks = TaskSet(User(Environment()))
    assert tasks._task_queue == collections.deque()
    tasks._task_queue = collections.deque([lambda s: done.append("a"), lambda s: done.append("b")])
    tasks.execute_next_task()
    assert done == ["a"] and len(tasks._task_queue) == 1
    tasks.execute_next_task()
    with pytest.raises(IndexError):
        tasks.execute_next_task()


# --- Choosing.


def test_choice_follows_the_seed():
    def make(n):
        def function(user):
            picked.append(n)
            if len(picked) == 200:
                raise StopUser

        return function

    functions = [make(n) for n in range(7)]
    picked = []
    random.seed(42)
    run(user_with(functions))
    random.seed(42)
    assert picked == [random.choice(range(7)) for _ in range(200)]


def test_a_replaced_choice_is_used(monkeypatch):
    step, done = steps(None, None, StopUser())
    monkeypatch.setattr(random, "choice", lambda tasks: tasks[1])
    run(user_with([None, step, None]))
    assert len(done) == 3


@pytest.mark.parametrize("tasks", [[], None])
def test_no_tasks(tasks):
    class Mine(User):
        pass

    Mine.tasks = tasks
    with pytest.raises(Exception, match="No tasks defined on Mine") as caught:
        DefaultTaskSet(Mine(Environment())).get_next_task()
    assert type(caught.value) is Exception and "task' attribute" not in str(caught.value)
    Mine.task = 1
    with pytest.raises(Exception, match="but you have set a 'task' attribute"):
        DefaultTaskSet(Mine(Environment())).get_next_task()
    with pytest.raises(Exception, match="No tasks defined on TaskSet"):
        TaskSet(Mine(Environment())).get_next_task()


def test_a_sequence_goes_round_and_starts_anew():
    done = []

    class Sequence(SequentialTaskSet):
        @task
        def a(self):
            done.append("a")

        @task(2)
        def b(self):
            done.append("b")

        @task
        def c(self):
            done.append("c")
            if len(done) == 8:
                self.interrupt()
            if len(done) > 11:
                raise StopUser

    run(user_with([Sequence]))
    assert "".join(done) == "abbcabbcabbc"


def test_an_empty_sequence():
    with pytest.raises(LocustError):
        SequentialTaskSet(User(Environment())).get_next_task()


# --- Waiting.


def test_states():
    seen = []

    class Mine(User):
        def on_start(self):
            seen.append(self._state)

        def wait_time(self):
            seen.append(self._state)
            return 0

        @task
        def work(self):
            seen.append(self._state)
            if len(seen) > 3:
                raise StopUser

        def on_stop(self):
            seen.append(self._state)

    user = Mine(Environment())
    assert user._state is None
    run(Mine)
    assert seen == ["running", "running", "waiting", "running", "running"]


def test_wait_time_of_the_task_set_comes_first():
    class Mine(User):
        wait_time = constant(1)

    class Own(TaskSet):
        wait_time = constant(2)

    class Method(TaskSet):
        def wait_time(self):
            return 3

    user = Mine(Environment())
    assert [cls(user).wait_time() for cls in (TaskSet, Own, Method)] == [1, 2, 3]


def test_legacy_wait_times():
    class Mine(User):
        wait_time = None
        min_wait, max_wait = 1000, 3000

    class Own(TaskSet):
        min_wait, max_wait = 5000, 5000

    user = Mine(Environment())
    assert {TaskSet(user).wait_time() for _ in range(50)} <= {n / 1000 for n in range(1000, 3001)}
    assert TaskSet(user).min_wait == 1000
    assert Own(user).wait_time() == 5
    Mine.max_wait = None
    with pytest.raises(MissingWaitTimeError):
        TaskSet(user).wait_time()


def test_wait_functions():
    random.seed(1)
    expected = [2 + random.random() * 3 for _ in range(5)]
    random.seed(1)
    function = between(2, 5)
    assert [function(None) for _ in range(5)] == expected
    value = object()
    assert constant(value)("anything") is value
    with pytest.raises(TypeError):
        function()
    with pytest.raises(TypeError):
        between("1", 2)
    with pytest.raises(ZeroDivisionError):
        constant_throughput(0)


def test_a_replaced_random_is_used(monkeypatch):
    monkeypatch.setattr(random, "random", lambda: 0.5)
    assert between(1, 3)(None) == 2


def test_wait_functions_become_methods():
    class Mine(User):
        wait_time = between(1, 1)

    user = Mine(Environment())
    assert user.wait_time() == 1 and user.wait_time.__self__ is user
    assert repr(Mine.wait_time) == "between(1, 1)"
    user.wait_time = constant(1)
    with pytest.raises(TypeError):
        user.wait_time()


class Plain:
    """Any object with the two fields."""

    def __init__(self, unused):
        self._cp_last_run = time.perf_counter()
        self._cp_last_wait_time = 0


@pytest.mark.parametrize("make", [User, lambda env: TaskSet(User(env)), Plain])
@pytest.mark.parametrize("wait_time", [constant_pacing(0.2), constant_throughput(5)])
def test_pacing(make, wait_time):
    begin = time.perf_counter()
    instance = make(Environment())
    assert begin <= instance._cp_last_run <= time.perf_counter()
    assert instance._cp_last_wait_time == 0
    for before in (instance._cp_last_run, begin - 0.05, begin - 100):
        instance._cp_last_run, waited = before, instance._cp_last_wait_time
        begin = time.perf_counter()
        wait = wait_time(instance)
        assert begin <= instance._cp_last_run <= time.perf_counter()
        assert wait == pytest.approx(max(0, 0.2 - (instance._cp_last_run - before - waited)))
        assert instance._cp_last_wait_time == wait


@pytest.mark.parametrize("clock", [time.perf_counter, time.time])
def test_pacing_by_a_clock_of_the_locustfile(clock):
    instance = Plain(None)
    begin = clock()
    instance._cp_last_run, instance._cp_last_wait_time = begin - 10, 9.9
    wait = constant_pacing(0.2)(instance)
    assert 0.1 - (clock() - begin) - 1e-6 <= wait <= 0.1 + 1e-6


def test_pacing_in_a_loop():
    times, waits = [], []
    pace = constant_pacing(0.1)

    class Mine(User):
        def wait_time(self):
            waits.append(pace(self))
            return waits[-1]

        @task
        def work(self):
            times.append(time.perf_counter())
            time.sleep(0.03)
            if len(times) == 4:
                raise StopUser

    run(Mine)
    assert times[-1] - times[0] >= 0.299
    assert len(waits) == 3 and all(0 <= wait < 0.071 for wait in waits)


def test_waiting_lets_others_run():
    done = []

    class Mine(User):
        wait_time = constant(0)

        @task
        def work(self):
            done.append(self.name)
            if len(done) > 5:
                raise StopUser

    group, env = Group(), Environment()
    for name in "ab":
        user = Mine(env)
        user.name = name
        user.start(group)
    assert group.join(timeout=5)
    assert "".join(done[:6]) == "ababab"


def test_sleep_can_be_replaced(monkeypatch):
    slept = []
    monkeypatch.setattr(TaskSet, "_sleep", lambda self, seconds: slept.append(seconds))
    step, _ = steps(None, None, StopUser())
    run(user_with([step], wait_time=constant(60)))
    assert slept == [60, 60]


def test_user_wait_is_that_of_the_root():
    waited = []

    class Mine(User):
        wait_time = constant(0)

        @task
        def work(self):
            self._taskset_instance._sleep = waited.append
            self.wait()
            raise StopUser

    run(Mine)
    assert waited == [0]


def test_wait_ends_a_stopping_user():
    user = User(Environment())
    user._state = "".join(["stop", "ping"])
    with pytest.raises(StopUser):
        TaskSet(user).wait()
    assert user._state == "stopping"


def test_stopping_during_the_sleep_ends_the_user():
    class Tasks(TaskSet):
        def _sleep(self, seconds):
            self.user._state = "stopping"

    user = User(Environment())
    user._state = "running"
    with pytest.raises(StopUser):
        Tasks(user).wait()


def test_a_stopping_user_runs_no_task():
    step, done = steps(None)

    class Mine(User):
        tasks = [step]

        def on_start(self):
            self._state = "stopping"

    assert run(Mine)._state == "stopping" and done == []


# --- Exceptions.


class Recorder:
    """An environment that records user errors, and a task set that records its life."""

    def __init__(self, **options):
        self.environment = Environment(**options)
        self.errors, self.life = [], []
        self.environment.events.user_error.add_listener(self.on_error)

    def on_error(self, user_instance, exception, tb):
        assert sys.exc_info()[1] is exception and exception.__traceback__ is tb
        self.errors.append((type(user_instance).__name__, exception))

    def taskset(self, *actions, stop_with=None):
        step, self.done = steps(*actions)

        class Tasks(TaskSet):
            tasks = [step]

            def on_start(tasks):
                self.life.append("on_start")

            def on_stop(tasks):
                self.life.append(f"on_stop after {type(sys.exc_info()[1]).__name__}")
                if stop_with is not None:
                    raise stop_with

            def wait(tasks):
                self.life.append("wait")

        return Tasks

    def run(self, *actions, **kwargs):
        """Runs a task set alone; returns what it ended with."""
        tasks = self.taskset(*actions, **kwargs)(User(self.environment))
        with pytest.raises(Exception) as caught:
            tasks.run()
        return caught.value


def test_reschedule_immediately_does_not_wait():
    r = Recorder()
    r.run(RescheduleTaskImmediately(), RescheduleTask(), None, StopUser())
    assert r.life == ["on_start", "wait", "wait", "on_stop after StopUser"]
    assert r.errors == []


@pytest.mark.parametrize("reschedule, raised", [(True, RescheduleTaskImmediately), (False, RescheduleTask)])
def test_interrupt_goes_to_the_parent(reschedule, raised):
    r = Recorder()
    interrupt = InterruptTaskSet(reschedule)
    error = r.run(interrupt)
    assert type(error) is raised and error.__cause__ is interrupt and error.args == (reschedule,)
    assert r.life == ["on_start", "on_stop after InterruptTaskSet"]


@pytest.mark.parametrize("reschedule", [True, False])
def test_interrupt_method(reschedule):
    with pytest.raises(InterruptTaskSet) as caught:
        TaskSet(User(Environment())).interrupt(reschedule)
    assert caught.value.reschedule is reschedule
    with pytest.raises(InterruptTaskSet) as caught:
        TaskSet(User(Environment())).interrupt()
    assert caught.value.reschedule is True


@pytest.mark.parametrize("reschedule, raised", [(True, RescheduleTaskImmediately), (False, RescheduleTask)])
def test_interrupt_in_on_start(reschedule, raised):
    stopped = []

    class Tasks(TaskSet):
        def on_start(self):
            self.interrupt(reschedule=reschedule)

        def on_stop(self):
            stopped.append(self)

    with pytest.raises(raised):
        Tasks(User(Environment())).run()
    assert stopped == []


def test_other_exceptions_of_on_start_pass():
    stopped = []

    class Tasks(TaskSet):
        def on_start(self):
            raise StopUser

        def on_stop(self):
            stopped.append(self)

    with pytest.raises(StopUser):
        Tasks(User(Environment())).run()
    assert stopped == []


@pytest.mark.parametrize("exception", [StopUser, StopTest, GreenletExit])
def test_stop_exceptions_call_on_stop(exception):
    r = Recorder()
    error = exception("x")
    step = r.taskset(error)(User(r.environment))
    with pytest.raises(exception) as caught:
        step.run()
    assert caught.value is error
    assert r.life == ["on_start", f"on_stop after {exception.__name__}"] and r.errors == []


def test_errors_in_on_stop_are_logged(caplog):
    r = Recorder()
    assert type(r.run(StopUser(), stop_with=ValueError("bad stop"))) is StopUser
    (message,) = messages(caplog, "root")
    assert message.startswith("Uncaught exception in on_stop") and "ValueError: bad stop" in message
    assert type(r.run(InterruptTaskSet(), stop_with=ValueError("bad stop"))) is RescheduleTaskImmediately


@pytest.mark.parametrize("exception", [StopUser, StopTest, GreenletExit, KeyboardInterrupt])
def test_stop_exceptions_in_on_stop_pass(exception):
    tasks = Recorder().taskset(InterruptTaskSet(), stop_with=exception("stop"))(User(Environment()))
    with pytest.raises(exception):
        tasks.run()


@pytest.mark.parametrize("exception", [StopUser, StopTest, RescheduleTask])
def test_a_stop_is_not_replaced_by_one_in_on_stop(exception, caplog):
    r = Recorder()
    error = StopTest("the first")
    assert r.run(error, stop_with=exception("the second")) is error
    assert len(messages(caplog, "root")) == 1


def test_errors_are_reported_logged_and_waited_for(caplog):
    r = Recorder()
    error = ValueError("100 % wrong")
    r.run(error, None, StopUser())
    assert r.errors == [("Tasks", error)]
    assert r.life == ["on_start", "wait", "wait", "on_stop after StopUser"]
    (message,) = messages(caplog, "locust.user.task")
    assert message.startswith("100 % wrong\nTraceback (most recent call last):\n")
    assert message.endswith("ValueError: 100 % wrong\n")


def test_errors_are_raised_if_not_caught(caplog):
    r = Recorder(catch_exceptions=False)
    error = ValueError("x")
    assert r.run(error) is error
    assert r.errors == [("Tasks", error)] and r.life == ["on_start"]
    assert messages(caplog, "locust.user.task") == []


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, BaseException])
def test_base_exceptions_pass_without_on_stop(exception):
    r = Recorder()
    tasks = r.taskset(exception())(User(r.environment))
    with pytest.raises(exception):
        tasks.run()
    assert r.life == ["on_start"] and r.errors == []


def test_an_error_in_wait_is_an_error(caplog):
    r = Recorder()

    class Tasks(TaskSet):
        tasks = [lambda self: None]
        count = 0

        def wait(self):
            self.count += 1
            if self.count == 1:
                raise ValueError("wait")
            raise StopUser

    with pytest.raises(StopUser):
        Tasks(User(r.environment)).run()
    assert [str(e) for _, e in r.errors] == ["wait"]


def test_an_error_in_the_wait_after_an_error_escapes(caplog):
    r = Recorder()

    class Tasks(TaskSet):
        tasks = [lambda self: None]

        def wait(self):
            raise ValueError("wait")

    with pytest.raises(ValueError, match="wait"):
        Tasks(User(r.environment)).run()
    assert len(r.errors) == 1


def test_reschedule_in_get_next_task_is_an_error():
    r = Recorder(catch_exceptions=False)

    class Tasks(TaskSet):
        def get_next_task(self):
            raise RescheduleTask

    with pytest.raises(RescheduleTask):
        Tasks(User(r.environment)).run()
    assert len(r.errors) == 1


def test_nested_sets_stop_from_the_inside_out():
    life = []

    class Inner(TaskSet):
        @task
        def work(self):
            raise StopUser

        def on_stop(self):
            life.append("inner")

    class Outer(TaskSet):
        tasks = [Inner]

        def on_stop(self):
            life.append("outer")

    class Mine(User):
        tasks = [Outer]

        def on_stop(self):
            life.append("user")

    run(Mine)
    assert life == ["inner", "outer", "user"]


def test_endless_nesting_is_an_error_not_a_crash(caplog):
    class Endless(TaskSet):
        pass

    Endless.tasks = [Endless]
    environment = Environment(catch_exceptions=False)
    with pytest.raises(RecursionError):
        Endless(User(environment)).run()


# --- What may be overridden or replaced.


@pytest.mark.parametrize("cls", [TaskSet, DefaultTaskSet])
def test_execute_task_can_be_wrapped_on_the_class(cls, monkeypatch):
    calls = []
    original = cls.execute_task

    def wrapper(self, function):
        calls.append((type(self), function))
        return original(self, function)

    monkeypatch.setattr(cls, "execute_task", wrapper)
    step, done = steps(None, StopUser())
    if cls is TaskSet:
        inner = type("Inner", (TaskSet,), {"tasks": [step]})
        run(user_with([inner]))
        assert calls == [(inner, step)] * 2
    else:
        run(user_with([step]))
        assert calls == [(DefaultTaskSet, step)] * 2


@pytest.mark.parametrize(
    "name",
    "execute_next_task get_next_task schedule_task wait wait_time _sleep execute_task run".split(),
)
@pytest.mark.parametrize("on_instance", [False, True])
def test_every_method_can_be_overridden(name, on_instance):
    calls = []
    step, done = steps(None, None, StopUser())

    class Tasks(TaskSet):
        tasks = [step]

        def __init__(self, parent):
            super().__init__(parent)
            if on_instance:
                original = getattr(self, name)

                def replaced(*args, **kwargs):
                    calls.append(name)
                    return original(*args, **kwargs)

                setattr(self, name, replaced)

    if not on_instance:
        original = getattr(TaskSet, name)

        def overridden(self, *args, **kwargs):
            calls.append(name)
            return original(self, *args, **kwargs)

        setattr(Tasks, name, overridden)
    run(user_with([Tasks]))
    assert len(done) == 3
    assert len(calls) == {"run": 1, "wait": 2, "wait_time": 2, "_sleep": 2}.get(name, 3)


def test_a_task_set_whose_run_returns_is_a_task_that_returns():
    ran = []

    class Short(TaskSet):
        def run(self):
            ran.append(self)
            if len(ran) == 2:
                raise StopUser

    run(user_with([Short]))
    assert len(ran) == 2


def test_the_parent_may_be_any_object():
    class Somebody:
        min_wait = max_wait = wait_function = None
        _state = "running"
        wait_time = constant(0)

    somebody = Somebody()
    step, done = steps(None, StopUser())
    tasks = type("Tasks", (TaskSet,), {"tasks": [step]})(somebody)
    with pytest.raises(StopUser):
        tasks.run()
    assert somebody._state == "running" and len(done) == 2


def test_what_is_replaced_when_the_test_starts_is_used():
    """As plugins do it: on the classes, in a listener of test_start."""
    seen = []

    class Inner(TaskSet):
        @task
        def work(self):
            raise StopUser

    class Mine(User):
        wait_time = constant(3600)
        tasks = [Inner]

        def on_start(self):
            self.begun = time.monotonic()
            self._taskset_instance.schedule_task(self.first)

        def first(self, _user):
            seen.append("first")

    environment = locust.env.Environment(user_classes=[Mine])
    originals = {cls: cls.execute_task for cls in (TaskSet, DefaultTaskSet)}

    @environment.events.test_start.add_listener
    def on_test_start(**_kwargs):
        for cls, original in originals.items():
            cls.execute_task = lambda self, task, original=original: (
                seen.append((type(self).__name__, task.__name__)), original(self, task=task)
            )  # fmt: skip
        Mine.wait_time = constant(0)

    runner = environment.create_local_runner()
    try:
        runner.start(1, spawn_rate=1)
        end = time.monotonic() + 5
        while len(seen) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        for cls, original in originals.items():
            cls.execute_task = original
        runner.quit()
    assert seen == [("DefaultTaskSet", "first"), "first", ("DefaultTaskSet", "Inner"), ("Inner", "work")]


def test_a_prepared_queue_on_the_class():
    """A user's root takes what is in a queue that somebody has put there, then chooses again."""
    done = []

    class Mine(User):
        wait_time = constant(0)

        def on_start(self):
            queue = [lambda user, n=n: done.append(n) for n in range(3)]
            self._taskset_instance._task_queue = collections.deque(queue)

        @task
        def end(self):
            raise StopUser

    run(Mine)
    assert done == [0, 1, 2]


def test_a_sequence_has_a_cycle():
    class Sequence(SequentialTaskSet):
        tasks = [len, max, min]

    first, second, third = (Sequence(User(Environment())) for _ in range(3))
    assert [first.get_next_task() for _ in range(4)] == [len, max, min, len]
    assert next(first._task_cycle) is max and first.get_next_task() is min
    assert next(second._task_cycle) is len and second.get_next_task() is max
    third.get_next_task()
    third._task_cycle = itertools.cycle(reversed(third.tasks))
    assert [third.get_next_task() for _ in range(4)] == [min, max, len, min]
    third._task_cycle = iter([])
    with pytest.raises(StopIteration):
        third.get_next_task()
    with pytest.raises(TypeError, match="_task_cycle is an iterator"):
        third._task_cycle = [1]
    assert not hasattr(TaskSet(User(Environment())), "_task_cycle")


def test_methods_take_keywords():
    tasks = TaskSet(User(Environment()))
    done = []
    tasks.execute_task(task=done.append)
    DefaultTaskSet(tasks.user).execute_task(task=done.append)
    assert done == [tasks, tasks.user]
    tasks._sleep(seconds=0)
    tasks.schedule_task(task_callable=len, first=True)
    for wrong in ({}, {"task": 1, "more": 2}, {"other": 1}):
        with pytest.raises(TypeError):
            tasks.execute_task(**wrong)


def test_no_logging_by_default(caplog):
    with caplog.at_level(logging.DEBUG):
        step, _ = steps(None, StopUser())
        run(user_with([step]))
    assert caplog.records == []


# --- Another user.


def test_a_task_set_may_get_another_user_while_it_runs():
    seen = []

    class Other(User):
        wait_time = constant(0.01)

        def __del__(self):
            seen.append("gone")

    class Inner(TaskSet):
        @task
        def work(self):
            seen.append(type(self.user).__name__)
            if len(seen) == 1:
                self._user = Other(self.user.environment)
                self._parent = self.user
            elif len(seen) == 2:
                assert self.parent is self.user
                self._user = mine  # nobody else has the other
            else:
                raise StopUser

    user_class = user_with([])
    user_class.wait_time = constant(0)
    mine = user_class(Environment())
    inner = Inner(mine)
    with pytest.raises(StopUser):
        inner.run()
    assert seen == ["Mine", "Other", "Mine"] and mine._state == "running"
    inner._parent = mine
    assert seen == ["Mine", "Other", "Mine", "gone"]
    for name in ("_user", "_parent"):
        with pytest.raises(AttributeError, match=name):
            delattr(inner, name)


def test_the_state_of_a_user_that_a_task_set_got_is_that_which_counts():
    class Inner(TaskSet):
        @task
        def work(self):
            other._state = "stopping"
            self._user = other

    mine, other = user_with([])(Environment()), user_with([])(Environment())
    with pytest.raises(StopUser):
        Inner(mine).run()


def test_a_task_set_without_init():
    class Inner(TaskSet):
        @task
        def work(self):
            raise StopUser

    inner = Inner.__new__(Inner)
    inner._user = user_with([])(Environment())
    with pytest.raises(AttributeError, match="_parent"):
        inner.parent  # noqa: B018
    with pytest.raises(StopUser):
        inner.run()
