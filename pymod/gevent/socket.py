"""Sockets that let the others run."""

from __future__ import annotations

import errno

import _locust

from ._same import take_over

take_over(globals(), "socket", "socket", "dns")

from socket import timeout  # noqa: E402

_TIMED_OUT = timeout("timed out")


class cancel_wait_ex(OSError):
    """A descriptor was closed while somebody waited for it."""

    def __init__(self):
        super().__init__(errno.EBADF, "File descriptor was closed in another greenlet")


def _wait_fd(fileno: int, events: int, seconds, timeout_exc) -> None:
    if not _locust.wait_fd(fileno, events, seconds):
        raise timeout_exc


def wait_read(fileno, timeout=None, timeout_exc=_TIMED_OUT) -> None:
    """Waits until a descriptor can be read."""
    _wait_fd(fileno, 1, timeout, timeout_exc)


def wait_write(fileno, timeout=None, timeout_exc=_TIMED_OUT) -> None:
    """Waits until a descriptor can be written."""
    _wait_fd(fileno, 2, timeout, timeout_exc)


def wait_readwrite(fileno, timeout=None, timeout_exc=_TIMED_OUT) -> None:
    """Waits until a descriptor can be read or written."""
    _wait_fd(fileno, 3, timeout, timeout_exc)


def wait(io, timeout=None, timeout_exc=_TIMED_OUT) -> None:
    """Waits for an io watcher."""
    _wait_fd(io.fd, io.events, timeout, timeout_exc)


def cancel_wait(watcher, error=cancel_wait_ex) -> None:
    """Ends the wait for a watcher: there the error is raised."""
    from .hub import get_hub

    get_hub().cancel_wait(watcher, error)
