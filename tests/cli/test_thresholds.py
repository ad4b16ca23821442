"""--threshold, --abort-on-threshold and --junit-xml, from the outside."""

import os
import pty
import re
from xml.etree import ElementTree

import pytest

REQUESTS = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(0.05)

    @task
    def t(self):
        fire = self.environment.events.request.fire
        for ms in (10, 20, 30):
            fire(request_type="GET", name="/a", response_time=ms, response_length=7, exception=None, context={})
        fire(request_type="PUT", name="/b:c", response_time=400, response_length=7, exception=ValueError("<boom>"), context={})
"""

FINE = REQUESTS.replace('exception=ValueError("<boom>")', "exception=None")
SHORT = ["--headless", "-u", "1", "-t", "1", "--only-summary"]
TABLE = re.compile(r"^Thresholds\nResult +Threshold +Measured\n-+\|-+\|-+\n((?:(?:passed|FAILED) .*\n)+)\n", re.M)


def rows_of(result):
    """The lines of the table."""
    return TABLE.search(result.err)[1].splitlines()


def test_pass(run):
    r = run(*SHORT, "--threshold", "p95<=500", "GET /a:max == 30", "PUT /b:c:avg<0.5s", "fail_ratio<1%", locustfile=FINE)
    assert r.code == 0, r
    rows = rows_of(r)
    assert [row.split()[0] for row in rows] == ["passed"] * 4
    assert re.search(r"passed +GET /a:max == 30 +30\.000 ms", r.err)
    assert r.err.index("Response time percentiles") < r.err.index("\nThresholds\n")
    assert "\033" not in r.err


def test_fail(run):
    r = run(*SHORT, "--threshold", "p99<100", "--threshold", "requests>1", "GET /none:rps>0", locustfile=FINE)
    assert r.code == 3, r
    assert "Shutting down (exit code 3)" in r.messages()
    rows = rows_of(r)
    assert [row.split()[0] for row in rows] == ["FAILED", "passed", "FAILED"]
    assert rows[2].endswith("no such request")


@pytest.mark.parametrize(
    "args, locustfile, code",
    [
        (["--threshold", "failures==0"], REQUESTS, 3),  # goes before failed requests
        (["--threshold", "failures>0"], REQUESTS, 1),
        (["--threshold", "failures>0", "--exit-code-on-error", "0"], REQUESTS, 0),
        (["--threshold", "max<1", "--threshold-exit-code", "42"], FINE, 42),
    ],
)
def test_exit_codes(run, args, locustfile, code):
    r = run(*SHORT, *args, locustfile=locustfile)
    assert r.code == code, r


@pytest.mark.parametrize("how", ["environment", "file", "toml", "attribute"])
def test_other_ways(run, directory, how):
    text, env = FINE, {}
    if how == "environment":
        env = {"LOCUST_THRESHOLD": "[p95<1, requests>1]"}
    elif how == "file":
        (directory / "locust.conf").write_text("threshold = [p95<1, requests>1]\n")
    elif how == "toml":
        (directory / "pyproject.toml").write_text('[tool.locust]\nthreshold = ["p95<1", "requests>1"]\n')
    else:
        text += "\n@events.init.add_listener\ndef f(environment, **_): environment.thresholds += ['p95<1', 'requests>1']\n"
    r = run(*SHORT, locustfile=text, env=env)
    assert r.code == 3, r
    assert [row.split()[:2] for row in rows_of(r)] == [["FAILED", "p95<1"], ["passed", "requests>1"]]


def test_bad_ones(run):
    r = run(*SHORT, "--threshold", "p95<200", "GET /a:p95<x")
    assert (r.code, r.out) == (2, "")
    assert r.err == "locust: error: argument --threshold: 'GET /a:p95<x', position 12: expected a number\n"
    text = FINE + "\n@events.init.add_listener\ndef f(environment, **_): environment.thresholds = ['p95=1']\n"
    r = run(*SHORT, locustfile=text)
    assert r.code == 2, r
    assert r.messages()[-1] == "environment.thresholds: 'p95=1', position 4: expected <, <=, >, >=, == or !="
    text = FINE + "\n@events.test_start.add_listener\ndef f(environment, **_): environment.thresholds = [5]\n"
    r = run(*SHORT, locustfile=text)
    assert r.code == 3 and "Traceback" not in r.err, r


def test_odd_texts(run):
    r = run(*SHORT, "--threshold", "GET /\u00fc:p9x<5")
    assert r.err == "locust: error: argument --threshold: 'GET /\u00fc:p9x<5', position 10: expected <, <=, >, >=, == or !=\n"
    text = FINE + """
@events.test_start.add_listener
def f(environment, **_): environment.thresholds = ["p95<5\\0x", "\\ud800<\\0", " GET  /a : max < 31 "]
"""
    r = run(*SHORT, "--junit-xml", "out.xml", "--html", "out.html", locustfile=text)
    assert r.code == 3 and "Traceback" not in r.err, r
    assert [row.split()[0] for row in rows_of(r)] == ["FAILED", "FAILED", "passed"]
    assert r"p95<5\0x" in r.err and "position 6: expected the end" in r.err


def test_options_that_would_have_no_effect(run):
    r = run(*SHORT, "--abort-on-threshold", locustfile=FINE)
    assert r.code == 0 and "--abort-on-threshold has no effect: there is no --threshold" in r.messages(), r
    for code in ("256", "-1", "x"):
        r = run(*SHORT, "--threshold-exit-code", code)
        assert (r.code, r.err) == (
            2, f"locust: error: argument --threshold-exit-code: Invalid argument ({code}), must be a number from 0 to 255\n"
        )  # fmt: skip


def test_abort(run):
    r = run("--headless", "-t", "60", "--only-summary", "--threshold", "rps>1000", "max<100", "--abort-on-threshold",
            locustfile=FINE)  # fmt: skip
    assert r.code == 3 and r.took() < 30, r
    (error,) = [text for _, level, _, text in r.log() if level == "ERROR"]
    assert error == "Threshold exceeded: max<100 (measured: 400.0 ms), shutting down"
    assert [row.split()[0] for row in rows_of(r)] == ["FAILED", "FAILED"]


@pytest.mark.parametrize("exception", ["StopTest", "StopUser", "KeyError"])
def test_abort_although_a_listener_of_the_end_fails(run, exception):
    text = FINE + f"from locust.exception import *\n@events.test_stop.add_listener\ndef f(**_): raise {exception}('enough')\n"
    r = run("--headless", "--only-summary", "--threshold", "max<100", "--abort-on-threshold", locustfile=text)
    assert r.code == 3 and r.took() < 15, r
    assert "enough" in r.err and [row.split()[0] for row in rows_of(r)] == ["FAILED"]


def test_abort_waits_for_users_who_finish_and_ends_by_interrupt(start):
    text = FINE + "        import time; time.sleep(60)\n"
    program = start("--headless", "-s", "60", "--only-summary", "--threshold", "max<100", "--abort-on-threshold", locustfile=text)
    program.expect("Waiting up to 60 s for 1 user to finish")
    program.interrupt()
    program.expect("Shutting down (exit code 3)")
    program.interrupt()
    r = program.finish()
    assert r.code == -2 and r.err.count("Threshold exceeded") == 1 and rows_of(r), r


def test_last_requests_count(run, start):
    text = """
from locust import User, task
import time

class A(User):
    @task
    def t(self):
        time.sleep(1.5)
        self.environment.stats.log_request("GET", "/", 500, 1)
"""
    r = run(*SHORT, "-s", "10", "--threshold", "requests>=1", "max<100", "--threshold-exit-code", "7", locustfile=text)
    assert r.code == 7, r
    program = start("--headless", "-s", "10", "--threshold", "requests>=1", locustfile=text)
    program.expect("All users spawned")
    program.interrupt()
    r = program.finish()
    assert r.code == 0 and "The last requests have changed the exit code to 0" in r.messages(), r


def test_junit_xml(run, directory):
    text = REQUESTS.replace("wait_time", "x = 1\n    wait_time") + "        raise KeyError('a\\0\\ud800<')\n"
    r = run(*SHORT, "--threshold", "max<100", "--junit-xml", "new/junit.xml", locustfile=text)
    assert r.code == 3, r
    root = ElementTree.parse(directory / "new" / "junit.xml").getroot()
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["requests", "thresholds", "exceptions"]
    requests = {case.get("name"): case for case in suites["requests"]}
    assert list(requests["/a"]) == []
    (failure,) = requests["/b:c"]
    assert failure.tag == "failure" and "ValueError('<boom>')" in failure.text
    assert [case.find("failure").text for case in suites["thresholds"]] == ["measured: 400.0 ms"]
    assert "KeyError" in suites["exceptions"][0].find("error").text
    total = sum(len(suite) for suite in suites.values())
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == (str(total), "2", "1")


@pytest.mark.parametrize(
    "name, reason",
    [("home", "home: Is a directory"), ("locustfile.py/x.xml", "locustfile.py/x.xml: locustfile.py: Not a directory")],
)
def test_a_junit_file_that_cannot_be_made_ends_the_program(run, name, reason):
    r = run(*SHORT, "--junit-xml", name, locustfile=FINE)
    assert (r.code, r.messages()[-1]) == (1, f"--junit-xml: could not write {reason}"), r


@pytest.mark.parametrize("env, coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_on_a_terminal(start, directory, env, coloured):
    ours, theirs = pty.openpty()
    os.symlink(os.ttyname(theirs), directory / "stderr")
    program = start(*SHORT, "--threshold", "p99<1", "requests>1", locustfile=REQUESTS, env={"TERM": "xterm", **env})
    text = b""
    while b"Thresholds" not in text or text.count(b"\n", text.index(b"Thresholds")) < 5:
        text += os.read(ours, 65536)
    assert program.process.wait(30) == 3
    os.close(ours)
    os.close(theirs)
    text = text.decode().replace("\r", "")
    red = re.findall(r"^\033\[31m(.*)\033\[0m$", text, re.M)
    assert bool(red) == coloured
    if coloured:
        assert red[0].startswith("PUT") and "Error report" in red and red[-1].startswith("FAILED")
        assert re.findall(r"^\033\[32m(\w+)", text, re.M) == ["passed"]
    else:
        assert "\033" not in text
