"""The pipes of subprocess.Popen: files that wait cooperatively."""

from __future__ import annotations

import io
import os
import select

import _locust


def _wait(fd: int, events: int) -> None:
    """On any OS thread."""
    poll = _locust.poll()
    poll.register(fd, events)
    poll.poll()


class Pipe(io.FileIO):
    """Our end of a pipe, which nobody shares: so it can be non-blocking."""

    def __init__(self, fd: int, mode: str):
        super().__init__(fd, mode)
        os.set_blocking(fd, False)

    def readinto(self, buffer):
        """Waits until there is something, or the end."""
        while (n := super().readinto(buffer)) is None:
            _wait(self.fileno(), select.POLLIN)
        return n

    def read(self, size=-1):
        """Waits likewise."""
        if size is None or size < 0:
            return self.readall()
        while (data := super().read(size)) is None:
            _wait(self.fileno(), select.POLLIN)
        return data

    def readall(self):
        """Everything up to the end."""
        parts = []
        while data := self.read(io.DEFAULT_BUFFER_SIZE):
            parts.append(data)
        return b"".join(parts)

    def write(self, data):
        """Waits until something could be written."""
        while (n := super().write(data)) is None:
            _wait(self.fileno(), select.POLLOUT)
        return n

    def close(self):
        """Whoever waits for it is told."""
        if not self.closed:
            _locust.fd_closing(self.fileno())
        super().close()


def open_pipe(fd: int, mode: str, buffering: int = -1):
    """What io.open() would give for a pipe in binary mode."""
    raw = Pipe(fd, mode)
    if buffering == 0:
        return raw
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    return io.BufferedReader(raw, size) if "r" in mode else io.BufferedWriter(raw, size)


class PipeModule:
    """The module io, as far as subprocess uses it."""

    open = staticmethod(open_pipe)

    def __getattr__(self, name):
        return getattr(io, name)
