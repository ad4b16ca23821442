"""Child processes, and what the kernel says about them."""

import os
import signal
import subprocess
import time

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_ESTABLISHED = "01"


class BenchError(Exception):
    """A figure could not be taken; the text says why."""


class Child:
    """A process with its output in a file, ended by its pid when left."""

    def __init__(self, command, log, env=None):
        self.command = command
        self.log = log
        with open(log, "wb") as output:
            try:
                # A session of its own: Ctrl-C reaches only the driver, which
                # then ends its children in order.
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise BenchError(f"{command[0]}: {error.strerror}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def output(self):
        return self.log.read_text(errors="replace")

    def failed(self, what):
        """The error to raise: what happened, and the end of the output."""
        tail = "\n".join(self.output().splitlines()[-12:])
        return BenchError(f"{os.path.basename(self.command[0])}: {what}\n{tail}".rstrip())

    def check_alive(self):
        if self.process.poll() is not None:
            raise self.failed(f"ended early with exit status {self.process.returncode}")

    def stop(self, by=signal.SIGTERM, seconds=60):
        """Asks the process to end, and returns its exit status."""
        self.check_alive()
        self.process.send_signal(by)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.failed(f"did not end within {seconds} s of signal {int(by)}") from None

    def cpu_seconds(self):
        """User and system time of the process, its threads and children."""
        self.check_alive()
        return sum(_cpu_seconds(pid) for pid in _with_descendants(self.process.pid))


def _with_descendants(pid):
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                for child in children.read().split():
                    found += _with_descendants(int(child))
        except FileNotFoundError:
            pass  # a thread, or a child, that ended meanwhile
    return found


def _cpu_seconds(pid):
    """Including children that have ended and been waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def connections_to(port):
    """Established connections of this machine to 127.0.0.1:port, by client."""
    wanted = f"0100007F:{port:04X}"
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split(maxsplit=4)
            count += fields[2] == wanted and fields[3] == _ESTABLISHED
    return count


def wait_until(condition, what, seconds, *children, pause=0.1):
    """Waits for a condition while the children live; BenchError if in vain."""
    deadline = time.monotonic() + seconds
    while not condition():
        for child in children:
            child.check_alive()
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds} s")
        time.sleep(pause)
