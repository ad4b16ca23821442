"""Uses of Locust as a library that must take the same course here and with another Locust.

Run as a program it prints one JSON object: for each scenario the trace of what happened, log lines
included. It uses nothing but Locust's public names and waits with time.sleep and join(), so that
any interpreter that can import locust can run it.
"""

import argparse
import json
import logging
import sys
import time

import locust.log
import locust.runners
from locust import LoadTestShape, TaskSet, User, constant, tag, task
from locust.dispatch import UsersDispatcher
from locust.env import Environment
from locust.exception import RunnerAlreadyExistsError, StopTest, StopUser
from locust.runners import LocalRunner

# What differs in wording on purpose is compared by its beginning.
OWN_WORDING = (
    "Attribute 'environment' is missing",
    "B had no tasks left after filtering",
    "Unhandled exception in greenlet: ",
    "Your selected spawn rate is very high",
)


class Trace(logging.Handler):
    """A list of what happened, log messages included."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        text = record.getMessage().split("\n")[0]
        text = next((own for own in OWN_WORDING if text.startswith(own)), text)
        self.lines.append([record.name, record.levelname, text])

    def __call__(self, *what):
        self.lines.append([str(w) for w in what])


class Idle(User):
    abstract = True
    wait_time = constant(1000)

    @task
    def nothing(self):
        """Is done at once."""


class Failing(User):
    wait_time = constant(1000)

    @task
    def fail(self):
        logging.getLogger("locust.user.task").disabled = True
        raise KeyError("x")


def idle(name, **attributes):
    return type(name, (Idle,), attributes)


def environment(trace, *classes, **options):
    """An environment with a runner, whose events are traced."""
    env = Environment(user_classes=list(classes), **options)
    runner = env.create_local_runner()

    def listener(name):
        def listen(**kwargs):
            shown = sorted((k, v) for k, v in kwargs.items() if isinstance(v, int))
            trace(name, runner.state, runner.user_count, shown)

        return listen

    for name in ("test_start", "spawning_complete", "test_stopping", "test_stop", "quitting"):
        getattr(env.events, name).add_listener(listener(name))
    return env


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it did not come about")
        time.sleep(0.005)


def ramp(runner, count, rate=100, **kwargs):
    """Starts, and waits for the end of the ramp."""
    runner.start(count, rate, **kwargs)
    runner.spawning_greenlet.join()


# --- Environments.


def raised(trace, function, *args, **kwargs):
    try:
        trace("result", function(*args, **kwargs))
    except Exception as error:
        trace(type(error).__name__, str(error))


def checks(trace):
    a, b = idle("A"), idle("B", weight=0)
    classes = [a, b]
    env = Environment(user_classes=classes)
    trace(classes is env.user_classes, [c.__name__ for c in classes], sorted(env.user_classes_by_name))
    raised(trace, Environment, user_classes=[b])
    raised(trace, lambda: Environment(user_classes=[idle("A"), idle("A")]))
    raised(trace, Environment, shape_class=5)
    raised(trace, Environment, shape_class=LoadTestShape)
    raised(trace, lambda: len(Environment(user_classes=[]).user_classes))
    raised(trace, lambda: len(Environment(user_classes=[idle("F", weight=0, fixed_count=1)]).user_classes))
    options = argparse.Namespace(stop_timeout="7", tags=["x"])
    env = Environment(parsed_options=options, locustfile="file.py", host="http://h", profile="p")
    trace(env.stop_timeout, env.locustfile, env.host, env.profile, env.runner, env.web_ui, env.process_exit_code)
    trace(Environment(parsed_options=options, stop_timeout=0).stop_timeout, env.worker_logs, env.reset_stats)
    trace(env.catch_exceptions, env.dispatcher_class is UsersDispatcher, env.tags, env.exclude_tags)
    env.update_worker_logs({"worker_id": "w"})
    env.update_worker_logs({"worker_id": "", "logs": ["x"]})
    trace(env.worker_logs)


def one_runner(trace):
    env = Environment(user_classes=[idle("A")])
    first = env.create_local_runner()
    try:
        env.create_local_runner()
    except RunnerAlreadyExistsError as error:
        trace(str(error).startswith("Environment.runner already exists (<"))
    env.runner = None
    trace(env.create_local_runner() is first, LocalRunner(env) is env.runner)


def settings(trace):
    class A(Idle):
        @task
        def other(self):
            """Another one."""

    env = Environment(
        user_classes=[A], available_user_classes={"A": A}, available_user_tasks={"A": list(A.tasks)}
    )
    for change in ({"host": "http://x", "weight": 3}, {"tasks": ["other"]}, {"tasks": ["other", "nothing", "none"]}):
        env.update_user_class({"user_class_name": "A", **change})
        trace(A.host, A.weight, [t.__name__ for t in A.tasks])
    for wrong in ({"user_class_name": "B"}, {}):
        try:
            env.update_user_class(wrong)
        except KeyError:
            trace("KeyError")


def equal_weights(trace):
    def one(self):
        """The first."""

    def two(self):
        """The second."""

    class Inner(TaskSet):
        tasks = {one: 3, two: 1}

    class Outer(TaskSet):
        tasks = [Inner, two]

    class A(User):
        weight = 7
        tasks = [Outer, one, Inner]

    Environment(user_classes=[A]).assign_equal_weights()
    trace(A.weight, [t.__name__ for t in A.tasks])


def tags(trace):
    class A(User):
        @tag("a")
        @task
        def with_a(self):
            """Has a tag."""

        @tag("a", "b")
        @task
        def with_both(self):
            """Has two."""

        @task
        def without(self):
            """Has none."""

    for wanted, unwanted, options in (
        (["a"], None, None),
        (None, ["b"], None),
        (None, None, argparse.Namespace(tags=["b"], exclude_tags=None)),
        (["a"], None, argparse.Namespace(tags=["b"], exclude_tags=["b"])),
        ([], [], argparse.Namespace()),
        (None, None, argparse.Namespace(tags=[], exclude_tags=[])),
    ):
        user = type("B", (A,), {})
        env = Environment(user_classes=[user], tags=wanted, exclude_tags=unwanted, parsed_options=options)
        env._filter_tasks_by_tags()
        trace([t.__name__ for t in user.tasks])
        env.tags = ["none"]
        env._filter_tasks_by_tags()
        trace([t.__name__ for t in user.tasks])


# --- Runners.


def a_new_runner(trace):
    env = Environment(user_classes=[idle("A"), idle("B")])
    r = LocalRunner(env)
    trace(env.runner, r.state, r.user_count, r.user_classes_count, r.target_user_count, r.target_user_classes_count)
    trace(r.exceptions, r.custom_messages, r.final_user_classes_count, r.connection_broken, r.shape_last_tick)
    trace(r.current_cpu_usage, r.current_memory_usage, r.cpu_warning_emitted, r.worker_cpu_warning_emitted)
    trace(r.worker_index, r.worker_count, len(r.client_id.rsplit("_", 1)[1]), r.spawning_greenlet, r.shape_greenlet)
    trace(r._users_dispatcher, r._local_worker_node.id, r._local_worker_node.user_classes_count, r.errors == {})
    r.quit()
    trace(r.state, len(r.greenlet), len(r.user_greenlets))


def up_and_down(trace):
    env = environment(trace, idle("A"), idle("B", weight=2), idle("F", fixed_count=2))
    r = env.runner
    for count in (5, 8, 8, 3, 0, 4):
        ramp(r, count)
        trace(r.state, r.user_count, r.user_classes_count, r.target_user_count, r.target_user_classes_count)
        trace(r._local_worker_node.user_classes_count, r._local_worker_node.user_count)
    r.stop()
    trace(r.state, r.user_count, r.final_user_classes_count, r._users_dispatcher, r.target_user_count)
    r.stop()
    ramp(r, 2)
    trace(r.state, r.user_classes_count)
    r.quit()
    trace(r.state, len(r.greenlet))


def some_classes(trace):
    a, b, c = idle("A"), idle("B"), idle("C")
    env = environment(trace, a, b, c)
    r = env.runner
    ramp(r, 3)
    ramp(r, 7, user_classes=[b])
    trace(r.user_classes_count)
    ramp(r, 9, user_classes=[a, c])
    trace(r.user_classes_count)
    ramp(r, 2)
    trace(r.user_classes_count)
    r.quit()


def replaced_ramp(trace):
    env = environment(trace, idle("A"))
    env.runner.start(50, 1)
    until(lambda: env.runner.user_count == 1)
    trace(env.runner.state, env.runner.target_user_count, env.runner.target_user_classes_count)
    first = env.runner.spawning_greenlet
    env.runner.start(3, 10)
    trace(first.dead, first.ready())
    env.runner.spawning_greenlet.join()
    env.runner.quit()


def stopped_ramp(trace):
    env = environment(trace, idle("A"))
    env.runner.start(50, 1)
    until(lambda: env.runner.user_count == 1)
    env.runner.stop()
    trace(env.runner.state, env.runner.user_count, env.runner.final_user_classes_count)
    trace(env.runner.spawning_greenlet.dead)
    env.runner.quit()


def quit_at_once(trace):
    env = environment(trace, idle("A"))
    env.runner.quit()
    trace(env.runner.state)
    env.runner.quit()


def spawned_by_hand(trace):
    class A(Idle):
        colour = None

        def on_start(self):
            trace("on_start", self.colour)

        def on_stop(self):
            trace("on_stop")  # which one is stopped is nobody's business

    env = environment(trace, A, idle("B"))
    r = env.runner
    users = r.spawn_users({"A": 2, "B": 1})
    trace([type(u).__name__ for u in users], r.state, r.user_classes_count)
    for user, colour in zip(users, ("red", "blue", None), strict=True):
        user.colour = colour
    until(lambda: sum(line[0] == "on_start" for line in trace.lines) == 2)
    r.stop_users({"B": 1})
    trace(r.user_classes_count)
    r.stop_users({"A": 1})
    trace(r.user_count, r.state)
    r.stop()


def subclasses_are_not_their_base(trace):
    a = idle("A")
    env = environment(trace, a, type("B", (a,), {}))
    r = env.runner
    r.spawn_users({"B": 2, "A": 1})
    time.sleep(0.05)
    r.stop_users({"A": 2})
    trace(r.user_classes_count)
    r.quit()


def waiting_for_the_end(trace):
    class A(Idle):
        def on_start(self):
            time.sleep(0.05)
            raise StopUser()

    logging.getLogger("locust.user.users").disabled = True
    env = environment(trace, A)
    trace(len(env.runner.spawn_users({"A": 3}, wait=True)), env.runner.user_count)
    env.runner.quit()


def start_and_wait(trace):
    class A(Idle):
        def on_start(self):
            raise StopUser()

    logging.getLogger("locust.user.users").disabled = True
    locust.log.unhandled_greenlet_exception = False
    env = environment(trace, A)
    ramp(env.runner, 2, 5, wait=True)
    trace(env.runner.state, env.runner.user_count)
    ramp(env.runner, 20, 5, wait=True)
    trace(env.runner.state, locust.log.unhandled_greenlet_exception)
    env.runner.quit()


def errors(trace):
    env = environment(trace, Failing)
    ramp(env.runner, 3)
    until(lambda: sum(row["count"] for row in env.runner.exceptions.values()) == 3)
    for row in env.runner.exceptions.values():
        trace(row["count"], row["msg"], row["nodes"], sorted(row))
    env.runner.log_exception("w1", "m", "tb")
    env.runner.log_exception("w2", "other", "tb")
    row = env.runner.exceptions[hash("tb")]
    trace(row["count"], row["msg"], row["traceback"], sorted(row["nodes"]))
    env.runner.stop()
    trace(len(env.runner.exceptions))
    env.runner.start(1, 1)
    until(lambda: env.runner.state == "running")
    trace(hash("tb") in env.runner.exceptions)
    env.runner.quit()


def failing_constructor(trace):
    class A(Idle):
        def __init__(self, environment):
            super().__init__(environment)
            raise ValueError("boo")

    locust.log.unhandled_greenlet_exception = False
    env = environment(trace, A)
    ramp(env.runner, 2)
    trace(env.runner.state, env.runner.user_count, locust.log.unhandled_greenlet_exception)
    env.runner.quit()


def no_base_constructor(trace):
    class A(Idle):
        def __init__(self, environment):
            """Forgets its base."""

    env = environment(trace, A)
    ramp(env.runner, 1)
    env.runner.quit()


def stop_test(trace, headless, where):
    class A(Idle):
        def __init__(self, environment):
            super().__init__(environment)
            if where == "__init__":
                raise StopTest("enough")

    env = environment(trace, A, parsed_options=argparse.Namespace(headless=headless, stop_timeout=0))
    if where == "test_start":

        def enough(**kwargs):
            raise StopTest("enough")

        env.events.test_start.add_listener(enough)
    env.runner.start(1, 1)
    until(lambda: env.runner.state == "stopped")
    time.sleep(0.05)
    trace(len(env.runner.greenlet) == 0)
    env.runner.quit()


def graceful(trace, timeout):
    class Busy(User):
        wait_time = constant(1000)

        def on_stop(self):
            trace("on_stop", self._state)

        @task
        def work(self):
            time.sleep(0.5)
            trace("done")

    env = environment(trace, Busy, stop_timeout=timeout)
    ramp(env.runner, 1)
    time.sleep(0.1)
    env.runner.stop()
    trace(env.runner.state)
    env.runner.quit()


def messages(trace):
    env = environment(trace, idle("A"))
    r = env.runner

    def listen(environment, msg, **kwargs):
        trace(environment is env, msg.type, msg.data, msg.node_id, msg, kwargs)

    r.register_message("x", listen)
    r.register_message("y", listen, concurrent=True)
    raised(trace, r.register_message, "x", print)
    r.send_message("x", {"a": 1})
    r.send_message("y", client_id="somebody")
    r.send_message("z", 1)
    trace(sorted(r.custom_messages), r.custom_messages["y"][1])

    def fail(environment, msg):
        raise ValueError("in a listener")

    r.register_message("fail", fail)
    raised(trace, r.send_message, "fail")
    r.quit()


def statistics(trace):
    a = idle("A")
    env = environment(trace, a, reset_stats=True)
    seen = []
    env.events.request.add_listener(lambda **kw: seen.append(env.stats.total.num_requests))
    fields = dict(request_type="GET", response_length=3, context={})
    env.events.request.fire(name="/", response_time=10, exception=None, **fields)
    env.events.request.fire(name="/", response_time=20, exception=ValueError("x"), **fields)
    trace(seen, env.stats.total.num_requests, env.stats.total.num_failures, len(env.runner.errors))
    ramp(env.runner, 1)
    trace(env.stats.total.num_requests, len(env.runner.errors))
    env.runner.quit()


def host(trace):
    a, b = idle("A", host="http://a"), idle("B")
    env = environment(trace, a, b, host="http://env")
    trace(a.host, b.host)
    ramp(env.runner, 1)
    trace(a.host, b.host)
    env.runner.quit()


def high_rate(trace):
    env = environment(trace, idle("A"))
    ramp(env.runner, 10, 101)
    env.runner.quit()


def own_dispatcher(trace):
    class Mine(UsersDispatcher):
        def __init__(self, *args, **kwargs):
            trace("made", args, sorted(kwargs))
            super().__init__(*args, **kwargs)

        def new_dispatch(self, *args, **kwargs):
            trace("new_dispatch", args, kwargs)
            super().new_dispatch(*args, **kwargs)

        def __next__(self):
            given = super().__next__()
            trace("next", given)
            return given

    env = environment(trace, idle("A"), idle("B"), dispatcher_class=Mine)
    ramp(env.runner, 4)
    ramp(env.runner, 1)
    env.runner.quit()


def overridden(trace):
    class Mine(LocalRunner):
        def update_state(self, new_state):
            trace("update_state", new_state)
            super().update_state(new_state)

        def spawn_users(self, *args, **kwargs):
            trace("spawn_users", args, kwargs)
            return super().spawn_users(*args, **kwargs)

        def stop_users(self, *args, **kwargs):
            trace("stop_users", args, kwargs)
            return super().stop_users(*args, **kwargs)

        def stop(self):
            trace("stop")
            super().stop()

        def monitor_cpu_and_memory(self):
            trace("monitor")

        def log_exception(self, *args):
            trace("log_exception", args[:2])

    env = Environment(user_classes=[Failing])
    env.runner = r = Mine(env)
    ramp(r, 2)
    until(lambda: sum(line[0] == "log_exception" for line in trace.lines) == 2)
    ramp(r, 1)
    r.quit()


def several(trace):
    envs = [environment(trace, idle(name)) for name in "ABC"]
    for number, env in enumerate(envs):
        ramp(env.runner, number + 1)
    trace([env.runner.user_classes_count for env in envs])
    envs[1].runner.quit()
    trace([(env.runner.state, env.runner.user_count) for env in envs])
    for env in envs:
        env.runner.quit()


def joined(trace):
    class Quitter(User):
        wait_time = constant(1000)

        def on_stop(self):
            time.sleep(0.1)

        @task
        def end(self):
            time.sleep(0.2)
            env.runner.quit()

    env = environment(trace, Quitter)
    env.events.test_stop._handlers.clear()  # whether the caller of quit() still counts then differs
    env.runner.start(1, 1)
    env.runner.greenlet.join()
    trace(env.runner.state)
    env.runner.user_greenlets.join()
    trace(env.runner.user_count, len(env.runner.greenlet))


# --- Shapes.


def shape(trace, ticks, env=None, **options):
    """Runs a shape that gives one tick after the other, and waits for its end."""

    class Shape(LoadTestShape):
        times = []

        def tick(self):
            self.times.append(self.get_run_time())
            trace("tick", self.get_current_user_count(), self.runner.state, self.runner.shape_last_tick)
            what = ticks.pop(0)
            return what() if callable(what) else what

    a, b = idle("A"), idle("B")
    made = Shape()
    env = environment(trace, a, b, shape_class=made, **options)
    trace(made.runner is env.runner, Shape.abstract, Shape.use_common_options)
    ticks[:] = [t(env, a, b) if callable(t) else t for t in ticks]
    env.runner.start_shape()
    env.runner.start_shape()
    green = env.runner.shape_greenlet
    green.join()
    time.sleep(0.05)
    trace(env.runner.state, env.runner.user_count, len(env.runner.greenlet) == 0)
    trace([round(t) for t in Shape.times])
    env.runner.quit()


def shape_steps(trace):
    shape(trace, [(2, 10), (2, 10), (5, 10), (1, 10), None])


def shape_headless(trace):
    shape(trace, [(1, 10), None], parsed_options=argparse.Namespace(headless=True, stop_timeout=0))


def shape_classes(trace):
    shape(
        trace,
        [(2, 10, None), lambda env, a, b: (5, 10, [b]), lambda env, a, b: (7, 10, [a]), (1, 10), None],
    )


def shape_fails(trace):
    def fail():
        raise ValueError("in tick")

    locust.log.unhandled_greenlet_exception = False
    shape(trace, [(1, 10), lambda env, a, b: fail])
    trace(locust.log.unhandled_greenlet_exception)


def shape_stops_the_test(trace):
    def enough():
        raise StopTest("enough")

    options = argparse.Namespace(headless=True, stop_timeout=0)
    shape(trace, [(1, 10), lambda env, a, b: enough], parsed_options=options)


def shape_quits(trace):
    shape(trace, [(1, 10), lambda env, a, b: lambda: env.runner.quit()])


def shape_is_stopped(trace):
    class Shape(LoadTestShape):
        def tick(self):
            return 1, 10

    env = environment(trace, idle("A"), shape_class=Shape())
    env.runner.start_shape()
    until(lambda: env.runner.state == "running")
    trace(env.runner.shape_last_tick)
    env.runner.stop()
    trace(env.runner.shape_greenlet, env.runner.shape_last_tick, env.runner.state)
    env.runner.start_shape()
    until(lambda: env.runner.state == "running")
    env.runner.quit()


def shape_types(trace):
    class Base(LoadTestShape):
        abstract = True

    class One(Base):
        def __init__(self):
            super(LoadTestShape, self).__init__()

        def tick(self):
            return None

    trace(LoadTestShape.abstract, Base.abstract, One.abstract, LoadTestShape.runner)
    one = One()
    one.reset_time()
    trace(0 <= one.get_run_time() < 0.5)
    raised(trace, Base)


SCENARIOS = {
    "checks": (checks,),
    "one runner": (one_runner,),
    "settings": (settings,),
    "equal weights": (equal_weights,),
    "tags": (tags,),
    "a new runner": (a_new_runner,),
    "up and down": (up_and_down,),
    "some classes": (some_classes,),
    "replaced ramp": (replaced_ramp,),
    "stopped ramp": (stopped_ramp,),
    "quit at once": (quit_at_once,),
    "spawned by hand": (spawned_by_hand,),
    "subclasses": (subclasses_are_not_their_base,),
    "waiting for the end": (waiting_for_the_end,),
    "start and wait": (start_and_wait,),
    "errors": (errors,),
    "failing constructor": (failing_constructor,),
    "no base constructor": (no_base_constructor,),
    "StopTest in a constructor": (stop_test, True, "__init__"),
    "StopTest in test_start": (stop_test, True, "test_start"),
    "StopTest with a web UI": (stop_test, False, "test_start"),
    "killed": (graceful, 0),
    "graceful": (graceful, 5),
    "not graceful enough": (graceful, 0.1),
    "messages": (messages,),
    "statistics": (statistics,),
    "host": (host,),
    "high rate": (high_rate,),
    "own dispatcher": (own_dispatcher,),
    "overridden": (overridden,),
    "several": (several,),
    "joined": (joined,),
    "shape": (shape_steps,),
    "shape, headless": (shape_headless,),
    "shape with classes": (shape_classes,),
    "shape fails": (shape_fails,),
    "shape stops the test": (shape_stops_the_test,),
    "shape quits": (shape_quits,),
    "shape is stopped": (shape_is_stopped,),
    "shape types": (shape_types,),
}


def traced(scenario, *args):
    trace = Trace()
    root = logging.getLogger()
    root.handlers[:] = [trace]
    root.setLevel(logging.INFO)
    for name in ("locust.user.users", "locust.user.task"):
        logging.getLogger(name).disabled = False
    scenario(trace, *args)
    return trace.lines


def main():
    wanted = sys.argv[1:] or SCENARIOS
    print(json.dumps({name: traced(*SCENARIOS[name]) for name in wanted}))


if __name__ == "__main__":
    main()
