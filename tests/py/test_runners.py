"""What locust.runners offers beside LocalRunner: nodes, kinds of runners, helpers, handlers."""

import argparse
import inspect
import logging
import time

import _locust
import pytest

import locust.log
import locust.rpc
from locust import User, constant, runners, task
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import DistributedRunner, LocalRunner, MasterRunner, Runner, WorkerNode, WorkerNodes, WorkerRunner


class A(User):
    wait_time = constant(1000)

    @task
    def nothing(self):
        """Is done at once."""


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


# --- Nodes.


def test_a_node():
    node = WorkerNode("w")
    assert (node.id, node.state, node.heartbeat, node.user_count) == ("w", "ready", 3, 0)
    assert (node.cpu_usage, node.memory_usage, node.cpu_warning_emitted) == (0, 0, False)
    node.user_classes_count = {"A": 2, "B": 3}
    assert node.user_count == 5
    other = WorkerNode(id="v", state="running", heartbeat_liveness=1)
    assert (other.state, other.heartbeat, other.user_classes_count) == ("running", 1, {})


def test_nodes():
    states = ["ready", "spawning", "running", "missing", "ready"]
    nodes = WorkerNodes()
    for number, state in enumerate(states):
        nodes[f"w{number}"] = WorkerNode(f"w{number}", state=state)
    assert len(nodes) == 5 and list(nodes) == ["w0", "w1", "w2", "w3", "w4"] and "w3" in nodes
    assert [n.id for n in nodes.ready] == ["w0", "w4"] == [n.id for n in nodes.get_by_state("ready")]
    assert [[n.id for n in x] for x in (nodes.spawning, nodes.running, nodes.missing)] == [["w1"], ["w2"], ["w3"]]
    assert len(nodes.all) == 5 and next(iter(nodes.all)).id == "w0"
    for id in nodes:
        del nodes[id]
    assert not nodes and nodes.get("w0") is None and nodes.pop("w0", 7) == 7
    with pytest.raises(KeyError):
        nodes["w0"]


def test_helpers():
    dispatched = {"w1": {"A": 1, "B": 0}, "w2": {"A": 2, "B": 0}}
    assert runners._aggregate_dispatched_users(dispatched) == {"A": 3, "B": 0}
    assert runners._format_user_classes_count_for_log({"B": 1, "A": 2}) == '{"A": 2, "B": 1} (3 total users)'
    assert runners.ExceptionDict(count=1, msg="m", traceback="t", nodes={"n"})["count"] == 1
    assert runners.rpc is locust.rpc.rpc and runners.Message is locust.rpc.Message


# --- Kinds of runners.


def test_what_a_plain_runner_cannot():
    r = Runner(Environment(user_classes=[A]))
    with pytest.raises(NotImplementedError, match="a Runner cannot start users"):
        r.start(1, 1)
    with pytest.raises(NotImplementedError, match="a Runner cannot send messages"):
        r.send_message("x")
    (user,) = r.spawn_users({"A": 1})
    assert type(user) is A and r.user_count == 1
    r.quit()
    assert r.state == "stopped"


def test_a_distributed_runner_reports():
    """What masters and workers share needs no network: statistics travel by events."""
    env = Environment(user_classes=[A])
    r = DistributedRunner(env)
    env.stats.log_request("GET", "/", 5, 1)
    data = {}
    env.events.report_to_master.fire(client_id="w", data=data)
    assert [row["name"] for row in data["stats"]] == ["/"] and env.stats.total.num_requests == 0
    env.events.worker_report.fire(client_id="w", data={**data, "user_count": 1})
    assert env.stats.total.num_requests == 1
    r.quit()


@pytest.mark.parametrize("cls", [MasterRunner, WorkerRunner])
def test_no_method_pretends(cls):
    """Whatever a master or a worker has of its own says that it is not there yet."""
    runner = cls.__new__(cls)
    for name, member in vars(cls).items():
        if name.startswith("__") and name != "__init__":
            continue
        with pytest.raises(NotImplementedError):
            if isinstance(member, property):
                getattr(runner, name)
            else:
                parameters = inspect.signature(member).parameters.values()
                positional = [p for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
                member(runner, *[None] * (len(positional) - 1))


def test_a_monitor_of_ones_own():
    class Mine(LocalRunner):
        samples = 0

        def monitor_cpu_and_memory(self):
            while True:
                self.samples += 1
                time.sleep(0.01)

    r = Mine(Environment(user_classes=[A]))
    wait_for(lambda: r.samples > 2)
    r.quit()
    seen = r.samples
    time.sleep(0.05)
    assert r.samples == seen


def test_a_failing_monitor(caplog):
    class Mine(LocalRunner):
        def monitor_cpu_and_memory(self):
            raise ValueError("boo")

    r = Mine(Environment(user_classes=[A]))
    time.sleep(0.02)
    assert [x.exc_info[0] for x in caplog.records if x.levelname == "CRITICAL"] == [ValueError]
    r.quit()


def test_users_of_a_subclass_are_its_own():
    b = type("B", (A,), {})
    env = Environment(user_classes=[A, b])
    r = env.create_local_runner()
    r.spawn_users({"B": 2, "A": 1})
    r.stop_users({"A": 2})
    assert r.user_classes_count == {"A": 0, "B": 2}
    r.quit()


def test_the_ramp_can_be_joined_after_a_stop():
    env = Environment(user_classes=[A])
    r = env.create_local_runner()
    r.start(1, 1)
    r.spawning_greenlet.join()
    r.stop()
    r.spawning_greenlet.join()
    assert r.spawning_greenlet.ready() and r._local_worker_node.user_classes_count == {"A": 1}
    r.quit()


# --- What ends a green thread of a runner.


def handled(environment, exception):
    """Has the handler deal with an exception of a green thread."""

    def fail():
        raise exception

    green = _locust.Greenlet(fail)
    green.link_exception(runners.locust_exception_handler(environment))
    green.start()
    green.join()


@pytest.fixture
def environment():
    env = Environment(user_classes=[A])
    env.create_local_runner().start(1, 10)
    wait_for(lambda: env.runner.state == "running")
    locust.log.unhandled_greenlet_exception = False
    yield env
    env.runner.quit()


@pytest.mark.parametrize(
    ("options", "web_ui", "alive"),
    [
        (argparse.Namespace(headless=True, stop_timeout=0), None, False),
        (argparse.Namespace(headless=False, stop_timeout=0), None, True),
        (argparse.Namespace(stop_timeout=0), None, True),
        (None, None, False),
        (None, "some", True),
    ],
)
def test_stop_test(environment, caplog, options, web_ui, alive):
    environment.parsed_options, environment.web_ui = options, web_ui
    handled(environment, StopTest("enough"))
    wait_for(lambda: environment.runner.state == "stopped" and bool(environment.runner.greenlet) == alive)
    time.sleep(0.02)
    assert bool(environment.runner.greenlet) == alive
    said = [(r.name, r.levelname, r.getMessage()) for r in caplog.records]
    assert said == [
        ("locust.runners", "ERROR", "enough"),
        ("locust.runners", "WARNING", "Stopping Locust..."),
    ]
    assert not locust.log.unhandled_greenlet_exception


def test_another_exception(environment, caplog):
    handled(environment, ValueError("boo"))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("locust.runners", "CRITICAL")
    assert record.getMessage().startswith("Unhandled exception in greenlet: ") and record.exc_info[0] is ValueError
    assert environment.runner.state == "running" and locust.log.unhandled_greenlet_exception


def test_sys_exit(environment, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit, match="3"):
        handled(environment, SystemExit(3))
        time.sleep(1)
    assert "sys.exit(3) called (use log level DEBUG for callstack)" in caplog.messages
    assert locust.log.unhandled_greenlet_exception


def test_constants_are_read_when_they_are_used(environment, monkeypatch):
    monkeypatch.setattr(runners, "CPU_MONITOR_INTERVAL", 0.02)
    monkeypatch.setattr(runners, "CPU_WARNING_THRESHOLD", -1)
    usage, warned = [], []
    env = Environment(user_classes=[A])
    env.events.usage_monitor.add_listener(lambda **kwargs: usage.append(sorted(kwargs)))
    env.events.cpu_warning.add_listener(lambda **kwargs: warned.append(sorted(kwargs)))
    env.create_local_runner()
    wait_for(lambda: len(usage) > 3)
    assert warned[0] == ["cpu_usage", "environment"] and usage[0] == ["cpu_usage", "environment", "memory_usage"]
    assert len(warned) >= len(usage) - 1 and env.runner.cpu_warning_emitted
    monkeypatch.setattr(runners, "CPU_WARNING_THRESHOLD", 101 * 64)
    time.sleep(0.03)
    seen = len(warned)
    wait_for(lambda: len(usage) > 10)
    assert len(warned) == seen
    env.runner.quit()
