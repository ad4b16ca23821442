"""os: waiting for child processes."""

from __future__ import annotations

import os
import time

import _locust

SHORT, LONG = 0.001, 0.05
"""Seconds between looks at children that cannot be waited for otherwise."""

_system = os.system
_wait3, _wait4, _waitid, _waitpid = os.wait3, os.wait4, os.waitid, os.waitpid


class _Pauses:
    """Sleeps longer and longer."""

    def __init__(self):
        self.pause = SHORT

    def wait(self) -> None:
        """One sleep."""
        time.sleep(self.pause)
        self.pause = min(2 * self.pause, LONG)


class _End:
    """Waits for the end of one process."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor

    def wait(self) -> None:
        """Until it has ended."""
        _locust.wait_fd(self.descriptor, 1)

    def close(self) -> None:
        """Gives back the descriptor."""
        os.close(self.descriptor)


def _end_of(pid: int) -> _End | None:
    """None: this kernel, or this libc, has no descriptors for processes."""
    try:
        return _End(os.pidfd_open(pid))
    except (AttributeError, OSError):
        return None


def _wait_for(look, pid: int = -1, ends_only: bool = True):
    """Calls look() until its result is true. pid above 0: it only has to wait for that process."""
    result = look()
    if result:
        return result
    end = _end_of(pid) if pid > 0 and ends_only else None
    pauses = _Pauses()
    try:
        while not (result := look()):
            (end or pauses).wait()
    finally:
        if end:
            end.close()
    return result


def _waits(options: int) -> bool:
    return not options & os.WNOHANG and _locust.can_wait()


def waitpid(pid, options, /):
    """os.waitpid()"""
    if not _waits(options):
        return _waitpid(pid, options)

    def look():
        result = _waitpid(pid, options | os.WNOHANG)
        return result if result[0] else None

    return _wait_for(look, pid, options == 0)


def wait():
    """os.wait()"""
    return waitpid(-1, 0)


def wait4(pid, options):
    """os.wait4()"""
    if not _waits(options):
        return _wait4(pid, options)

    def look():
        result = _wait4(pid, options | os.WNOHANG)
        return result if result[0] else None

    return _wait_for(look, pid, options == 0)


def wait3(options):
    """os.wait3()"""
    return wait4(-1, options) if _waits(options) else _wait3(options)


def waitid(idtype, ident, options, /):
    """os.waitid()"""
    if not _waits(options):
        return _waitid(idtype, ident, options)
    pid = ident if idtype == os.P_PID else -1
    ends_only = options & ~os.WNOWAIT == os.WEXITED
    return _wait_for(lambda: _waitid(idtype, ident, options | os.WNOHANG), pid, ends_only)


def system(command):
    """os.system()"""
    return _locust.offload(_system, command)


def functions():
    """Names of os, and what they are to be."""
    return [(f.__name__, f) for f in (wait, wait3, wait4, waitid, waitpid, system)]
