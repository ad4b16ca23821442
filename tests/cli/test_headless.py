"""A local run without a web interface: its log, its pace, its exit codes."""

import json
import os
import re

import pytest

# With sanitizers a user needs hundreds of KB.
MANY = "500" if os.environ.get("LOCUST_SANITIZERS") else "20000"

TIMES = """
import time
from locust import User, constant, events, task

class A(User):
    wait_time = constant(100)

    def on_start(self):
        print(time.time())

    @task
    def t(self):
        pass
"""


def test_transcript(run):
    r = run("--headless", "-u", "3", "-r", "2", "-t", "2", "--only-summary")
    assert r.code == 0, r
    assert [line[1:] for line in r.log()] == [
        ("INFO", "locust.main", "Starting Locust 2.46.3"),
        ("INFO", "locust.main", "Run time limit set to 2 seconds"),
        ("INFO", "locust.runners", "Ramping to 3 users at a rate of 2.00 per second"),
        ("INFO", "locust.runners", 'All users spawned: {"A": 3} (3 total users)'),
        ("INFO", "locust.main", "--run-time limit reached, shutting down"),
        ("INFO", "locust.main", "Shutting down (exit code 0)"),
    ]
    assert r.out == ""


def test_run_time_counts_from_the_start(run):
    r = run("--headless", "-u", "100", "-r", "10", "-t", "2", "--only-summary")
    times = {text: t for t, _, _, text in r.log()}
    took = times["--run-time limit reached, shutting down"] - times["Run time limit set to 2 seconds"]
    assert took == pytest.approx(2, abs=0.1)
    assert not any("All users spawned" in m for m in times)


def test_spawning_is_even(run):
    r = run("--headless", "-u", "30", "-r", "10", "-t", "4", locustfile=TIMES)
    times = sorted(map(float, r.out.split()))
    assert len(times) == 30
    for i, t in enumerate(times):
        assert t - times[0] == pytest.approx(i / 10, abs=0.1)


def test_slow_spawning(run):
    r = run("--headless", "-u", "3", "-r", "1.5", "-t", "3", locustfile=TIMES)
    times = sorted(map(float, r.out.split()))
    assert [t - times[0] for t in times] == pytest.approx([0, 0.667, 1.333], abs=0.1)


def test_many_users(run):
    r = run("--headless", "-u", MANY, "-r", MANY, "-t", "4", "--only-summary", timeout=60)
    times = {text: t for t, _, _, text in r.log()}
    took = next(t for m, t in times.items() if m.startswith("All users")) - next(
        t for m, t in times.items() if m.startswith("Ramping")
    )
    assert r.code == 0, r
    assert any("spawn rate is very high" in m for m in times)
    assert took < 3


def test_event_order(run):
    r = run(
        *"--headless -u 1 -t 1 --only-summary".split(),
        locustfile="""
from locust import User, constant, events, task

class A(User):
    wait_time = constant(10)

    def on_start(self):
        print("on_start")

    def on_stop(self):
        print("on_stop", self.environment.runner.state)

    @task
    def t(self):
        pass

for name in ("init_command_line_parser", "init", "test_start", "spawning_complete", "test_stopping", "test_stop",
             "quitting", "quit"):
    def listen(name=name, environment=None, **kwargs):
        print(name, environment.runner.state if environment else sorted(kwargs))
    getattr(events, name).add_listener(listen)
""",
    )
    lines = r.out.splitlines()
    assert sorted(lines[3:5]) == ["on_start", "spawning_complete ['user_count']"]
    assert lines[:3] + lines[5:] == [
        "init_command_line_parser ['parser']",
        "init ready",
        "test_start ready",
        "test_stopping running",
        "on_stop cleanup",
        "test_stop stopped",
        "quitting stopped",
        "quit ['exit_code']",
    ]


def with_task(body, top=""):
    return f"""
from locust import User, constant, events, task
from locust.exception import StopTest, StopUser
{top}
class A(User):
    wait_time = constant(0.1)

    def on_stop(self):
        print("on_stop")

    @task
    def t(self):
        {body}
"""


@pytest.mark.parametrize(
    "text, args, code",
    [
        (with_task("pass"), [], 0),
        (with_task("1/0"), [], 1),
        (with_task("1/0"), ["--exit-code-on-error", "5"], 5),
        (with_task("self.environment.process_exit_code = 7; 1/0"), [], 7),
        (with_task("pass", "@events.test_start.add_listener\ndef f(**kw): 1/0"), [], 2),
        (with_task("pass", "@events.init.add_listener\ndef f(**kw): 1/0"), [], 1),
        (with_task("pass", "@events.init_command_line_parser.add_listener\ndef f(**kw): 1/0"), [], 1),
        (with_task("raise SystemExit(9)"), [], 9),
        (with_task("raise StopUser()"), [], 0),
        (with_task("pass", "@events.quitting.add_listener\ndef f(environment, **kw):\n    environment.process_exit_code = 3"), [], 3),
    ],
)
def test_exit_codes(run, text, args, code):
    r = run("--headless", "-t", "1", "--only-summary", *args, locustfile=text)
    assert r.code == code, r
    assert r.took() < 5


def test_a_user_that_cannot_be_made(run):
    text = with_task("pass") + "    def __init__(self, environment):\n        raise ValueError('boo')\n"
    r = run("--headless", "-t", "1", "-u", "5", "--only-summary", locustfile=text)
    assert r.code == 2
    (line,) = [x for x in r.log() if x[1] == "CRITICAL"]
    assert line[2] == "locust.runners" and line[3].startswith("Unhandled exception in greenlet: ")
    assert "ValueError: boo" in r.err
    assert "--run-time limit reached, shutting down" in r.messages()


def test_a_user_without_environment(run):
    text = with_task("pass") + "    def __init__(self, environment):\n        pass\n"
    r = run("--headless", "-t", "1", "--only-summary", locustfile=text)
    assert r.code == 2
    assert "AssertionError: Attribute 'environment' is missing on user" in r.err


def test_stop_test(run):
    text = with_task("pass") + "    def __init__(self, environment):\n        raise StopTest('enough')\n"
    r = run("--headless", "-t", "10", "--only-summary", locustfile=text)
    assert r.code == 0 and r.took() < 5
    assert ("ERROR", "locust.runners", "enough") in [x[1:] for x in r.log()]
    assert ("WARNING", "locust.runners", "Stopping Locust...") in [x[1:] for x in r.log()]


@pytest.mark.parametrize("stop_timeout", ["0", "30"])
@pytest.mark.parametrize("users", ["1", "5"])
def test_quit_from_a_task(run, users, stop_timeout):
    text = with_task("self.environment.runner.quit(); print('after')")
    r = run("--headless", "-u", users, "-r", "10000", "-s", stop_timeout, "--only-summary", locustfile=text)
    assert r.code == 0 and r.took() < 8, r
    assert r.out.split() == ["on_stop"] * int(users)


@pytest.mark.parametrize("event", ["test_start", "init", "spawning_complete"])
def test_quit_from_a_listener(run, event):
    top = f"""
@events.{event}.add_listener
def f(**kw):
    ENVIRONMENT[0].runner.quit()
ENVIRONMENT = []
@events.init.add_listener
def g(environment, **kw):
    ENVIRONMENT.append(environment)
"""
    if event == "init":
        top = "@events.init.add_listener\ndef f(environment, **kw):\n    environment.runner.quit()\n"
    r = run("--headless", "-t", "2", "--only-summary", locustfile=with_task("pass", top))
    assert r.code == 0, r
    assert r.messages()[-1] == "Shutting down (exit code 0)"


def test_stop_timeout(run):
    text = with_task("import time; time.sleep(1.5); print('done')")
    r = run("--headless", "-t", "1", "-s", "5", "--only-summary", locustfile=text)
    assert r.out.split() == ["done", "on_stop"], r
    r = run("--headless", "-t", "1", "--only-summary", locustfile=text)
    assert r.out.split() == ["on_stop"], r
    text = text.replace("1.5", "9")
    r = run("--headless", "-t", "1", "-s", "1", "--only-summary", locustfile=text)
    assert r.out.split() == ["on_stop"], r
    assert (
        "Not all users finished their tasks & terminated in 1.0 seconds. Stopping them..." in r.messages()
    )
    assert r.took() < 5


def test_reset_stats(run):
    r = run("--headless", "-t", "1", "--only-summary", "--reset-stats")
    assert r.messages().count("Resetting stats") == 1


def test_debug_log(run):
    r = run("--headless", "-t", "1", "-u", "2", "-r", "2", "--only-summary", "-L", "debug")
    assert 'Spawning additional {"A": 1} ({"A": 1} already running)...' in r.messages()
    assert "Terminal was not a tty. Keyboard input disabled" in r.messages()


def test_logfile(run, directory):
    r = run("--headless", "-t", "1", "--logfile", "log")
    text = (directory / "log").read_text()
    assert "Starting Locust" in text and "Shutting down (exit code 0)" in text
    assert r.log() == [] and "Aggregated" in r.err and "Aggregated" not in text
    r = run("--headless", "-t", "1", "--logfile", "new/log")
    assert r.code == 0 and "Starting Locust" in (directory / "new" / "log").read_text()
    r = run("--headless", "-t", "1", "--logfile", "log/log")
    assert r.code == 1 and "FileExistsError" in r.err


def test_skip_log_setup(run):
    r = run("--headless", "-t", "1", "--skip-log-setup")
    assert (r.code, r.out, r.err) == (0, "", "")


def test_tables(run):
    r = run("--headless", "-t", "3")
    assert r.err.count("Aggregated") >= 3
    r = run("--headless", "-t", "3", "--only-summary", "-L", "ERROR")
    assert r.log() == [] and r.err.startswith("Type ")
    assert "Response time percentiles (approximated)" in r.err


def test_fixed_counts(run):
    text = with_task("pass") + "\nclass B(A):\n    fixed_count = 2\nclass C(A):\n    weight = 3\n"
    r = run("--headless", "-t", "2", "-u", "10", "-r", "100", "--only-summary", locustfile=text)
    (line,) = [m for m in r.messages() if m.startswith("All users spawned")]
    assert json.loads(re.search(r"{.*}", line)[0]) == {"A": 2, "B": 2, "C": 6}
    r = run("--headless", "-t", "1", "-u", "1", "--only-summary", locustfile=text)
    assert any(m.startswith("Total fixed_count of User classes (2) is greater than ") for m in r.messages())


def test_users_who_end_early_do_not_hold_up_the_ramp(run):
    text = with_task("print('x', flush=True); raise StopUser", "from locust.exception import StopUser") + """
@events.spawning_complete.add_listener
def complete(user_count, **kwargs):
    print("complete", user_count)
"""
    r = run("--headless", "-t", "4", "-u", "12", "-r", "4", "--only-summary", locustfile=text)
    assert 'All users spawned: {"A": 12} (12 total users)' in r.messages()
    assert r.out.split("\n").count("complete 12") == 1
    # Each step of the ramp replaces those that have ended meanwhile.
    assert r.out.count("x") == 4 + 8 + 12


@pytest.mark.parametrize("stop_timeout", ["0", "1"])
def test_a_user_that_swallows_its_kill(run, stop_timeout):
    text = with_task("""
        try:
            time.sleep(100)
        except BaseException:
            print("swallowed")""", "import time")
    r = run("--headless", "-t", "1", "-s", stop_timeout, "--only-summary", locustfile=text)
    assert r.code == 0 and r.took() < 6, r
    assert "swallowed" in r.out and "Aggregated" in r.err


def test_users_that_never_let_go(run):
    """They are left behind; who takes its time in a finally block or in on_stop() is not."""
    # LeakSanitizer does not search the stacks of those who are left.
    end = "sys.stdout.flush(); os._exit(exit_code)" if os.environ.get("LOCUST_SANITIZERS") else "pass"
    text = with_task("""
        while True:
            try:
                time.sleep(0.1)
            except:
                print("caught")""", "import os, sys, time, _locust; _locust.set_kill_patience(0.6)") + f"""
@events.quit.add_listener
def quit(exit_code, **kwargs):
    {end}

class Slow(User):
    fixed_count = 1
    @task
    def t(self):
        try:
            time.sleep(100)
        finally:
            time.sleep(1.2)
    def on_stop(self):
        time.sleep(1)
        print("slow end")
"""
    r = run("--headless", "-t", "1", "-u", "3", "-r", "100", "--only-summary", locustfile=text)
    assert r.code == 0 and r.took() < 10, r
    assert r.out.split("\n").count("caught") == 4 and "slow end" in r.out, r
    said = r.messages()
    assert any(m.startswith("Waiting for 3 users that have been told to end") for m in said), said
    assert any(m.startswith("2 users are left behind, in a task of class A") for m in said), said
    assert "Aggregated" in r.err


def test_sleep_is_cooperative(run):
    text = with_task("import time; time.sleep(0.5); print('x')")
    r = run("--headless", "-t", "1", "-u", "50", "-r", "5000", "--only-summary", locustfile=text)
    assert r.out.count("x") >= 50
