"""Starts and stops the programs that tests need, and finds where they listen."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

BUILDDIR = Path(os.environ.get("BUILDDIR", Path(__file__).resolve().parents[1] / "build"))

PROGRAM = os.environ.get("LOCUST_BIN") or str(BUILDDIR.resolve() / "locust")
"""The program under test."""

PATIENCE = 5 if os.environ.get("LOCUST_SANITIZERS") else 1
"""How much longer than usual things may take: a sanitized build is about five times slower."""


def plain_environment():
    """The environment without the sanitizer that is loaded into python3, for other programs."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def checked_environment():
    """The environment for our own C programs: under sanitizers, leaks count."""
    environment = plain_environment()
    options = environment.get("ASAN_OPTIONS", "")
    environment["ASAN_OPTIONS"] = options.replace("detect_leaks=0", "detect_leaks=1")
    return environment


def read_line(pipe, deadline):
    """One line of a program's output, or what there is of it at the deadline."""
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            break
        byte = os.read(pipe.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode()


def run_together(jobs, at_once=4, timeout=60):
    """Runs commands, several at a time: each is (command, directory, environment). Gives (exit code, output, errors) of each.

    It does without threads: those of a process that has imported locust are green.
    """
    waiting, running, results = list(enumerate(jobs)), {}, {}
    end = time.monotonic() + timeout * PATIENCE * (1 + len(waiting) / at_once)
    while waiting or running:
        while waiting and len(running) < at_once:
            number, (command, directory, environment) = waiting.pop(0)
            files = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
            running[number] = subprocess.Popen(
                command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1]
            ), files
        for number, (process, files) in list(running.items()):
            if process.poll() is not None:
                del running[number]
                for file in files:
                    file.seek(0)
                results[number] = (process.returncode, *(file.read() for file in files))
        if running and time.monotonic() > end:
            for process, _ in running.values():
                process.kill()
                process.wait()
            raise AssertionError(f"still running: {[jobs[number][0] for number in running]}")
        time.sleep(0.02)
    return [results[number] for number in range(len(results))]


class Server:
    """A server of the build tree, as a context manager.

    `url` is where it listens, `urls` has all the places in the order announced.
    Leaving the context stops it and checks that it ended by itself, with 0.
    """

    def __init__(self, program, *arguments, places=1):
        self.command = [str(BUILDDIR / program), *map(str, arguments)]
        self.places = places
        self.urls = []

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, env=checked_environment()
        )
        deadline = time.monotonic() + 20
        for _ in range(self.places):
            line = read_line(self.process.stdout, deadline)
            if not line.startswith("listening on "):
                self.process.kill()
                self.process.wait()
                raise RuntimeError(f"{self.command} did not start: {line!r}")
            self.urls.append(line.split()[-1])
        self.url = self.urls[0]
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
        if kind is None:
            assert status == 0, f"{self.command} ended with {status}"

    @property
    def address(self):
        """(host, port) of the first place."""
        parts = urlsplit(self.url)
        return parts.hostname, parts.port

    def json(self, path):
        """What a GET of the path gives, decoded."""
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            return json.load(reply)

    def counts(self, open, seconds=10):
        """(connections, requests) of a hostile-server once so many connections are open; these questions aside."""
        end = time.monotonic() + seconds
        asked = 1
        while (told := self.json("/count"))["open"] != open + 1:
            assert time.monotonic() < end, f"{told['open'] - 1} connections are open, not {open}"
            time.sleep(0.02)
            asked += 1
        return told["connections"] - asked, told["requests"] - asked
