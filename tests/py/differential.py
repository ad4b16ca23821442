"""Scenarios that must take the same course here and with another Locust.

Run as a program it prints one JSON object: for each scenario the trace of what happened. It uses
nothing but Locust's public names, so that any interpreter that can import locust can run it.
"""

import json
import logging
import random

try:
    from _locust import Group
except ImportError:
    from gevent.pool import Group

import locust.log
from locust import SequentialTaskSet, TaskSet, User, between, constant, events, tag, task
from locust.event import EventHook, Events
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user.task import DefaultTaskSet, filter_tasks_by_tags

ACTIONS = [
    None,
    RescheduleTask,
    RescheduleTaskImmediately,
    lambda: InterruptTaskSet(True),
    lambda: InterruptTaskSet(False),
    ValueError,
    KeyError,
]
ENDS = [StopUser, StopTest]


class Environment:
    def __init__(self, catch_exceptions=True):
        self.events = Events()
        self.catch_exceptions = catch_exceptions


class Trace(logging.Handler):
    """A list of what happened, log messages included."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append([record.name, record.levelname, record.getMessage().split("\n")[0].strip(" :")])

    def __call__(self, *what):
        self.lines.append(list(what))


def traced(function, *args):
    """Runs a scenario with a fresh trace; returns the lines."""
    trace = Trace()
    root = logging.getLogger()
    root.handlers[:] = [trace]
    function(trace, *args)
    return trace.lines


def join(user):
    group = Group()
    user.start(group)
    if not group.join(timeout=20):
        group.kill()
        raise RuntimeError("the user did not end")


def make_task(trace, name, budget):
    """A task that does something at random, and ends the user when the budget is spent."""

    def function(self):
        trace(name, type(self).__name__)
        budget[0] -= 1
        action = random.choice(ACTIONS if budget[0] > 0 else ENDS)
        if action is not None:
            raise action()

    return function


def make_set(trace, name, base, tasks):
    def on_start(self):
        trace("on_start", name)
        if random.random() < 0.1:
            self.interrupt(reschedule=random.random() < 0.5)

    def on_stop(self):
        trace("on_stop", name, self.user._state)
        if random.random() < 0.3:
            raise random.choice([ValueError, StopUser, RescheduleTask])("in on_stop")

    def wait(self):
        trace("wait", name)
        base.wait(self)

    body = {"on_start": on_start, "on_stop": on_stop, "tasks": tasks}
    if random.random() < 0.5:
        body["wait"] = wait
    return type(name, (base,), body)


def random_walk(trace, seed):
    """Nested task sets of all kinds, whose tasks raise everything there is."""
    random.seed(seed)
    budget = [60]
    leaves = [make_task(trace, f"task{i}", budget) for i in range(4)]
    inner = make_set(trace, "Inner", random.choice([TaskSet, SequentialTaskSet]), leaves[:2])
    middle = make_set(trace, "Middle", random.choice([TaskSet, SequentialTaskSet]), [inner, leaves[2]])
    environment = Environment(catch_exceptions=seed % 5 != 0)
    environment.events.user_error.add_listener(
        lambda user_instance, exception, tb: trace("error", type(user_instance).__name__, type(exception).__name__)
    )

    class Walker(User):
        wait_time = constant(0)
        tasks = {middle: 2, leaves[3]: 1}

        def on_start(self):
            trace("user starts", self._state)

        def on_stop(self):
            trace("user stops", self._state)

    user = Walker(environment)
    join(user)
    trace("end", user._state, type(user.greenlet.exception).__name__)


def firing(trace, seed):
    """An event hook whose handlers raise, come and go."""
    random.seed(seed)
    hook = EventHook()
    raises = [None, None, ValueError, StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet]

    def handler(number):
        def handle(**kwargs):
            trace(number, kwargs)
            if random.random() < 0.1:
                hook.add_listener(handler(number + 100))
            if random.random() < 0.1:
                hook.remove_listener(random.choice(hook._handlers))
            action = random.choice(raises)
            if action is not None:
                raise action()

        return handle

    for number in range(5):
        hook.add_listener(handler(number))
    for number in range(10):
        locust.log.unhandled_greenlet_exception = False
        try:
            hook.fire(n=number, reverse=random.random() < 0.3)
        except Exception as e:
            trace("raised", type(e).__name__)
        trace(locust.log.unhandled_greenlet_exception)


def collection(trace, seed):
    """Classes with tasks of all forms, and what is left of them after filtering."""
    random.seed(seed)

    def leaf(name):
        def function(self):
            pass

        function.__name__ = name
        if random.random() < 0.5:
            function = task(random.randrange(3))(function)
        if random.random() < 0.6:
            function = tag(*random.sample("abc", random.randrange(1, 3)))(function)
        return function

    def body(level):
        functions = [leaf(f"t{level}{i}") for i in range(4)]
        result = {f.__name__: f for f in functions[:2]}
        if random.random() < 0.7:
            form = random.randrange(3)
            result["tasks"] = (
                functions[2:] if form == 0 else dict.fromkeys(functions[2:], 2) if form == 1 else [(functions[3], 2)]
            )
        return result

    base = random.choice([TaskSet, SequentialTaskSet])
    first = type("First", (base,), body(1))
    second = type("Second", (first,), body(2))
    nested = task(2)(type("Nested", (TaskSet,), body(3)))
    user = type("Mine", (User,), {**body(4), "nested": nested, "second": task(second)})
    child = type("Child", (user,), body(5))
    for cls in (first, second, nested, user, child):
        trace(cls.__name__, [getattr(t, "__name__", str(type(t))) for t in cls.tasks])
    if base is TaskSet:
        filter_tasks_by_tags(child, random.choice([None, {"a"}, {"a", "b"}]), random.choice([None, {"c"}, {"b"}]))
        for cls in (second, nested, child):
            trace(cls.__name__, [t.__name__ for t in cls.tasks])


def seeded_run(trace, seed):
    """What a seed decides: tasks by weight, waiting times, the way through a Markov chain."""
    random.seed(seed)
    length = [0]

    def leaf(name):
        def function(self):
            trace(name, random.random())
            length[0] += 1
            if length[0] > 80:
                raise StopUser
            if random.random() < 0.1 and isinstance(self, TaskSet):
                self.interrupt(reschedule=random.random() < 0.5)

        function.__name__ = name
        return function

    def sleep(self, seconds):
        trace("wait", seconds)

    names = "abcd"
    weights = [random.randrange(1, 4) for _ in names]
    nested = type("Nested", (TaskSet,), {"tasks": dict(zip(map(leaf, names), weights)), "_sleep": sleep})
    old = type("Old", (TaskSet,), {"tasks": [leaf("o")], "wait_time": lambda self: random.randint(1, 9)})
    kinds = [nested, old]
    if hasattr(locust, "MarkovTaskSet"):
        body = {n: locust.transitions({m: random.randrange(1, 3) for m in names})(leaf(n)) for n in names}
        kinds.append(type("Chain", (locust.MarkovTaskSet,), {**body, "_sleep": sleep}))
    tasks = {kind: random.randrange(1, 5) for kind in [*kinds, leaf("e"), leaf("f")]}
    old._sleep = sleep
    saved, DefaultTaskSet._sleep = DefaultTaskSet._sleep, sleep
    try:
        join(type("Mine", (User,), {"tasks": tasks, "wait_time": between(1, 5)})(Environment()))
    finally:
        DefaultTaskSet._sleep = saved
    trace(random.random())


def without_wording(line):
    """Log messages are compared by their beginning only, where the wording is our own."""
    return [part.split(" after filtering")[0] if isinstance(part, str) else part for part in line]


def main():
    assert isinstance(events, Events)
    result = {}
    for scenario, runs in ((random_walk, 120), (firing, 40), (collection, 60), (seeded_run, 40)):
        for seed in range(runs):
            result[f"{scenario.__name__} {seed}"] = [without_wording(x) for x in traced(scenario, seed)]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
