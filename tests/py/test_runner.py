"""LocalRunner: starting, stopping, states, exceptions, messages."""

import gc
import json
import logging
import os
import re
import time
import weakref

import _locust
import pytest

import locust.log
import locust.runners
from locust import User, constant, task
from locust.env import Environment
from locust.exception import StopTest, StopUser
from locust.runners import LocalRunner, Runner
from locust.stats import RequestStats


class Base(User):
    wait_time = constant(0.01)
    abstract = True

    @task
    def work(self):
        """Does nothing."""


def make(name, base=Base, **attributes):
    return type(name, (base,), attributes)


@pytest.fixture
def environment():
    made = []

    def environment(*classes, **kwargs):
        env = Environment(user_classes=list(classes), **kwargs)
        made.append(env)
        env.create_local_runner()
        return env

    locust.log.unhandled_greenlet_exception = False
    yield environment
    for env in made:
        env.stop_timeout = 0
        env.runner.quit()


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def test_a_new_runner(environment):
    env = environment(make("A"))
    r = env.runner
    assert isinstance(r, LocalRunner) and isinstance(r, Runner)
    assert (r.state, r.user_count, r.user_classes_count) == ("ready", 0, {"A": 0})
    assert (r.target_user_count, r.target_user_classes_count, r.exceptions) == (0, {}, {})
    assert (r.worker_index, r.worker_count) == (0, 1)
    assert re.fullmatch(r".+_[0-9a-f]{32}", r.client_id)
    assert r.environment is env and r.stats is env.stats and r.errors is env.stats.errors
    assert r.user_classes is env.user_classes and r.user_classes_by_name == {"A": env.user_classes[0]}
    assert r.spawning_greenlet is None and r.shape_greenlet is None and r.shape_last_tick is None
    assert not r.connection_broken and not r.cpu_warning_emitted
    r.mine = 1
    assert r.mine == 1 and r.__dict__ == {"mine": 1}


def test_start_and_stop(environment, caplog):
    caplog.set_level(logging.INFO)
    env = environment(make("A"), make("B"))
    seen = []
    for name in ("test_start", "spawning_complete", "test_stopping", "test_stop"):
        getattr(env.events, name).add_listener(
            lambda name=name, **kw: seen.append((name, env.runner.state, env.runner.user_count))
        )
    env.runner.start(4, 100)
    assert env.runner.state == "ready" and env.runner.user_count == 0
    wait_for(lambda: env.runner.state == "running")
    assert env.runner.user_classes_count == {"A": 2, "B": 2}
    assert env.runner.target_user_count == 4
    assert env.runner.target_user_classes_count == {"A": 2, "B": 2}
    env.runner.start(1, 100)
    wait_for(lambda: env.runner.user_count == 1)
    env.runner.stop()
    assert (env.runner.state, env.runner.user_count) == ("stopped", 0)
    assert sum(env.runner.final_user_classes_count.values()) == 1
    assert seen == [
        ("test_start", "ready", 0),
        ("spawning_complete", "running", 4),
        ("spawning_complete", "running", 1),
        ("test_stopping", "running", 1),
        ("test_stop", "stopped", 0),
    ]
    env.runner.stop()
    assert len(seen) == 5
    text = [r.getMessage() for r in caplog.records if r.name == "locust.runners"]
    assert text[:2] == [
        "Ramping to 4 users at a rate of 100.00 per second",
        'All users spawned: {"A": 2, "B": 2} (4 total users)',
    ]


def test_start_again_after_stop(environment):
    env = environment(make("A"))
    env.runner.exceptions[1] = {}
    for _ in range(2):
        env.runner.start(2, 10)
        wait_for(lambda: env.runner.state == "running")
        assert env.runner.user_count == 2 and env.runner.exceptions == {}
        env.runner.stop()
        assert env.runner.user_count == 0


def test_a_new_start_replaces_a_ramp(environment):
    env = environment(make("A"))
    env.runner.start(100, 1)
    wait_for(lambda: env.runner.user_count == 1)
    first = env.runner.spawning_greenlet
    env.runner.start(3, 10)
    assert first.dead
    wait_for(lambda: env.runner.state == "running")
    assert env.runner.user_count == 3


def ramps(caplog):
    """To how many users it has ramped so far."""
    said = [r.getMessage() for r in caplog.records if r.name == "locust.runners"]
    return [int(m.group(1)) for m in map(re.compile(r"Ramping to (\d+) users").match, said) if m]


def test_starts_that_wait_for_the_same_ramp_replace_one_another(environment, caplog):
    caplog.set_level(logging.INFO)
    env, starts, returned = environment(make("A")), [], []

    @env.events.test_start.add_listener
    def slow_to_end(**kwargs):
        starts.append(1)
        if len(starts) == 1:
            try:
                time.sleep(1000)
            finally:
                time.sleep(0.05)

    def start(n):
        env.runner.start(n, 100)
        returned.append(n)

    env.runner.start(1, 100)
    time.sleep(0.01)
    for n in 2, 3, 4:
        _locust.Greenlet.spawn(start, n)
    time.sleep(0)
    assert returned == []
    wait_for(lambda: env.runner.state == "running")
    time.sleep(0.05)
    assert sorted(returned) == [2, 3, 4]
    assert ramps(caplog) == [returned[-1]] == [env.runner.user_count]
    assert len(starts) == 2
    assert env.runner.spawning_greenlet.dead


@pytest.mark.parametrize("event", ["test_start", "spawning_complete"])
def test_a_start_by_the_ramp_itself_replaces_it(environment, caplog, event):
    caplog.set_level(logging.INFO)
    env, starts, said = environment(make("A")), [], []
    env.events.test_start.add_listener(lambda **kw: starts.append(1))

    @getattr(env.events, event).add_listener
    def once(**kwargs):
        if not said:
            env.runner.start(7, 1)
            env.runner.start(2, 100)
            said.append("went on")

    env.runner.start(4, 100)
    wait_for(lambda: said and env.runner.state == "running" and env.runner.user_count == 2)
    wait_for(lambda: env.runner.spawning_greenlet.dead)
    assert said == ["went on"] and starts == [1]
    assert ramps(caplog) == ([2] if event == "test_start" else [4, 2])
    assert env.runner.target_user_count == 2


def test_a_start_while_users_are_made_replaces_the_ramp(environment, caplog):
    caplog.set_level(logging.INFO)
    made = []

    class A(Base):
        def __init__(self, environment):
            super().__init__(environment)
            made.append(self)
            if len(made) == 2:
                environment.runner.start(1, 100)

    env = environment(A)
    env.runner.start(50, 1)
    wait_for(lambda: env.runner.state == "running")
    assert ramps(caplog) == [50, 1] and env.runner.user_count == 1 and len(made) == 2


def test_stop_ends_also_what_the_ramp_was_to_be_replaced_by(environment, caplog):
    caplog.set_level(logging.INFO)
    env = environment(make("A"))

    @env.events.test_start.add_listener
    def start(**kwargs):
        env.runner.start(3, 100)
        time.sleep(1000)

    env.runner.start(1, 1)
    time.sleep(0.01)
    env.runner.stop()
    time.sleep(0.05)
    assert env.runner.state == "stopped" and ramps(caplog) == []
    env.events.test_start.remove_listener(start)
    env.runner.start(2, 100)
    wait_for(lambda: env.runner.state == "running")
    assert ramps(caplog) == [2]


def test_quit_ends_its_green_threads(environment):
    env = environment(make("A"))
    env.runner.start(2, 10)
    wait_for(lambda: env.runner.user_count == 2)
    assert len(env.runner.greenlet) >= 1
    env.runner.quit()
    assert len(env.runner.greenlet) == 0 and env.runner.user_count == 0
    env.runner.greenlet.join()


def test_quit_without_a_test(environment):
    env = environment(make("A"))
    seen = []
    env.events.test_stop.add_listener(lambda **kw: seen.append(1))
    env.runner.quit()
    assert (env.runner.state, seen) == ("stopped", [1])


def test_spawn_users(environment):
    class A(Base):
        tag = None
        seen = []

        def on_start(self):
            self.seen.append(self.tag)

    env = environment(A, make("B"))
    users = env.runner.spawn_users({"A": 2, "B": 1})
    assert [type(u).__name__ for u in users] == ["A", "A", "B"]
    assert env.runner.state == "spawning"
    users[0].tag = "changed"
    wait_for(lambda: len(A.seen) == 2)
    assert A.seen == ["changed", None]
    env.runner.stop_users({"A": 1})
    assert env.runner.user_classes_count == {"A": 1, "B": 1}
    env.runner.stop_users({"A": 5, "B": 0})
    assert env.runner.user_classes_count == {"A": 0, "B": 1}


def test_spawn_users_and_wait(environment):
    class A(Base):
        def on_start(self):
            time.sleep(0.1)
            raise StopUser()

    env = environment(A)
    start = time.monotonic()
    assert len(env.runner.spawn_users({"A": 3}, wait=True)) == 3
    assert 0.1 <= time.monotonic() - start < 1
    assert env.runner.user_count == 0


def test_start_with_wait_and_too_many(environment, caplog):
    env = environment(make("A"))
    env.runner.start(10, 2, wait=True)
    wait_for(lambda: locust.log.unhandled_greenlet_exception)
    assert [r.exc_info[0] for r in caplog.records if r.exc_info] == [ValueError]


@pytest.mark.parametrize("timeout, done", [(0, []), (5, ["done", "done"])])
def test_stop_timeout(environment, timeout, done):
    log = []

    class A(User):
        wait_time = constant(100)

        def on_stop(self):
            log.append("on_stop")

        @task
        def work(self):
            log.append("begin")
            time.sleep(0.3)
            log.append("done")

    env = environment(A, stop_timeout=timeout)
    env.runner.start(2, 10)
    wait_for(lambda: len(log) == 2)
    env.runner.stop()
    assert log[2:] == done + ["on_stop"] * 2 or log[2:] == ["done", "on_stop"] * 2 and done


@pytest.mark.parametrize("timeout", [9.3e9, 1e300])
def test_a_stop_timeout_beyond_all_clocks(environment, timeout):
    done = []

    class A(User):
        wait_time = constant(0.01)

        @task
        def work(self):
            done.append("begun")
            time.sleep(0.3)
            done.append("ended")

    env = environment(A, stop_timeout=timeout)
    env.runner.start(1, 10)
    wait_for(lambda: done)
    env.runner.stop()
    assert done[-1] == "ended" and env.runner.state == "stopped"
    g = env.runner.greenlet.spawn(time.sleep, 0.01)
    with pytest.raises(_locust.Timeout), _locust.Timeout(0.1):
        env.runner.greenlet.join(timeout=timeout)
    assert g.dead


def test_stop_timeout_ends(environment, caplog):
    caplog.set_level(logging.INFO)

    class A(User):
        wait_time = constant(0)

        @task
        def work(self):
            time.sleep(100)

    env = environment(A, make("W", wait_time=constant(100)), stop_timeout=0.3)
    env.runner.start(4, 10)
    wait_for(lambda: env.runner.state == "running")
    time.sleep(0.1)
    start = time.monotonic()
    env.runner.stop()
    assert 0.3 <= time.monotonic() - start < 1
    assert "Not all users finished their tasks & terminated in 0.3 seconds. Stopping them..." in caplog.messages


def test_on_stop_is_waited_for(environment):
    class A(Base):
        ended = 0

        def on_stop(self):
            time.sleep(0.2)
            A.ended += 1

    env = environment(A)
    env.runner.start(50, 100)
    wait_for(lambda: env.runner.state == "running")
    start = time.monotonic()
    env.runner.stop()
    assert A.ended == 50
    assert time.monotonic() - start < 1


def test_a_stop_of_ones_own(environment):
    class A(Base):
        calls = []

        def stop(self, force=False):
            self.calls.append(force)
            return super().stop(force)

    env = environment(A)
    env.runner.start(2, 10)
    wait_for(lambda: env.runner.user_count == 2)
    env.runner.stop()
    assert A.calls == [True, True] and env.runner.user_count == 0


def test_many_users_stop_fast(environment):
    env = environment(make("A", wait_time=constant(1000)))
    n = 500 if os.environ.get("LOCUST_SANITIZERS") else 5000
    env.runner.spawn_users({"A": n})
    time.sleep(0.5)
    start = time.monotonic()
    env.runner.stop_users({"A": n})
    assert env.runner.user_count == 0
    assert time.monotonic() - start < 2


def test_stop_from_several_at_once(environment):
    class A(Base):
        def on_stop(self):
            time.sleep(0.1)

    env = environment(A)
    seen = []
    env.events.test_stop.add_listener(lambda **kw: seen.append(1))
    env.runner.start(2, 10)
    wait_for(lambda: env.runner.user_count == 2)
    others = [_locust.Greenlet.spawn(env.runner.stop) for _ in range(3)]
    env.runner.stop()
    for g in others:
        g.join()
    assert seen == [1] and env.runner.state == "stopped"


@pytest.mark.parametrize("what", ["stop", "quit"])
@pytest.mark.parametrize("timeout", [0, 30])
def test_ended_by_a_user(environment, what, timeout):
    log = []

    class A(User):
        wait_time = constant(100)

        def on_stop(self):
            log.append("on_stop")

        @task
        def work(self):
            getattr(self.environment.runner, what)()
            log.append("after")

    env = environment(A, stop_timeout=timeout)
    env.runner.start(3, 10)
    wait_for(lambda: env.runner.state == "stopped")
    assert log == ["on_stop"] * 3
    assert env.runner.user_count == 0


def test_user_error(environment):
    class A(User):
        wait_time = constant(100)

        @task
        def work(self):
            raise KeyError("x")

    env = environment(A)
    env.runner.start(3, 100)
    wait_for(lambda: env.runner.state == "running")
    time.sleep(0.05)
    (row,) = env.runner.exceptions.values()
    assert (row["count"], row["msg"], row["nodes"]) == (3, "'x'", {"local"})
    assert 'raise KeyError("x")' in row["traceback"]


def test_log_exception(environment):
    r = environment(make("A")).runner
    r.log_exception("w1", "m", "tb")
    r.log_exception(node_id="w2", msg="other", formatted_tb="tb")
    r.log_exception("w1", "m", "tb2")
    assert r.exceptions[hash("tb")] == {"count": 2, "msg": "m", "traceback": "tb", "nodes": {"w1", "w2"}}
    assert len(r.exceptions) == 2
    r.exceptions = None
    with pytest.raises(TypeError):
        r.log_exception("w1", "m", "tb")


def test_failures_in_the_background(environment, caplog):
    class A(Base):
        def __init__(self, environment):
            raise ValueError("boo")

    env = environment(A)
    env.runner.start(1, 1)
    wait_for(lambda: locust.log.unhandled_greenlet_exception)
    (record,) = [r for r in caplog.records if r.levelname == "CRITICAL"]
    assert record.getMessage().startswith("Unhandled exception in greenlet: ")
    assert record.name == "locust.runners" and record.exc_info[0] is ValueError


def test_stop_test_stops_the_test(environment, caplog):
    env = environment(make("A"))

    def fail(**kwargs):
        raise StopTest("enough")

    env.events.test_start.add_listener(fail)
    env.runner.start(1, 1)
    wait_for(lambda: env.runner.state == "stopped")
    assert [r.getMessage() for r in caplog.records] == ["enough", "Stopping Locust..."]
    assert not locust.log.unhandled_greenlet_exception


def test_reset_stats(environment):
    env = environment(make("A"), reset_stats=True)
    env.events.request.fire(request_type="GET", name="/", response_time=1, response_length=1, exception=None, context={})
    assert env.stats.total.num_requests == 1
    env.events.spawning_complete.fire(user_count=1)
    assert env.stats.total.num_requests == 0 and env.runner.state == "running"


def test_stats_begin_with_the_test(environment):
    env = environment(make("A"))
    env.stats.log_request("GET", "/", 1, 1)
    env.runner.start(1, 1)
    wait_for(lambda: env.runner.state == "running")
    assert env.stats.total.num_requests == 0


def test_listeners_of_the_locustfile_come_first():
    env = Environment(user_classes=[make("A")])
    counts = []
    env.events.request.add_listener(lambda **kw: counts.append(env.stats.total.num_requests))
    env.create_local_runner()
    env.events.request.fire(request_type="GET", name="/", response_time=1, response_length=1, exception=None, context={})
    env.runner.quit()
    assert counts == [0] and env.stats.total.num_requests == 1


def fire_request(env):
    env.events.request.fire(
        request_type="GET", name="/", response_time=1, response_length=1, exception=None, context={}
    )


def test_statistics_that_replace_others_count(environment):
    env = environment(make("A"))
    old, env.stats = env.stats, RequestStats()
    fire_request(env)
    assert (old.num_requests, env.stats.num_requests, env.runner.stats) == (0, 1, env.stats)


def test_statistics_of_a_runner_s_own():
    class Mine(LocalRunner):
        stats = RequestStats()

    env = Environment(user_classes=[make("A")])
    runner = Mine(env)
    fire_request(env)
    assert (runner.stats.num_requests, env.stats.num_requests) == (1, 0)
    runner.quit()


def test_host(environment):
    a = make("A", host="http://a")
    env = environment(a, host="http://b")
    env.runner.start(1, 1)
    wait_for(lambda: env.runner.state == "running")
    assert a.host == "http://b"


def test_messages(environment, caplog):
    r = environment(make("A")).runner
    seen = []
    r.register_message("x", lambda environment, msg: seen.append((environment, msg.type, msg.data, msg.node_id)))
    with pytest.raises(Exception, match="already had a listener"):
        r.register_message("x", print)
    r.send_message("x", {"a": 1})
    assert seen == [(r.environment, "x", {"a": 1}, "local")]
    r.send_message("y")
    assert caplog.messages == ["Unknown message type received: y"]
    assert set(r.custom_messages) == {"x"}


def test_monitor(environment, monkeypatch, caplog):
    monkeypatch.setattr(locust.runners, "CPU_MONITOR_INTERVAL", 0.1)
    monkeypatch.setattr(locust.runners, "CPU_WARNING_THRESHOLD", 1)
    env = environment(make("A"))
    usage, warned = [], []
    env.events.usage_monitor.add_listener(lambda cpu_usage, memory_usage, **kw: usage.append((cpu_usage, memory_usage)))
    env.events.cpu_warning.add_listener(lambda cpu_usage, **kw: warned.append(cpu_usage))
    end = time.monotonic() + 20
    while len(usage) < 5 or len(warned) < 2:
        assert time.monotonic() < end, (usage, warned)
        sum(range(1000))
        time.sleep(0)
    assert usage[0][0] == 0 and usage[0][1] > 5_000_000
    assert min(warned) > 1
    assert env.runner.current_cpu_usage == usage[-1][0]
    assert [m for m in caplog.messages if m.startswith("CPU usage above 1%!")] == [caplog.messages[0]]
    assert env.runner.cpu_log_warning()
    assert caplog.messages[-1].startswith("CPU usage was too high at some point during the test!")


def test_a_runner_nobody_needs_goes_away():
    env = Environment(user_classes=[make("A")])
    env.create_local_runner()
    time.sleep(0.01)
    (monitor,) = env.runner.greenlet
    gone = weakref.ref(env.runner)
    del env
    gc.collect()
    assert gone() is None
    monitor.join(1)
    assert monitor.dead


def test_dispatcher_class():
    class Mine(_locust.UsersDispatcher):
        made = 0

        def new_dispatch(self, *args):
            Mine.made += 1
            return super().new_dispatch(*args)

    env = Environment(user_classes=[make("A")], dispatcher_class=Mine)
    env.create_local_runner()
    env.runner.start(2, 10)
    wait_for(lambda: env.runner.state == "running")
    assert Mine.made == 1 and env.runner._users_dispatcher.get_current_user_count() == 2
    env.runner.quit()
    assert env.runner._users_dispatcher is None


def test_methods_can_be_overridden():
    class Mine(LocalRunner):
        states = []
        spawned = []

        def update_state(self, new_state):
            self.states.append(new_state)
            super().update_state(new_state)

        def spawn_users(self, counts, wait=False):
            self.spawned.append(counts)
            return super().spawn_users(counts, wait)

    env = Environment(user_classes=[make("A")])
    env.runner = r = Mine(env)
    r.start(2, 2)
    wait_for(lambda: r.state == "running")
    r.quit()
    assert r.states == ["spawning", "running", "cleanup", "stopped"]
    assert r.spawned == [{"A": 2}]


def test_target_classes_are_sorted_in_the_log(environment, caplog):
    caplog.set_level(logging.INFO)
    env = environment(make("B"), make("A"))
    env.runner.start(2, 2)
    wait_for(lambda: env.runner.state == "running")
    (line,) = [m for m in caplog.messages if m.startswith("All users")]
    assert list(json.loads(re.search("{.*}", line)[0])) == ["A", "B"]


def test_bad_arguments(environment):
    r = environment(make("A")).runner
    with pytest.raises(TypeError):
        r.start("many", "fast")
    with pytest.raises(TypeError):
        r.start(1)
    with pytest.raises(KeyError):
        r.spawn_users({"Nobody": 1})
    for count in (0, 1):
        with pytest.raises(KeyError, match="Nobody"):
            r.stop_users({"A": 0, "Nobody": count})
    r.stop_users({"A": 1})
    with pytest.raises(TypeError):
        r.update_state(5)


def test_parts_of_a_runner_may_be_replaced(environment):
    env = environment(make("A"))
    r = env.runner
    other = Environment(user_classes=[make("B")])
    for name, value in {
        "environment": other,
        "user_greenlets": _locust.Group(),
        "greenlet": _locust.Group(),
        "custom_messages": {},
        "_local_worker_node": locust.runners.WorkerNode("other"),
    }.items():
        old = getattr(r, name)
        setattr(r, name, value)
        assert getattr(r, name) is value
        with pytest.raises(AttributeError, match=name):
            delattr(r, name)
        if name in ("user_greenlets", "greenlet", "custom_messages"):
            with pytest.raises(TypeError, match=f"{name} must be a .*, not int"):
                setattr(r, name, 5)
        assert getattr(r, name) is value
        if name == "greenlet":
            old.kill()
    assert r.user_classes_count == {"B": 0} and r.stats is other.stats
    r.start(1, 10)
    wait_for(lambda: r.user_count == 1)
    r.stop()
    assert r.state == "stopped"


def test_a_group_that_is_replaced_while_it_is_killed(environment):
    r = environment(make("A")).runner
    ended = []

    def last():
        try:
            time.sleep(100)
        finally:
            r.greenlet = _locust.Group()
            gc.collect()
            time.sleep(0.01)
            ended.append(1)

    r.greenlet.spawn(last)
    time.sleep(0)
    r.quit()
    assert ended == [1]


def test_quit_with_green_threads_that_start_others(environment, caplog):
    env, stop = environment(make("A")), []

    def endless():
        try:
            time.sleep(1000)
        finally:
            if not stop:
                env.runner.greenlet.spawn(endless)
                time.sleep(0)

    env.runner.greenlet.spawn(endless)
    time.sleep(0)
    env.runner.quit()
    assert env.runner.state == "stopped" and "it starts another" in caplog.text
    stop.append(True)


def test_quit_ends_what_listeners_begin_meanwhile(environment):
    env, ended = environment(make("A")), []

    def late():
        try:
            time.sleep(1000)
        finally:
            ended.append(1)

    @env.events.test_stop.add_listener
    def begin(**kwargs):
        def one():
            try:
                time.sleep(1000)
            finally:
                env.runner.greenlet.spawn(late)
                time.sleep(0)

        env.runner.greenlet.spawn(one)
        time.sleep(0)

    env.runner.start(1, 1)
    wait_for(lambda: env.runner.state == "running")
    env.runner.quit()
    assert ended == [1] and len(env.runner.greenlet) == 0
