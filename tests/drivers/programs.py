"""Servers of other people's, each on a free port of 127.0.0.1, ended by its pid."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from serving import plain_environment

START_SECONDS = 60


def program(*names):
    """The path of the first that is there; skips the test if none is."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:" + ":".join(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    pytest.skip(f"{names[0]} is not installed")


def free_port():
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def as_somebody(name):
    """A prefix for commands that refuse to run as root, and who is meant: (command, uid, gid)."""
    if os.geteuid() != 0:
        return [], os.geteuid(), os.getegid()
    try:
        somebody = pwd.getpwnam(name)
    except KeyError:
        pytest.skip(f"this test cannot be run by root without a user {name}")
    return [program("setpriv"), f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups"], somebody.pw_uid, somebody.pw_gid


class Directory:
    """A directory for data, which belongs to the server's user."""

    def __init__(self, uid=-1, gid=-1):
        self.path = Path(tempfile.mkdtemp(prefix="locust-drivers-"))
        if uid >= 0:
            os.chown(self.path, uid, gid)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def run(command, **kwargs):
    """Runs a command to its end; what it said is the error if it fails."""
    done = subprocess.run(
        list(map(str, command)), env=plain_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


class Program:
    """A server, as a context manager; it is there when its port can be connected to."""

    def __init__(self, command, port, directory, cwd=None):
        self.command = list(map(str, command))
        self.port = port
        self.log = Path(directory) / "log"
        self.cwd = cwd

    def said(self):
        """The end of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=plain_environment(), cwd=self.cwd
            )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"{self.command} did not start:\n{self.said()}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
