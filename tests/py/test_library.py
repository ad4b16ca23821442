"""Locust as a library: python3 script.py, pytest, several tests in one process, nothing left over."""

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

import locust
from locust import User, constant, task
from locust.env import Environment
from locust.runners import LocalRunner

CYCLES = pathlib.Path(__file__).with_name("cycles.py")
SANITIZED = bool(os.environ.get("LOCUST_SANITIZERS"))


def run(directory, text, *args, name="script.py", command=(), code=0):
    path = directory / name
    path.write_text(text)
    whole = [sys.executable, *command, str(path), *args]
    done = subprocess.run(whole, env=dict(os.environ), cwd=directory, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done


SCRIPT = """
import _locust
import locust.stats
from locust import User, constant, events, task
from locust.env import Environment
from locust.log import setup_logging
from locust.stats import print_stats, stats_history, stats_printer

setup_logging("INFO")
locust.stats.HISTORY_STATS_INTERVAL_SEC = 0.3

class Mine(User):
    wait_time = constant(0.05)

    @task
    def work(self):
        self.environment.events.request.fire(request_type="GET", name="/", response_time=5, response_length=1,
                                             exception=None, context={})

@events.init.add_listener
def on_init(environment, runner, web_ui, **kwargs):
    print("init", type(runner).__name__, web_ui)

@events.test_stop.add_listener
def on_test_stop(environment, **kwargs):
    print("test_stop", environment.stats.total.num_requests > 10)

env = Environment(user_classes=[Mine], events=events)
runner = env.create_local_runner()
env.events.init.fire(environment=env, runner=runner, web_ui=None)
_locust.Greenlet.spawn(stats_printer(env.stats))
_locust.Greenlet.spawn(stats_history, env.runner)
runner.start(5, spawn_rate=100)
_locust.Greenlet.spawn_later(1, runner.quit)
runner.greenlet.join()
print("end", runner.state, runner.user_count, len(env.stats.history) > 0)
print_stats(env.stats)
"""


def test_canonical_script(tmp_path):
    done = run(tmp_path, SCRIPT)
    assert done.stdout.splitlines() == ["init LocalRunner None", "test_stop True", "end stopped 0 True"]
    assert 'All users spawned: {"Mine": 5} (5 total users)' in done.stderr
    assert done.stderr.count("Aggregated") >= 2 and "Traceback" not in done.stderr


def test_a_script_that_waits_by_sleeping(tmp_path):
    """Users run while the program sleeps, and only then."""
    text = SCRIPT[: SCRIPT.index("env = ")] + """
import time
env = Environment(user_classes=[Mine])
env.create_local_runner()
users = env.runner.spawn_users({"Mine": 2})
for user in users:
    user.injected = True
assert env.stats.total.num_requests == 0
time.sleep(0.5)
assert env.stats.total.num_requests >= 10
env.runner.stop()
"""
    run(tmp_path, text)


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "1/0", "os._exit(0)"])
def test_the_process_may_end_at_any_time(tmp_path, end):
    text = SCRIPT[: SCRIPT.index("env = ")] + f"""
import os, sys, time
env = Environment(user_classes=[Mine])
env.create_local_runner()
env.runner.start(50, 1000)
time.sleep(0.2)
assert env.runner.user_count == 50
{end}
"""
    done = run(tmp_path, text, code={"sys.exit(3)": 3, "1/0": 1}.get(end, 0))
    assert ("ZeroDivisionError" in done.stderr) == (end == "1/0")
    assert "Fatal" not in done.stderr and "Exception ignored" not in done.stderr


def test_under_pytest(tmp_path):
    text = """
import time
import pytest
from locust import User, constant, task
from locust.env import Environment

class Mine(User):
    wait_time = constant(0.01)

    @task
    def work(self):
        self.environment.events.request.fire(request_type="GET", name="/", response_time=5, response_length=1,
                                             exception=None, context={})

@pytest.fixture
def env():
    env = Environment(user_classes=[Mine])
    env.create_local_runner()
    yield env
    env.runner.quit()

@pytest.mark.parametrize("users", [1, 5])
def test_load(env, users):
    env.runner.start(users, 100)
    env.runner.spawning_greenlet.join()
    time.sleep(0.2)
    assert env.runner.user_count == users
    assert env.stats.total.num_requests >= 5 and not env.runner.errors

def test_single_user(env):
    user, = env.runner.spawn_users({"Mine": 1})
    time.sleep(0.05)
    assert user.greenlet and env.runner.user_classes_count == {"Mine": 1}
"""
    done = run(tmp_path, text, "-q", "-p", "no:cacheprovider", name="test_mine.py", command=["-m", "pytest"])
    assert "3 passed" in done.stdout


def test_several_tests_at_once():
    class A(User):
        wait_time = constant(0.01)

        @task
        def work(self):
            name = self.environment.name
            self.environment.events.request.fire(
                request_type="GET", name=name, response_time=1, response_length=0, exception=None, context={}
            )

    environments = []
    for name in ("one", "two", "three"):
        env = Environment(user_classes=[A])
        env.name = name
        environments.append(env)
        env.create_local_runner().start(2, 100)
    extra = LocalRunner(environments[0])
    assert environments[0].runner is not extra
    time.sleep(0.3)
    environments[1].runner.quit()
    assert [env.runner.state for env in environments] == ["running", "stopped", "running"]
    assert [env.runner.user_count for env in environments] == [2, 0, 2]
    for env in environments:
        env.runner.quit()
        assert list(env.stats.entries) == [(env.name, "GET")]
    extra.quit()


def test_events_are_the_environments_own():
    env, other = Environment(), Environment(events=locust.events)
    assert env.events is not other.events and other.events is locust.events
    assert env.events.request is not other.events.request


@pytest.mark.parametrize("arguments", [[], ["--fresh"]])
def test_cycles_leave_nothing(arguments):
    cycles = ["--cycles", "20", "--users", "20"] if SANITIZED else ["--cycles", "60"]
    allow = ["--allow-kb", "100000" if SANITIZED else "300"]  # the sanitizer keeps what was freed
    command = [sys.executable, str(CYCLES), *cycles, *allow, "--warm-up", "20", *arguments]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["objects"][0] > 1000


def test_cycles_of_http_users_leave_nothing(demo_site):
    cycles = ["--cycles", "10", "--users", "10"] if SANITIZED else ["--cycles", "60", "--users", "30"]
    allow = ["--allow-kb", "100000" if SANITIZED else "3000"]
    command = [sys.executable, str(CYCLES), *cycles, *allow, "--warm-up", "40", "--http", demo_site.url]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
