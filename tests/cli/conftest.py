"""Runs the built program as a user would."""

import os
import re
import signal
import subprocess
import time

import pytest
from serving import PATIENCE, PROGRAM

LOCUSTFILE = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(1)

    @task
    def t(self):
        pass
"""


class Result:
    """What a finished program has said."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self):
        return f"exit code {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}--- stderr\n{self.err}"

    def log(self):
        """The log lines: (seconds of the clock, level, logger, message)."""
        lines = re.findall(r"^\[\S+ (\d+):(\d+):(\d+),(\d+)\] \S+?/(\w+)/([\w.]+): (.*)$", self.err, re.M)
        return [
            (int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000, level, logger, text)
            for h, m, s, ms, level, logger, text in lines
        ]

    def took(self):
        """Seconds from the first line of the log to the last: without what the machine needs to start the program."""
        lines = self.log()
        return lines[-1][0] - lines[0][0]

    def messages(self):
        """The texts of the log lines."""
        return [line[3] for line in self.log()]


class Program:
    """A program that runs, in a directory of its own."""

    def __init__(self, directory, command, env, stdin=subprocess.DEVNULL):
        self.started = time.monotonic()
        self.out, self.err = directory / "stdout", directory / "stderr"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                command, cwd=directory, env=env, stdin=stdin, stdout=out, stderr=err, start_new_session=True
            )

    def expect(self, text, seconds=15):
        """Waits until it has said something, on either stream."""
        end = time.monotonic() + seconds * PATIENCE
        while text not in self.out.read_text() + self.err.read_text():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"no {text!r}: {self.finish(0.1)}")
            time.sleep(0.02)

    def send(self, signum):
        """Sends a signal."""
        self.process.send_signal(signum)

    def interrupt(self):
        """Ctrl-C."""
        self.send(signal.SIGINT)

    def finish(self, timeout=30) -> Result:
        """Waits for its end; one that does not come is a failure."""
        hung = False
        try:
            self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            hung = True
            self.process.kill()
            self.process.wait()
        result = Result(
            self.process.returncode,
            self.out.read_text(),
            self.err.read_text(),
            time.monotonic() - self.started,
        )
        assert not hung, f"still running after {timeout} s: {result}"
        return result


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def start(directory):
    """start(*args, locustfile=text, env={}) runs the program and returns at once."""
    programs = []

    def start(*args, locustfile=None, env=None, program=None, stdin=subprocess.DEVNULL):
        if locustfile is not None:
            (directory / "locustfile.py").write_text(locustfile)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
        clean.update({"HOME": str(directory / "home"), "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}, **(env or {}))
        command = (program or [PROGRAM]) + list(args)
        programs.append(Program(directory, command, clean, stdin))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


@pytest.fixture
def run(start):
    """run(*args, ...) runs it to the end."""

    def run(*args, timeout=30, **kwargs):
        return start(*args, **kwargs).finish(timeout)

    return run
