"""--live: the view at a terminal, and the terminal given back however the program ends."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import pytest
from serving import PATIENCE, PROGRAM

LOCUSTFILE = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(0.05)

    @task
    def t(self):
        fire = self.environment.events.request.fire
        fire(request_type="GET", name="/fine", response_time=12, response_length=7, exception=None, context={})
        fire(request_type="PUT", name="/bad\\033[2J", response_time=40, response_length=7, exception=ValueError("x"), context={})
        print("printed by the task")
"""

ENTER, LEAVE = "\033[?1049h", "\033[?1049l"


class Terminal:
    """A terminal of a size, with all that was written to it."""

    def __init__(self, columns=120, rows=40):
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.name = os.ttyname(self.theirs)
        self.text = ""
        self.before = termios.tcgetattr(self.theirs)

    def read(self, seconds=0.05):
        if select.select([self.ours], [], [], seconds)[0]:
            self.text += os.read(self.ours, 65536).decode(errors="replace")

    def expect(self, pattern, seconds=20):
        end = time.monotonic() + seconds * PATIENCE
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern!r} in {self.text[-3000:]!r}"
            self.read()

    def drain(self):
        """What is still to be read; a program that writes needs somebody who does."""
        for _ in range(5):
            self.read(0.02)

    def finish(self, program, seconds=20):
        end = time.monotonic() + seconds * PATIENCE
        while program.process.poll() is None:
            assert time.monotonic() < end, f"still running: {self.text[-2000:]!r}"
            self.read()
        self.drain()
        return program.process.returncode

    def is_given_back(self):
        return termios.tcgetattr(self.theirs) == self.before

    def close(self):
        for fd in self.ours, self.theirs:
            with contextlib.suppress(OSError):
                os.close(fd)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def begin(start, directory, terminal):
    def begin(*args, env=None, locustfile=LOCUSTFILE):
        for name in ("stdout", "stderr"):
            os.symlink(terminal.name, directory / name)
        return start("--headless", "--live", *args, stdin=terminal.theirs, locustfile=locustfile,
                     env={"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **(env or {})})

    return begin


def test_what_is_shown(begin, terminal):
    program = begin("-u", "3", "-r", "10", "-t", "3", "-H", "http://me:hush@shop.example")
    terminal.expect(re.escape(ENTER))
    terminal.expect(r"locust  http://me:\*\*\*@shop\.example +.* running +00:0\d / 00:03")
    terminal.expect(r"3 users +\d+ requests +\d+\.\d/s +median <?\d+ ms")
    terminal.expect(r"\d+ failed \(50\.00%\)")
    terminal.expect(r"GET +/fine +\d+ +0 ")
    terminal.expect(r"\033\[31mPUT +/bad\?\[2J +\d+ +\d+ ")
    terminal.expect("\u2588")
    terminal.expect(r"printed by the task")
    terminal.expect(r"q: end the test")
    assert not terminal.is_given_back()
    assert terminal.finish(program) == 1
    shown, _, after = terminal.text.partition(LEAVE)
    assert terminal.is_given_back() and "\033[?25h" in terminal.text
    assert after.count("printed by the task") > 10 and "printed by the task\r\n" in after
    assert "INFO/locust.main: Starting Locust" in shown.partition(ENTER)[0]
    assert "INFO/locust.runners: All users spawned" in after and "Shutting down (exit code 1)" in after
    assert "Response time percentiles (approximated)" in after and ENTER not in after


def test_keys(begin, terminal):
    program = begin("-u", "2", "-r", "10")
    terminal.expect(r"\b2 users ")
    for key, users in (b"W", 12), (b"w", 13), (b"S", 3), (b"s", 2):
        mark = len(terminal.text)
        os.write(terminal.ours, key)
        while not re.search(rf"\b{users} users ", terminal.text[mark:]):
            terminal.expect(rf"(?s)^.{{{mark},}}")
            terminal.read()
    os.write(terminal.ours, b"q")
    assert terminal.finish(program) == 1
    assert "Shutting down" in terminal.text.partition(LEAVE)[2] and terminal.is_given_back()


ENDS = {
    "interrupted": lambda program: program.interrupt(),
    "terminated": lambda program: program.send(signal.SIGTERM),
    "killed": lambda program: program.send(signal.SIGKILL),
    "hung up": lambda program: program.send(signal.SIGHUP),
    "aborted": lambda program: program.send(signal.SIGABRT),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_terminal_is_given_back(begin, terminal, end):
    program = begin("-u", "1")
    terminal.expect(r"GET +/fine")
    assert not terminal.is_given_back()
    ENDS[end](program)
    code = terminal.finish(program)
    assert code == 1 if end in ("interrupted", "terminated") else code != 0
    terminal.expect(re.escape(LEAVE))
    until = time.monotonic() + 10 * PATIENCE
    while not terminal.is_given_back():
        assert time.monotonic() < until
        time.sleep(0.02)
    terminal.drain()
    assert terminal.text.count(LEAVE) == 1 and terminal.text.count(ENTER) == 1


@pytest.mark.parametrize("code", ["os._exit(7)", "sys.exit(7)", "raise RuntimeError('x')", "os.abort()", "ctypes.string_at(0)"])
def test_a_locustfile_that_ends_it(begin, terminal, code):
    text = LOCUSTFILE + f"import ctypes, os, sys\n@events.spawning_complete.add_listener\ndef f(**_): {code}\n"
    program = begin("-u", "1", "-t", "2", locustfile=text)
    terminal.finish(program)
    terminal.expect(re.escape(LEAVE))
    until = time.monotonic() + 10 * PATIENCE
    while not terminal.is_given_back():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_ctrl_z(begin, terminal):
    program = begin("-u", "1")
    terminal.expect(r"GET +/fine")
    program.send(signal.SIGTSTP)
    terminal.expect(re.escape(LEAVE))
    assert os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WNOWAIT).si_code == os.CLD_STOPPED
    assert terminal.is_given_back()
    mark = len(terminal.text)
    program.send(signal.SIGCONT)
    terminal.expect(rf"(?s)^.{{{mark},}}{re.escape(ENTER)}.*GET +/fine")
    program.interrupt()
    assert terminal.finish(program) == 1 and terminal.is_given_back()


def test_a_terminal_that_goes_away(start, directory, terminal):
    for name in ("stdout", "stderr"):
        os.symlink(terminal.name, directory / name)
    reports = ["--html", "out.html", "--junit-xml", "out.xml", "--csv", "out", "--logfile", "out.log"]
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$0" "$@"', PROGRAM]
    program = start("--headless", "--live", "-u", "1", "-t", "3", *reports, stdin=terminal.theirs, program=ignoring,
                    locustfile=LOCUSTFILE, env={"TERM": "xterm"})  # fmt: skip
    terminal.expect(r"GET +/fine")
    terminal.close()
    assert program.process.wait(20 * PATIENCE) == 1
    log = (directory / "out.log").read_text()
    assert "--live: could not write to the terminal: " in log and "Shutting down (exit code 1)" in log
    assert all((directory / name).stat().st_size for name in ("out.html", "out.xml", "out_stats.csv"))


def test_what_cannot_be_encoded(begin, terminal, directory):
    text = LOCUSTFILE.replace('"printed by the task"', 'f"printed by {chr(0xd800)}"')
    program = begin("-u", "1", "-t", "2", "--html", "out.html", locustfile=text)
    assert terminal.finish(program) == 1
    assert "printed by \\ud800" in terminal.text.partition(LEAVE)[2] and (directory / "out.html").exists()


def test_a_terminal_that_takes_nothing(begin, terminal):
    program = begin("-u", "1", "-t", "4", "--html", "report.html")
    terminal.expect(re.escape(ENTER))
    termios.tcflow(terminal.theirs, termios.TCOOFF)
    time.sleep(5 * PATIENCE)
    termios.tcflow(terminal.theirs, termios.TCOON)
    assert terminal.finish(program) == 1
    took = re.findall(r"\[\S+ (\d+):(\d+):([\d,]+)\]", terminal.text)
    seconds = [int(h) * 3600 + int(m) * 60 + float(s.replace(",", ".")) for h, m, s in (took[0], took[-1])]
    assert seconds[1] - seconds[0] < 8 * PATIENCE


def test_a_shape_ends_by_key(begin, terminal):
    text = LOCUSTFILE + "from locust import LoadTestShape\nclass S(LoadTestShape):\n    def tick(self): return (2, 10)\n"
    program = begin(locustfile=text)
    terminal.expect(r"\b2 users ")
    os.write(terminal.ours, b"w")
    os.write(terminal.ours, b"q")
    assert terminal.finish(program) == 1 and terminal.is_given_back()


def test_without_a_terminal(run):
    r = run("--headless", "--live", "-t", "1", locustfile=LOCUSTFILE)
    assert (r.code, r.out) == (2, "")
    assert r.log()[-1][1:] == ("ERROR", "locust.main", "--live needs a terminal on the standard error")
