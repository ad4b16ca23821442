"""The options of Locust 0.x: parsed with a warning each, or refused with a reason."""

import re

import pytest

pytestmark = pytest.mark.plain("options are read by Python code; the runs that they begin are like any other")

WITH_ITS_OWN = """
from locust import User, constant, events, task

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("-c", "--clients", default="none", help="whose clients")
    parser.add_argument("-n", type=int)

class A(User):
    wait_time = constant(1)

    @task
    def t(self):
        print("clients:", self.environment.parsed_options.clients, self.environment.parsed_options.n)
"""


def warnings(result):
    return re.findall(r"^\S*: warning: (.*)$", result.err, re.M)


@pytest.mark.parametrize("form", ["-c 3 --hatch-rate 10", "-c3 --hatch-rate=10", "--clients=3 -r 10"])
def test_a_run_of_old(run, form):
    result = run("--no-web", *form.split(), "-t", "1", "--only-summary")
    assert result.code == 0, result
    assert "Ramping to 3 users at a rate of 10.00 per second" in result.err
    assert "--no-web is of Locust 0.x: write --headless" in warnings(result)
    assert len(warnings(result)) == (2 if "-r" in form.split() else 3)


def test_each_is_warned_of_once(run):
    result = run("--no-web", "--no-web", "-c", "1", "-c", "2", "-t", "1", "--only-summary")
    assert result.code == 0 and "Ramping to 2 users" in result.err
    assert warnings(result) == [
        "--no-web is of Locust 0.x: write --headless",
        "-c is of Locust 0.x: write --users",
    ]


def test_in_a_configuration_file(run, directory):
    (directory / "locust.conf").write_text("no-web = true\nclients = 2\nhatch-rate = 5\nrun-time = 1\n")
    result = run("--only-summary")
    assert result.code == 0 and "Ramping to 2 users at a rate of 5.00 per second" in result.err, result


@pytest.mark.parametrize("arguments", ["-c x", "--hatch-rate 0"])
def test_values_are_checked(run, arguments):
    assert run("--no-web", *arguments.split()).code == 2


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ("-n 100", "use --run-time"),
        ("--num-request=100", "use --run-time"),
        ("--step-load --step-time 10", "LoadTestShape"),
    ],
)
def test_what_is_gone_is_refused(run, arguments, reason):
    result = run("--no-web", *arguments.split())
    assert result.code == 2 and "is of Locust 0.x and gone" in result.err and reason in result.err, result


def test_options_of_the_locustfile_come_first(run):
    result = run("--headless", "-c", "many", "-n", "7", "-t", "1", "--only-summary", locustfile=WITH_ITS_OWN)
    assert result.code == 0 and "clients: many 7" in result.out and warnings(result) == [], result


def test_they_are_not_in_the_help(run):
    text = run("--help").out
    for name in ("--no-web", "--clients", "--hatch-rate", "--slave", "--num-request"):
        assert name not in text
