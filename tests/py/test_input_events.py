"""locust.input_events, at a terminal and without one."""

import contextlib
import logging
import os
import pty
import sys
import termios

import pytest
from _locust import Greenlet, sleep

from locust import input_events
from locust.input_events import InitError, UnixKeyPoller, WindowsKeyPoller, get_poller, input_listener


@pytest.fixture
def terminal(monkeypatch):
    """A terminal as standard input; what is written to its file descriptor is typed."""
    typed, fd = pty.openpty()
    stdin = os.fdopen(fd)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(input_events, "POLL_SECONDS", 0.01)
    yield typed
    os.close(typed)
    with contextlib.suppress(OSError):
        stdin.close()


@pytest.fixture
def no_terminal(monkeypatch):
    with open(os.devnull) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield


def local_flags():
    return termios.tcgetattr(sys.stdin.fileno())[3]


def test_single_keys(terminal):
    poller = get_poller()
    assert isinstance(poller, UnixKeyPoller)
    assert poller.poll() is None
    os.write(terminal, b"wS\n")
    assert [poller.poll() for _ in range(4)] == ["w", "S", "\n", None]
    poller.cleanup()


def test_the_terminal_is_given_back(terminal):
    before = termios.tcgetattr(sys.stdin.fileno())
    poller = UnixKeyPoller()
    assert not local_flags() & (termios.ICANON | termios.ECHO) and local_flags() & termios.ISIG
    poller.cleanup()
    assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_no_terminal(no_terminal, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InitError, match="not a tty"):
        get_poller()
    input_listener({"a": pytest.fail})()
    assert "not a tty" in caplog.text


def test_no_console_of_windows():
    with pytest.raises(InitError, match="Windows"):
        WindowsKeyPoller()


def listening(keys):
    green = Greenlet.spawn(input_listener(keys))
    sleep(0)
    return green


def until(condition):
    for _ in range(500):
        if condition():
            return
        sleep(0.01)
    pytest.fail("it did not come")


def test_what_belongs_to_a_key_is_called(terminal):
    seen = []
    green = listening({key: lambda key=key: seen.append(key) for key in "ab\n"})
    os.write(terminal, b"axb\n")
    until(lambda: len(seen) == 3)
    assert seen == ["a", "b", "\n"] and not green.dead
    green.kill()
    assert local_flags() & termios.ICANON


def test_a_failure_ends_listening(terminal, caplog):
    green = listening({"a": lambda: 1 / 0})
    os.write(terminal, b"a")
    until(lambda: green.dead)
    assert "division by zero" in caplog.text and green.successful()
    assert local_flags() & termios.ICANON
