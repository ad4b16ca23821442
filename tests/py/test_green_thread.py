"""Green threads belong to one OS thread, and end with the interpreter."""

import os
import signal
import subprocess
import sys
import time

import pytest
from _locust import Greenlet, GreenletExit, Group, Timeout, getcurrent, sleep, wait_fd
from real_thread import elsewhere

from locust import User, constant, task
from locust.env import Environment


def is_refused(function):
    error = elsewhere(function)
    return isinstance(error, RuntimeError) and "OS thread" in str(error)


@pytest.fixture
def parked():
    green = Greenlet.spawn(sleep, 1000)
    sleep(0)
    yield green
    green.kill()


ON_A_GREENLET = {
    "join": lambda green: green.join(),
    "join for a time": lambda green: green.join(timeout=0.1),
    "join for no time": lambda green: green.join(timeout=0),
    "get": lambda green: green.get(),
    "get at once": lambda green: green.get(block=False),
    "kill": lambda green: green.kill(),
    "kill without waiting": lambda green: green.kill(block=False),
}


@pytest.mark.parametrize("name", ON_A_GREENLET)
def test_another_os_thread_cannot_deal_with_a_greenlet(parked, name):
    for green in parked, Greenlet(sleep, 1000):
        assert is_refused(lambda green=green: ON_A_GREENLET[name](green))
    sleep(0)
    assert parked.started and not parked.dead


def test_another_os_thread_may_ask_the_dead():
    green = Greenlet.spawn(lambda: 5)
    green.join()
    assert elsewhere(lambda: (green.dead, green.value, green.get(), green.join(), green.kill())) == (
        True,
        5,
        5,
        None,
        None,
    )


def test_another_os_thread_cannot_start_a_greenlet():
    new = Greenlet(lambda: 1)
    assert is_refused(new.start) and is_refused(lambda: new.start_later(0))
    assert is_refused(lambda: Greenlet.spawn(sleep, 1)) and is_refused(lambda: Greenlet.spawn_later(0, sleep, 1))
    assert not new.started
    new.start()
    assert new.get() == 1
    assert is_refused(lambda: new.link(print))


def test_another_os_thread_cannot_change_a_group(parked):
    group = Group()
    group.add(parked)
    for call in (
        group.join,
        group.kill,
        lambda: group.join(timeout=0),
        lambda: group.kill(block=False),
        lambda: group.killone(parked),
        lambda: group.discard(parked),
        lambda: group.add(Greenlet(sleep, 1)),
        lambda: group.start(Greenlet(sleep, 1)),
        lambda: group.spawn(sleep, 1),
    ):
        assert is_refused(call)
    assert list(group) == [parked]
    sleep(0)
    assert not parked.dead


def test_another_os_thread_may_sleep_but_not_wait():
    started = time.monotonic()
    assert elsewhere(lambda: sleep(0.05)) is None
    assert time.monotonic() - started >= 0.05
    assert is_refused(lambda: wait_fd(0, 1, 1))
    assert is_refused(getcurrent)


class Idle(User):
    wait_time = constant(100)

    @task
    def work(self):
        """Does nothing."""


def test_another_os_thread_cannot_deal_with_users_or_a_runner():
    env = Environment(user_classes=[Idle])
    runner = env.create_local_runner()
    runner.start(2, 100)
    while runner.state != "running":
        sleep(0.01)
    user = next(iter(runner.user_greenlets)).args[0]
    for call in (
        runner.stop,
        runner.quit,
        lambda: runner.start(5, 100),
        lambda: runner.spawn_users({"Idle": 1}),
        lambda: runner.stop_users({"Idle": 1}),
        user.stop,
        lambda: user.stop(force=True),
        lambda: Idle(env).start(runner.user_greenlets),
    ):
        assert is_refused(call)
    sleep(0.01)
    assert (runner.state, runner.user_count, runner.target_user_count) == ("running", 2, 2)
    runner.stop()
    assert runner.user_count == 0
    runner.quit()


def test_another_os_thread_cannot_make_a_runner():
    env = Environment(user_classes=[Idle])
    before = len(env.events.request._handlers)
    assert is_refused(env.create_local_runner)
    assert env.runner is None and len(env.events.request._handlers) == before


# --- Delayed starts.


@pytest.mark.parametrize("delay", [0, 0.01, 1000])
def test_start_comes_before_start_later(delay):
    runs = []
    green = Greenlet(runs.append, 1)
    green.start_later(delay)
    green.start()
    green.join(timeout=5)
    sleep(0.03)
    assert runs == [1] and green.dead
    green.start_later(0)
    green.start()
    sleep(0.01)
    assert runs == [1]


def test_a_second_start_does_nothing():
    runs = []
    green = Greenlet(lambda: (sleep(0.03), runs.append(1)))
    green.start()
    green.start_later(0)
    green.start_later(0)
    sleep(0.01)
    green.start()
    green.join()
    assert runs == [1]


def test_killed_before_its_delay_is_over():
    runs = []
    green = Greenlet.spawn_later(0.01, runs.append, 1)
    green.kill()
    sleep(0.03)
    assert green.dead and runs == []


# --- Descriptors.


@pytest.mark.parametrize("fd", [-1, 1_000_000])
@pytest.mark.parametrize("events", [1, 2, 3])
def test_no_descriptor_is_an_error(fd, events):
    with pytest.raises(OSError, match="Bad file descriptor"):
        wait_fd(fd, events)


@pytest.mark.parametrize("events", [0, 4, -1])
def test_bad_events(events):
    with pytest.raises(ValueError):
        wait_fd(0, events)


# --- What is thrown.


@pytest.mark.parametrize("what", [5, "text", int, object()])
def test_only_exceptions_can_be_thrown(parked, what):
    group = Group()
    group.add(parked)
    for kill in parked.kill, group.kill, lambda what: group.killone(parked, what):
        with pytest.raises(TypeError, match="exception"):
            kill(what)
    sleep(0)
    assert not parked.dead


# --- The end of the interpreter.

PREFACE = """
import atexit, sys, time
sys.path[:0] = sys.argv[1:]
import locust
from _locust import Greenlet, Group, sleep, wait_fd
parked = Greenlet.spawn(sleep, 1000)
ready = Greenlet(print, "never")
group = Group()
group.add(parked)
sleep(0)

def say(call):
    try:
        print("fine", call())
    except BaseException as error:
        print("raised", error)

class Last:
    def __init__(self, call):
        self.call = call
    def __del__(self):
        say(self.call)
"""

REFUSED = "raised Python is being shut down: nobody can wait any more\n"


def end(statement):
    """What a process says that ends with code 7 after a statement."""
    script = f"{PREFACE}\n{statement}\nsys.exit(7)\n"
    done = subprocess.run(
        [sys.executable, "-c", script, *sys.path], capture_output=True, text=True, timeout=60, stdin=subprocess.PIPE
    )
    assert (done.stderr, done.returncode) == ("", 7), done
    return done.stdout


@pytest.mark.parametrize(
    "call",
    [
        "parked.join",
        "parked.kill",
        "parked.get",
        "group.join",
        "group.kill",
        "lambda: group.killone(parked)",
        "lambda: (ready.start(), ready.join())",
        "lambda: wait_fd(0, 1)",
    ],
)
def test_nobody_waits_while_the_interpreter_ends(call):
    assert end(f"last = Last({call})") == REFUSED


@pytest.mark.parametrize("call", ["lambda: sleep(0.01)", "lambda: time.sleep(0.01)"])
def test_sleeping_while_the_interpreter_ends(call):
    assert end(f"last = Last({call})") == "fine None\n"


@pytest.mark.parametrize("call", ["lambda: parked.kill(block=False)", "lambda: group.kill(block=False)"])
def test_killing_while_the_interpreter_ends(call):
    assert end(f"last = Last({call})") == "fine None\n"


@pytest.mark.parametrize("call", ["parked.kill", "lambda: sleep(0.01)", "lambda: parked.join(timeout=0.01)"])
def test_functions_called_at_exit_may_still_wait(call):
    assert end(f"atexit.register(say, {call})") == "fine None\n"


def test_what_only_a_parked_stack_holds():
    assert end("def hold(last):\n    sleep(1000)\nGreenlet.spawn(hold, Last(parked.join)); sleep(0)") in ("", REFUSED)


# --- Between two green threads.


class Interrupted:
    """Its destructor is interrupted by Ctrl-C, or raises something else."""

    def __init__(self, error=None):
        self.error = error

    def __del__(self):
        if self.error is not None:
            raise self.error
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100):
            pass


@pytest.mark.parametrize("others", [0, 1])
def test_an_interrupt_is_not_dropped_with_the_dead(others):
    """Whoever buries it, the main green thread (which waits) or another one."""
    before = sys.unraisablehook
    rest = [Greenlet(sleep, 60) for _ in range(others)]
    dying = Greenlet(Interrupted)
    for g in (dying, *rest):
        g.start()
    del dying, g
    with pytest.raises(KeyboardInterrupt):
        sleep(10)
    sleep(0)
    assert sys.unraisablehook is before
    for g in rest:
        g.kill()


def test_other_exceptions_of_the_dead_are_shown(monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: shown.append(what.exc_value))
    error = ValueError("no")
    Greenlet.spawn(Interrupted, error)
    sleep(0)
    sleep(0)
    assert shown == [error]


# --- Exceptions that are thrown into them.


class Thrown(Exception):
    pass


def collector(seen):
    """A body that waits, and keeps what comes, until nothing comes any more."""

    def body():
        while True:
            try:
                sleep(0.05)
            except BaseException as e:  # noqa: BLE001
                seen.append(type(e).__name__)
            else:
                return

    return body


def test_of_several_exceptions_the_first_comes_first():
    for thrown, come in (
        ([Thrown, KeyError], ["Thrown", "KeyError"]),
        ([Thrown, KeyError, ValueError], ["Thrown", "ValueError"]),
        ([Thrown, GreenletExit, KeyError], ["Thrown", "GreenletExit"]),
        ([GreenletExit, Thrown], ["GreenletExit"]),
    ):
        seen = []
        green = Greenlet.spawn(collector(seen))
        sleep(0)
        for exception in thrown:
            green.kill(exception, block=False)
        green.join()
        assert seen == come


@pytest.mark.parametrize("way", ["kill", "killone"])
def test_who_kills_itself_without_waiting_goes_on_to_its_next_wait(way):
    seen, group = [], Group()

    def body():
        if way == "kill":
            getcurrent().kill(block=False)
        else:
            group.killone(getcurrent(), block=False)
        seen.append("goes on")
        sleep(0)
        seen.append("not this")

    green = group.spawn(body)
    green.join()
    assert seen == ["goes on"] and green.successful() and type(green.value) is GreenletExit


def test_what_is_thrown_and_not_waited_for_is_forgotten_at_the_end():
    green = Greenlet.spawn(lambda: getcurrent().kill(block=False))
    seen = []
    green.link(lambda g: (sleep(0), seen.append(g.value)))
    green.join()
    sleep(0)
    assert seen == [None]


def test_a_timeout_that_comes_after_another_exception_does_not_outlive_its_block():
    seen = []

    def body():
        try:
            with Timeout(0.01):
                sleep(100)
        except Thrown:
            seen.append("Thrown")
        sleep(0.01)
        seen.append("slept")

    green = Greenlet.spawn(body)
    sleep(0)
    green.kill(Thrown, block=False)
    end = time.monotonic() + 0.03
    while time.monotonic() < end:  # nobody else runs until the time is up as well
        pass
    green.join()
    assert seen == ["Thrown", "slept"]


def test_started():
    green = Greenlet(sleep, 0)
    assert not green.started
    green.start()
    assert green.started
    green.join()
    assert not green.started
    green = Greenlet(sleep, 0)
    green.kill()
    green.start()
    assert green.dead and not green.started
    green = Greenlet(sleep, 0)
    green.start_later(0.01)
    assert green.started
    green.join()
    assert not green.started
