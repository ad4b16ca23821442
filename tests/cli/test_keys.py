"""Keys that change a running test, typed at a terminal."""

import contextlib
import os
import pty
import re
import termios
import time

import pytest

LOCUSTFILE = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(100)

    @task
    def t(self):
        pass

@events.spawning_complete.add_listener
def say(user_count, **kwargs):
    print("users:", user_count)
"""


@pytest.fixture
def terminal():
    """What is typed at, and the program's end of it."""
    typed, stdin = pty.openpty()
    yield typed, stdin
    for fd in typed, stdin:
        with contextlib.suppress(OSError):
            os.close(fd)


def flags(fd):
    return termios.tcgetattr(fd)[3]


def wait_until(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def begin(start, terminal, *args, **kwargs):
    program = start("--headless", "--only-summary", *args, stdin=terminal[1], locustfile=LOCUSTFILE, **kwargs)
    program.expect("users:")
    return program


def test_more_and_fewer_users(start, terminal):
    typed, stdin = terminal
    program = begin(start, terminal, "-u", "2", "-r", "10")
    for key, users in ((b"w", 3), (b"W", 13), (b"s", 12), (b"S", 2), (b"S", 0), (b"s", 0), (b"x\nw", 1)):
        before = program.out.read_text()
        os.write(typed, key)
        wait_until(lambda: f"users: {users}\n" in program.out.read_text()[len(before) :])
    program.interrupt()
    result = program.finish()
    assert result.code == 0, result
    assert [int(n) for n in re.findall(r"users: (\d+)", result.out)] == [2, 3, 13, 12, 2, 0, 0, 1]
    assert "Ramping to 13 users at a rate of 100.00 per second" in result.messages()


def test_not_while_users_are_spawned(start, terminal):
    program = start("--headless", "-u", "500", "-r", "1", stdin=terminal[1], locustfile=LOCUSTFILE)
    program.expect("Ramping to 500")
    wait_until(lambda: not flags(terminal[1]) & termios.ICANON)
    os.write(terminal[0], b"w")
    program.expect("wait for the end")
    program.interrupt()
    result = program.finish()
    warned = [line for line in result.log() if "wait for the end" in line[3]]
    assert [line[1:3] for line in warned] == [("WARNING", "locust.main")] and result.code == 0


@pytest.mark.parametrize("end", ["interrupted", "run time", "failure"])
def test_the_terminal_is_given_back(start, terminal, end):
    typed, stdin = terminal
    before = termios.tcgetattr(stdin)
    program = begin(start, terminal, "-u", "1", *(["-t", "2"] if end == "run time" else []))
    wait_until(lambda: not flags(stdin) & (termios.ICANON | termios.ECHO))
    assert flags(stdin) & termios.ISIG
    if end == "interrupted":
        program.interrupt()
    elif end == "failure":
        program.send(15)
    assert program.finish().code == 0
    assert termios.tcgetattr(stdin) == before


def test_without_a_terminal(start):
    program = start("--headless", "-t", "1", "-L", "DEBUG", locustfile=LOCUSTFILE)
    result = program.finish()
    assert result.code == 0
    notes = [line for line in result.log() if "Keyboard input disabled" in line[3]]
    assert [line[1:3] for line in notes] == [("DEBUG", "root")]
