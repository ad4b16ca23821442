"""Ctrl-C and SIGTERM in every phase."""

import os
import signal
import socket
import sys
import time

import pytest
from serving import BUILDDIR

PROGRAM = os.environ.get("LOCUST_BIN", str(BUILDDIR / "locust"))

BODY = """
import time
from locust import User, constant, events, task

class A(User):
    wait_time = constant({wait})

    def on_start(self):
        {on_start}

    def on_stop(self):
        print("on_stop", flush=True)

    @task
    def t(self):
        {task}

@events.quitting.add_listener
def quitting(**kw):
    print("quitting", flush=True)

@events.test_stopping.add_listener
def test_stopping(**kw):
    print("test_stopping", flush=True)

@events.test_stop.add_listener
def test_stop(**kw):
    print("test_stop", flush=True)

@events.quit.add_listener
def quit(exit_code, **kw):
    print("quit", exit_code, flush=True)
"""


def locustfile(wait=100, on_start="pass", task="print('task', flush=True)"):
    return BODY.format(wait=wait, on_start=on_start, task=task)


PHASES = {
    "spawning": (locustfile(), "task", "-u100 -r1"),
    "on_start": (locustfile(on_start="print('task', flush=True); time.sleep(100)"), "task", "-u1"),
    "wait": (locustfile(), "task", "-u1"),
    "sleep": (locustfile(task="print('task', flush=True); time.sleep(100)"), "task", "-u1"),
    "loop": (locustfile(task="print('task', flush=True)\n        while True: pass"), "task", "-u1"),
    "loop while spawning": (locustfile(task="print('task', flush=True)\n        while True: pass"), "task", "-u3 -r3"),
    "no wait": (locustfile(wait=0, task="print('task') if time.time() % 1 < .01 else None"), "task", "-u3 -r3"),
}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", PHASES)
def test_orderly_end(start, phase, signum):
    text, ready, args = PHASES[phase]
    p = start("--headless", "--only-summary", *args.split(), locustfile=text)
    p.expect(ready)
    time.sleep(0.3)
    p.send(signum)
    r = p.finish(5)
    assert r.code == 0, r
    said = [line for line in r.out.splitlines() if line != "task"]
    assert said[0] == "quitting" and said[-2:] == ["test_stop", "quit 0"], r
    assert "on_stop" in said
    assert ("Got SIGTERM signal" in r.messages()) == (signum == signal.SIGTERM)
    assert "Shutting down (exit code 0)" in r.messages()
    assert "Aggregated" in r.err


# In one write: a signal cannot come between the text and its newline.
SLEEP = "print('asleep\\n', end='', flush=True); time.sleep(100)"
LISTENER = "\n@events.{}.add_listener\ndef asleep(**kw):\n    " + SLEEP + "\n"


def asleep_in(place):
    """A locustfile in which something sleeps at one place."""
    if place in ("test_start", "spawning_complete", "test_stopping", "test_stop"):
        return locustfile() + LISTENER.format(place)
    if place == "user_error":
        return locustfile(task="1/0") + LISTENER.format(place)
    if place == "__init__":
        init = f"    def __init__(self, environment):\n        super().__init__(environment); {SLEEP}\n\n"
        return locustfile().replace("    def on_start", init + "    def on_start")
    assert place == "on_stop"
    return locustfile().replace('print("on_stop", flush=True)', SLEEP)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", ["__init__", "test_start", "spawning_complete", "user_error"])
def test_nobody_who_sleeps_is_waited_for(start, place, signum):
    p = start(*"--headless --only-summary -u 2 -r 2".split(), locustfile=asleep_in(place))
    p.expect("asleep")
    p.send(signum)
    r = p.finish(5)
    assert r.code == 0 and "Aggregated" in r.err, r
    said = [line for line in r.out.splitlines() if line not in ("asleep", "task", "on_stop")]
    assert said == ["quitting", "test_stopping", "test_stop", "quit 0"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", ["test_stopping", "on_stop", "test_stop"])
def test_a_stop_that_sleeps_is_finished_without_that(start, place, signum):
    p = start(*"--headless --only-summary -u 2 -r 2 -t 1".split(), locustfile=asleep_in(place))
    p.expect("asleep")
    time.sleep(0.1)
    p.send(signum)
    r = p.finish(5)
    assert r.code == 0 and "Aggregated" in r.err, r
    said = [line for line in r.out.splitlines() if line not in ("asleep", "task", "on_stop")]
    assert said.index("quitting") == {"test_stopping": 1, "on_stop": 1, "test_stop": 2}[place]
    assert sorted(said) == ["quit 0", "quitting", "test_stop", "test_stopping"] and said[-1] == "quit 0"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_silent_server_is_not_waited_for(start, scheme, signum):
    """It takes connections, and says nothing: no reply, no part of a TLS handshake."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        text = locustfile(task="print('task', flush=True); self.client.get('/'); print('reply')")
        text = text.replace("import User", "import HttpUser as User")
        host = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        p = start(*"--headless --only-summary -u 2 -r 2 -H".split(), host, locustfile=text)
        p.expect("task")
        server.settimeout(10)
        connection, _ = server.accept()
        p.send(signum)
        r = p.finish(5)
        connection.close()
    assert r.code == 0 and "Aggregated" in r.err and "reply" not in r.out, r
    assert r.out.splitlines()[-1] == "quit 0" and "on_stop" in r.out


def test_interrupted_while_importing(start):
    p = start("--headless", locustfile="import time\nprint('here', flush=True)\ntime.sleep(100)\n")
    p.expect("here")
    p.interrupt()
    r = p.finish(5)
    assert r.code == -signal.SIGINT, r
    assert r.err.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 40])
def test_interrupted_while_python_starts(start, milliseconds):
    p = start("--headless", locustfile="import time\ntime.sleep(100)\n")
    time.sleep(milliseconds / 1000)
    p.interrupt()
    r = p.finish(5)
    assert r.code == -signal.SIGINT and "Fatal" not in r.err, r


def test_interrupted_among_its_own_imports(start, tmp_path):
    (tmp_path / "configargparse.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(100)\n")
    p = start("--headless", locustfile="", env={"PYTHONPATH": str(tmp_path)})
    p.expect("importing")
    p.interrupt()
    r = p.finish(5)
    assert r.code == -signal.SIGINT and r.err == "", r


def test_a_second_interrupt_ends_it_at_once(start):
    p = start(
        *"--headless -s 60 --only-summary".split(),
        locustfile=locustfile(task="print('task', flush=True); time.sleep(100)"),
    )
    p.expect("task")
    p.interrupt()
    p.expect("Waiting up to 60 s for 1 user to finish their tasks; Ctrl-C again ends at once")
    p.interrupt()
    r = p.finish(5)
    assert r.code == -signal.SIGINT, r
    assert "KeyboardInterrupt" in r.err and "Aggregated" in r.err


def test_interrupt_waits_for_a_stop_under_way(start):
    p = start(
        *"--headless -t 1 -s 3 --only-summary".split(),
        locustfile=locustfile(task="print('task', flush=True); time.sleep(2.5)"),
    )
    p.expect("--run-time limit reached")
    p.interrupt()
    r = p.finish(8)
    assert r.code == 0, r
    assert sum(line.startswith("Waiting up to 3 s for 1 user to finish") for line in r.messages()) == 1
    assert r.out.split().count("test_stopping") == 1
    assert r.out.split().count("test_stop") == 1


def test_interrupted_run_with_failures(start):
    p = start("--headless", "--only-summary", locustfile=locustfile(task="print('task', flush=True); 1/0"))
    p.expect("task")
    p.interrupt()
    r = p.finish(5)
    assert r.code == 1 and "quit 1" in r.out, r


@pytest.mark.parametrize("first, second, code", [
    (signal.SIGTERM, signal.SIGTERM, -signal.SIGTERM),
    (signal.SIGTERM, signal.SIGINT, -signal.SIGINT),
    (signal.SIGINT, signal.SIGTERM, -signal.SIGINT),
])
def test_a_second_signal_ends_it_at_once(start, first, second, code):
    p = start(
        *"--headless -s 60 --only-summary".split(),
        locustfile=locustfile(task="print('task', flush=True); time.sleep(100)"),
    )
    p.expect("task")
    p.send(first)
    p.expect("Shutting down")
    time.sleep(0.2)
    p.send(second)
    r = p.finish(5)
    assert r.code == code
    assert "Waiting up" not in r.err, "not so soon"
    assert ("Aggregated" in r.err) == (code == -signal.SIGINT), r


def test_a_fault_from_outside_ends_it(start):
    p = start("--headless", locustfile=locustfile())
    p.expect("task")
    p.send(signal.SIGSEGV)
    assert p.finish(5).code == (1 if os.environ.get("LOCUST_SANITIZERS") else -signal.SIGSEGV)


def test_keyboard(start, directory):
    master, slave = os.openpty()
    p = start("--headless", "--only-summary", "-u", "1", locustfile=locustfile(), stdin=slave)
    p.expect("All users spawned")
    os.write(master, b"W")
    p.expect("(11 total users)")
    os.write(master, b"s")
    p.expect("(10 total users)")
    os.write(master, b"S")
    p.expect("(0 total users)")
    p.interrupt()
    r = p.finish(5)
    os.close(master)
    os.close(slave)
    assert r.code == 0, r
    assert "Ramping to 11 users at a rate of 100.00 per second" in r.messages()


# Starts the program as a job in the background of a terminal, as a shell does it.
BACKGROUND = """
import fcntl, os, signal, subprocess, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
job = subprocess.Popen(sys.argv[1:], preexec_fn=os.setpgrp)
pid, status = os.waitpid(job.pid, os.WUNTRACED)
if os.WIFSTOPPED(status):
    os.killpg(pid, signal.SIGKILL)
    sys.exit(99)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_job_in_the_background_is_not_stopped(start):
    master, slave = os.openpty()
    # setsid() is for those who lead no group yet.
    wrapper = f"import os, sys\nif os.fork():\n    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n{BACKGROUND}"
    p = start("--headless", "--only-summary", "-t", "1", "-L", "DEBUG",
              program=[sys.executable, "-c", wrapper, PROGRAM], stdin=slave)
    r = p.finish(20)
    os.close(master)
    os.close(slave)
    assert r.code == 0, r
    assert "Running in the background. Keyboard input disabled" in r.messages()


def test_without_standard_input(run):
    r = run("--headless", "--only-summary", "-t", "1", program=["sh", "-c", 'exec "$@" <&-', "sh", PROGRAM])
    assert r.code == 0 and "Traceback" not in r.err, r
