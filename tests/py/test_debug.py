"""run_single_user() and PrintListener: what is printed, which events are fired, how it ends."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from locust.debug import PrintListener
from locust.env import Environment
from locust.exception import CatchResponseError

SCRIPT = """
from locust import User, constant, events, run_single_user, tag, task
from locust.exception import StopUser
import locust.debug

class One(User):
    wait_time = constant(0)

    def on_stop(self):
        print("on_stop")

    @task
    @tag("wanted")
    def work(self):
        print(self.environment.runner, self.environment.single_user_instance is self, self.greenlet, self.host)
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=1.6, response_length=3, exception=None, context={})
        raise StopUser()

    @task
    def other(self):
        print("not wanted")

TOP
run_single_user(One)
print("end")
"""


def run(tmp_path, *args, top=""):
    path = tmp_path / "single.py"
    path.write_text(SCRIPT.replace("TOP", top))
    command = [sys.executable, str(path), *args]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60)


def test_course(tmp_path):
    done = run(tmp_path, "--host", "http://h", "-T", "wanted")
    header = f"type\t{'name':50}\tresp_ms\texception\t\t"
    line = f"GET\t{'/':50}\t2      \t         \t"
    assert done.stdout.split("\n") == ["", header, "None True None http://h", line, "on_stop", "end", ""]
    assert (done.returncode, done.stderr) == (0, "")


def test_events(tmp_path):
    top = """
for name in ("init", "test_start", "test_stop", "quitting", "quit"):
    getattr(events, name).add_listener(lambda name=name, **kwargs: print(name, sorted(kwargs)))
run_single_user(One, loglevel=None)
"""
    done = run(tmp_path, "-T", "wanted", top=top)
    fired = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("]")]
    assert fired == ["init", "test_start", "test_start"]
    assert "init ['environment', 'runner', 'web_ui']" in done.stdout


def test_a_failing_init_listener_ends_it(tmp_path):
    top = "@events.init.add_listener\ndef fail(**kwargs):\n    raise ValueError('boo')\n"
    done = run(tmp_path, top=top)
    assert done.returncode == 1 and "ValueError: boo" in done.stderr
    assert done.stdout.startswith("\ntype\t") and "None True" not in done.stdout


def test_its_name_is_the_locustfile(tmp_path):
    top = "@events.init.add_listener\ndef show(environment, **kwargs):\n    print(environment.locustfile, "
    top += "environment.parsed_options.locustfile, environment is locust.debug._env)\n"
    done = run(tmp_path, "-T", "wanted", top=top)
    assert "\nsingle.py single.py True\n" in done.stdout


def test_ctrl_c(tmp_path):
    top = "def interrupt(user):\n    raise KeyboardInterrupt\nOne.tasks = [interrupt]\n"
    done = run(tmp_path, top=top)
    assert done.returncode == -signal.SIGINT and "KeyboardInterrupt" in done.stderr
    assert "on_stop" not in done.stdout and "end" not in done.stdout


def test_its_options_are_locusts(tmp_path):
    done = run(tmp_path, "--no-such-option")
    assert done.returncode == 2 and "unrecognized arguments: --no-such-option" in done.stderr


def fire(env, **kwargs):
    usual = {"request_type": "GET", "name": "n", "response_time": 5, "response_length": 4, "exception": None}
    env.events.request.fire(**{**usual, "context": {}, "start_time": 0.5, **kwargs})


def test_columns(capsys):
    env = Environment()
    PrintListener(env, include_length=True, include_time=True, include_context=True)
    fire(env, context={"a": 1})
    header, line = capsys.readouterr().out.lstrip("\n").splitlines()
    assert header == f"{'time':24}\ttype\t{'name':50}\tresp_ms\tlength\texception\tcontext\t\t"
    assert line == f"1970-01-01 00:00:00.500000+00:00\tGET\t{'n':50}\t5      \t4\t         \t{{'a': 1}}\t"


class Sent:
    def __init__(self, payload):
        self._request = SimpleNamespace(payload=payload)


@pytest.mark.parametrize(
    ("response", "payload"),
    [
        (Sent("a=1"), "a=1"),  # FastHttpUser's
        (SimpleNamespace(request=SimpleNamespace(body=b"{\xc3\xbc\xff}")), "{\u00fc\\xff}"),
        (SimpleNamespace(request=SimpleNamespace(body=None)), ""),
        (SimpleNamespace(request=None), ""),
        (None, ""),
    ],
)
def test_payload(capsys, response, payload):
    env = Environment()
    PrintListener(env, include_payload=True)
    fire(env, response=response)
    header, line = capsys.readouterr().out.lstrip("\n").splitlines()
    assert header.endswith("\tpayload\t") and line.split("\t")[-2] == payload


class NoText:
    def __repr__(self):
        raise AttributeError("no text")


@pytest.mark.parametrize(
    ("exception", "text"),
    [
        (None, ""),
        (ValueError("a\nb"), "ValueError('a\\nb')"),
        (CatchResponseError("a\nb"), "a b"),
        (ValueError("x" * 600), "ValueError('" + "x" * 488),
        (NoText(), f"{NoText} (and it has no string representation)"),
    ],
)
def test_errors(capsys, exception, text):
    env = Environment()
    PrintListener(env)
    fire(env, exception=exception, name=None, response_time=None)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == f"GET\t{'':50}\t-1     \t{text:9}\t"
