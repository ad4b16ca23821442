"""Load shapes on the command line: which users there are when, what is said, how it ends."""

import signal

import pytest

USERS = """
from locust import LoadTestShape, User, constant, events, task
from locust.exception import StopTest

class A(User):
    wait_time = constant(100)

    @task
    def t(self):
        pass

class B(A):
    pass
"""

STEPS = (
    USERS
    + """
class Steps(LoadTestShape):
    {body}
    def tick(self):
        run_time = self.get_run_time()
        if run_time < 1.5:
            return 2, 10
        if run_time < 2.5:
            return 5, 10, [B]
        if run_time < 3.5:
            return 1, 10
        return None
"""
)

SHAPE = "class S(LoadTestShape):\n    def tick(self):\n        "


def test_transcript(run):
    r = run("--headless", "--only-summary", locustfile=STEPS.format(body=""))
    assert r.code == 0, r
    assert [line[1:] for line in r.log()] == [
        ("INFO", "locust.main", "Starting Locust 2.46.3"),
        ("INFO", "locust.runners", "Shape test starting."),
        ("INFO", "locust.runners", "Shape worker starting"),
        ("INFO", "locust.runners", "Shape test updating to 2 users at 10.00 spawn rate"),
        ("INFO", "locust.runners", "Ramping to 2 users at a rate of 10.00 per second"),
        ("INFO", "locust.runners", 'All users spawned: {"A": 1, "B": 1} (2 total users)'),
        ("INFO", "locust.runners", "Shape test updating to 5 users at 10.00 spawn rate"),
        ("INFO", "locust.runners", "Ramping to 5 users at a rate of 10.00 per second"),
        ("INFO", "locust.runners", 'All users spawned: {"A": 1, "B": 4} (5 total users)'),
        ("INFO", "locust.runners", "Shape test updating to 1 users at 10.00 spawn rate"),
        ("INFO", "locust.runners", "Ramping to 1 users at a rate of 10.00 per second"),
        ("INFO", "locust.runners", 'All users spawned: {"A": 1, "B": 0} (1 total users)'),
        ("INFO", "locust.runners", "Shape test stopping"),
        ("INFO", "locust.main", "Shape test completed, shutting down"),
        ("INFO", "locust.main", "Shutting down (exit code 0)"),
    ]
    assert r.seconds > 3.5


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ("-u 5", "--users"),
        ("-t 9 -r 2", "--spawn-rate, --run-time"),
        ("-t 1s -u 1 -r 2", "--users, --spawn-rate, --run-time"),
    ],
)
def test_options_without_effect(run, args, named):
    text = USERS + SHAPE + "return (1, 10) if self.get_run_time() < 1.5 else None\n"
    r = run("--headless", "--only-summary", *args.split(), locustfile=text)
    general, ignored = [line for line in r.log() if line[1] == "WARNING"]
    assert general[2:] and general[3].startswith("--run-time, --users or --spawn-rate have no impact")
    assert ignored[2:] == ("locust.main", f"The following option(s) will be ignored: {named}")
    assert r.code == 0 and "Shape test stopping" in r.messages()


@pytest.mark.parametrize(("args", "common"), [("", "False"), ("-u 2 -r 3 -t 1", "True")])
def test_no_warning(run, args, common):
    body = f"use_common_options = {common}\n    "
    text = USERS + SHAPE.replace("def", body + "def") + "print(self.runner.environment.parsed_options.num_users)\n"
    r = run("--headless", "--only-summary", *args.split(), locustfile=text)
    assert r.code == 0 and not [line for line in r.log() if line[1] == "WARNING"], r
    assert r.out.split() == ["2" if args else "1"]


@pytest.mark.parametrize(
    ("tick", "code", "said"),
    [
        ("raise ValueError('boo')", 2, "ValueError: boo"),
        ("raise StopTest('enough')", 0, "enough"),
        ("return 5", 2, "tick() of a load shape must return (user_count, spawn_rate), "),
        ("return 1, 2, None, 4", 2, "or None, not (1, 2, None, 4)"),
        ("return 1, 0", 2, "spawn rate must be above 0"),
        ("self.runner.quit()", 0, "Shape test completed, shutting down"),
        ("raise SystemExit(7)", 7, ""),
    ],
)
def test_bad_ticks(run, tick, code, said):
    text = USERS + SHAPE + f"if self.get_run_time() > 2.5: return None\n        {tick}\n"
    r = run("--headless", "--only-summary", locustfile=text)
    assert r.code == code and said in r.err, r
    assert r.took() < 10


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signals(start, signum):
    text = USERS + SHAPE + "return 1, 10\n@events.test_stop.add_listener\ndef f(**kw): print('test_stop')\n"
    program = start("--headless", locustfile=text)
    program.expect("All users spawned")
    program.send(signum)
    r = program.finish()
    assert r.code == 0, r
    why = {signal.SIGINT: "Exiting due to CTRL+C interruption", signal.SIGTERM: "Got SIGTERM signal"}
    assert [m for m in r.messages() if m in why.values()] == [why[signum]]
    assert r.messages()[-2:] == ["Shape test completed, shutting down", "Shutting down (exit code 0)"]
    assert r.out == "test_stop\n" and r.err.count("Aggregated") >= 2


def test_first_shape_of_several(run, directory):
    (directory / "one.py").write_text(USERS + SHAPE + "print('one')\n")
    (directory / "two.py").write_text(SHAPE.replace("S(", "T(").replace("class", "from locust import *\nclass")
                                      + "print('two')\n")
    r = run("-f", "one.py,two.py", "--headless", "--only-summary")
    assert (r.code, r.out) == (0, "one\n"), r
    (directory / "two.py").write_text("from locust import *\n" + SHAPE + "print('two')\n")
    r = run("-f", "one.py,two.py", "--headless", "--only-summary")
    assert (r.code, r.err) == (1, "Duplicate shape classes: S\n")


def test_an_abstract_shape_is_not_used(run):
    text = USERS + SHAPE.replace("def", "abstract = True\n    def") + "return None\n"
    r = run("--headless", "-t", "1", "--only-summary", locustfile=text)
    assert r.code == 0 and "--run-time limit reached, shutting down" in r.messages()


def test_a_shape_without_tick(run):
    r = run("--headless", "-t", "1", locustfile=USERS + "class S(LoadTestShape):\n    pass\n")
    assert r.code == 1 and "TypeError: Can't instantiate abstract class S" in r.err
