"""os: reading and writing that lets the others run, and forks."""

from __future__ import annotations

import os as _os

import _locust

from ._same import take_over

take_over(globals(), "os", "os")


def make_nonblocking(fd: int):
    """Makes a descriptor non-blocking. True if it was not."""
    if not _os.get_blocking(fd):
        return None
    _os.set_blocking(fd, False)
    return True


def nb_read(fd: int, n: int) -> bytes:
    """os.read() of a non-blocking descriptor; waits until there is something."""
    while True:
        try:
            return _os.read(fd, n)
        except BlockingIOError:
            _locust.wait_fd(fd, 1)


def nb_write(fd: int, buf) -> int:
    """os.write() to a non-blocking descriptor; waits until it can be written."""
    while True:
        try:
            return _os.write(fd, buf)
        except BlockingIOError:
            _locust.wait_fd(fd, 2)


def tp_read(fd: int, n: int) -> bytes:
    """os.read() in an OS thread."""
    from .threadpool import pool

    return pool().apply(_os.read, (fd, n))


def tp_write(fd: int, buf) -> int:
    """os.write() in an OS thread."""
    from .threadpool import pool

    return pool().apply(_os.write, (fd, buf))


def fork_gevent() -> int:
    """os.fork(): only the green thread that forks lives on in the child."""
    return _os.fork()


def fork_and_watch(callback=None, loop=None, ref=False, fork=fork_gevent) -> int:
    """fork(); callback(watcher) is called when the child has ended."""
    pid = fork()
    if pid and callback is not None:
        from .hub import get_hub

        watcher = get_hub().loop.child(pid, ref=ref)
        watcher.start(callback, watcher)
    return pid


def forkpty_gevent():
    """os.forkpty(), likewise."""
    return _os.forkpty()


forkpty_and_watch = forkpty_gevent
