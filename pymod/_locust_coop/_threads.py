"""threading: what is named there, beside the locks."""

from __future__ import annotations

import os
import sys
import threading
import weakref

import _locust
import _thread

FUNCTIONS = {
    "start_new_thread": _locust.thread_start_new,
    "start_new": _locust.thread_start_new,
    "get_ident": _locust.get_ident,
    "_set_sentinel": _locust.thread_set_sentinel,
}
"""Those of _thread. Some are not there in all versions of Python."""


def functions(module):
    """Names of _thread, and what they are to be."""
    return [(name, function) for name, function in FUNCTIONS.items() if hasattr(module, name)]


class _Forget:
    """Belongs to one thread; when that ends, its entry among the active ones goes."""

    def __init__(self, ident):
        self.ident = ident

    def __del__(self, active=threading._active):
        active.pop(self.ident, None)


_of_this_thread = threading.local()


class _DummyThread(threading._DummyThread):
    """What current_thread() says of a green thread that threading has not started.

    Until 3.12 Python keeps such objects for ever: with a new green thread for each user they would
    pile up.
    """

    def __init__(self):
        super().__init__()
        _of_this_thread.forget = _Forget(self.ident)


# --- Since Python 3.13 a thread is waited for by a handle.


class Handle:
    """What threading.Thread keeps of a thread: green or real is decided at its start."""

    living: weakref.WeakSet = weakref.WeakSet()
    """The green ones."""

    def __init__(self, real=None):
        self.ident = getattr(real, "ident", None)
        self.daemon = True
        self._real = real
        self._process = None
        self._running = _thread.allocate_lock()

    def start_green(self, function, daemon: bool) -> int:
        """Starts a green thread; its number."""
        self._process, self.daemon = os.getpid(), daemon
        self._running.acquire()
        self.ident = _locust.thread_start_new(self._run, (function,))
        Handle.living.add(self)
        return self.ident

    def _run(self, function):
        try:
            function()
        finally:
            Handle.living.discard(self)
            self._running.release()

    def start_real(self, function, daemon: bool) -> int:
        """Starts an OS thread; its number."""
        self._real = _ThreadHandle()
        _start_joinable_thread(function, handle=self._real, daemon=daemon)
        self.ident = self._real.ident
        return self.ident

    def is_done(self) -> bool:
        """Whether it has ended. In a forked child all have, but for the one that has forked."""
        if self._real is not None:
            return self._real.is_done()
        if self._process is None:
            return False
        if self._process != os.getpid():
            return self.ident != _locust.get_ident()
        return not self._running.locked()

    def join(self, timeout=None) -> None:
        """Waits for its end."""
        if self._real is not None:
            _locust.offload(self._real.join, timeout)
            return
        limit = -1 if timeout is None else timeout
        if not self.is_done() and self._running.acquire(timeout=limit):
            self._running.release()

    def _set_done(self) -> None:
        """It has ended, whatever is known of it."""
        if self._running.locked():
            self._running.release()


_ThreadHandle = getattr(threading, "_ThreadHandle", None)
_start_joinable_thread = getattr(threading, "_start_joinable_thread", None)


def start_joinable_thread(function, handle=None, daemon=True):
    """Python 3.13's, for green threads and others."""
    if handle is None:
        handle = Handle()
    if not isinstance(handle, Handle):  # made before we came
        return _start_joinable_thread(function, handle=handle, daemon=daemon)
    start = handle.start_green if _locust.can_wait() else handle.start_real
    start(function, daemon)
    return handle


def _join_all() -> None:
    """At exit."""
    while waiting := [h for h in Handle.living if not h.daemon and not h.is_done()]:
        for handle in waiting:
            handle.join()


def _after_fork_in_child() -> None:
    for handle in Handle.living:
        if handle.ident == _locust.get_ident():
            handle._process = os.getpid()


def names(module):
    """Names of threading, and what they are to be."""
    found = [
        ("_ThreadHandle", Handle),
        ("_start_joinable_thread", start_joinable_thread),
        ("_start_new_thread", _locust.thread_start_new),
        ("get_ident", _locust.get_ident),
        ("_set_sentinel", _locust.thread_set_sentinel),
    ]
    if sys.version_info < (3, 12):
        found.append(("_DummyThread", _DummyThread))
    return [(name, replacement) for name, replacement in found if hasattr(module, name)]


# --- Conditions. Python's own count on it that nobody is ever thrown out of a wait.

_Condition = threading.Condition
_original_wait, _original_is_owned, _original_notify_all = (
    _Condition.wait,
    _Condition._is_owned,
    _Condition.notify_all,
)


def _acquire_restore(self, state):
    """Whoever waited for a condition holds its lock again, even if thrown out of the wait."""
    _locust.acquire_for_sure(self._lock)


def _is_owned(self):
    """Whether the lock is taken. Python's tries to take it, which would let others run."""
    locked = getattr(self._lock, "locked", None)
    return locked() if locked is not None else _original_is_owned(self)


def _leave(self, bell) -> bool:
    """Waits no longer. False: has been told already."""
    try:
        self._waiters.remove(bell)
    except ValueError:
        return False
    return True


def _await(bell, timeout) -> bool:
    if timeout is None:
        return bell.acquire()
    return bell.acquire(True, timeout) if timeout > 0 else bell.acquire(False)


def wait(self, timeout=None):
    """Condition.wait(). Who was told and is thrown out nevertheless hands the word on."""
    if not _locust.is_hub_thread():
        return _original_wait(self, timeout)
    if not self._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    told_all = self.__dict__.get("_told_all", 0)
    bell = _thread.allocate_lock()
    bell.acquire()
    self._waiters.append(bell)
    held = self._release_save()
    try:
        try:
            told = _await(bell, timeout)
        finally:
            self._acquire_restore(held)
    except BaseException:
        alone = told_all == self.__dict__.get("_told_all", 0)
        if not _leave(self, bell) and alone and self._is_owned():
            self.notify()
        raise
    return told or not _leave(self, bell)


def notify_all(self):
    """Condition.notify_all(). Nobody has to hand on what everybody has been told."""
    self._told_all = self.__dict__.get("_told_all", 0) + 1
    _original_notify_all(self)


def _change_conditions() -> None:
    for function in _acquire_restore, _is_owned, wait, notify_all:
        setattr(_Condition, function.__name__, function)


def _adopt_threads() -> None:
    """Those that run already: Python ends them its own way, and green threads may wait for that."""
    others = (t for t in threading.enumerate() if t is not threading.main_thread())
    for thread in others:
        if (lock := getattr(thread, "_tstate_lock", None)) is not None:
            _locust.watch_lock(lock)
        if _ThreadHandle is not None and isinstance(thread._handle, _ThreadHandle):
            thread._handle = Handle(thread._handle)


def change_classes() -> None:
    """Conditions, and what is to be done at the end of threads."""
    _change_conditions()
    _adopt_threads()
    if _ThreadHandle is not None:
        threading._register_atexit(_join_all)
        os.register_at_fork(after_in_child=_after_fork_in_child)
