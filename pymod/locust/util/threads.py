"""OS threads for calls that block, so that the users go on meanwhile.

Code that waits in a C library of its own (a database driver, a message queue's client) stops all users while it waits, since all
of them run on one OS thread. run_in_thread() lets an OS thread of a pool make the call:

    from locust.util.threads import run_in_thread

    rows = run_in_thread(connection.execute, "select ...")

Only the user that calls it waits. What is called there must not touch users, runners or self.client.

While a test runs, whoever keeps all users waiting is warned of in the log: see BLOCKED_AFTER.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback

from _locust import AsyncResult, Event, Semaphore, SimpleQueue, get_ident, start_os_thread

__all__ = ["BLOCKED_AFTER", "ThreadPool", "ThreadResult", "pool", "run_in_thread"]

logger = logging.getLogger(__name__)

BLOCKED_AFTER = 1.0
"""Seconds. Who does not let the others run for so long is warned of, with a stack. 0: nobody is. Read when a test starts."""

WARN_EVERY = 10.0
"""Seconds between two such warnings, at least."""

SIZE = 10
"""How many threads the common pool has at most."""


class ThreadResult(AsyncResult):
    """What a call in another thread comes to."""

    def link(self, callback) -> None:
        """Calls callback(self) when it is there."""
        self.rawlink(callback)


class _Call:
    def __init__(self, function, args, kwargs):
        self.function, self.args, self.kwargs = function, args, kwargs
        self.result = ThreadResult()

    def make(self) -> None:
        try:
            value = self.function(*self.args, **self.kwargs)
        except BaseException as error:
            self.result.set_exception(error)
        else:
            self.result.set(value)


class ThreadPool:
    """OS threads that make calls. They are started when there is work, and stay until kill()."""

    def __init__(self, maxsize, hub=None, idle_task_timeout=-1):
        if maxsize < 1:
            raise ValueError(f"a pool of {maxsize} threads can do nothing")
        self.hub = hub
        self._maxsize = maxsize
        self._reset()

    def _reset(self) -> None:
        self.pid = os.getpid()
        self._calls: SimpleQueue = SimpleQueue()
        self._room = Semaphore(self._maxsize)
        self._threads: set[int] = set()
        self._starting = 0
        self._busy = 0
        self._idle = Event()
        self._idle.set()

    def _check_fork(self) -> None:
        if self.pid != os.getpid():
            self._reset()

    def __len__(self):
        return self._busy

    def __contains__(self, thread):
        return get_ident() in self._threads

    @property
    def size(self) -> int:
        """How many threads there are."""
        return len(self._threads) + self._starting

    @property
    def maxsize(self) -> int:
        """How many there may be."""
        return self._maxsize

    def spawn(self, function, *args, **kwargs) -> ThreadResult:
        """Has a thread call it; waits until one is free. The result's get() waits for the end."""
        self._check_fork()
        self._room.acquire()
        call = _Call(function, args, kwargs)
        self._busy += 1
        self._idle.clear()
        if self._busy > self.size:
            self._starting += 1
            try:
                start_os_thread(self._work, (self._calls,))
            except BaseException:
                self._starting -= 1
                self._done()
                raise
        self._calls.put(call)
        return call.result

    def _work(self, calls) -> None:
        self._starting -= 1
        self._threads.add(get_ident())
        while (call := calls.get()) is not None:
            try:
                call.make()
            finally:
                self._done()
            del call
        self._threads.discard(get_ident())

    def _done(self) -> None:
        self._busy -= 1
        self._room.release()
        if self._busy == 0:
            self._idle.set()

    def apply(self, func, args=None, kwds=None):
        """func(*args, **kwds) in a thread; its result."""
        args, kwds = () if args is None else args, {} if kwds is None else kwds
        if get_ident() in self._threads:
            return func(*args, **kwds)
        return self.spawn(func, *args, **kwds).get()

    def apply_e(self, expected_errors, function, args=None, kwargs=None):
        """apply(), as older programs call it."""
        return self.apply(function, args, kwargs)

    def full(self) -> bool:
        """Whether all threads that there may be are busy."""
        return self._room.locked()

    def join(self, timeout=None) -> bool:
        """Waits until nothing is left to be done."""
        return self._idle.wait(timeout)

    def kill(self) -> None:
        """Waits until nothing is left to be done, and ends the threads."""
        self._idle.wait()
        for _ in range(self.size):
            self._calls.put(None)

    def adjust(self) -> None:
        """Does nothing: threads come when they are needed."""


_pool: ThreadPool | None = None


def pool() -> ThreadPool:
    """The pool that run_in_thread() uses."""
    global _pool
    if _pool is None:
        _pool = ThreadPool(SIZE)
    return _pool


def run_in_thread(function, *args, **kwargs):
    """function(*args, **kwargs) in an OS thread of the common pool: only who calls this waits for it. Its result."""
    return pool().apply(function, args, kwargs)


_last_warning = float("-inf")
_not_shown = 0


def report_blocked(greenlet, user: str, frame, seconds: float) -> None:
    """Called, on an OS thread of its own, when a green thread has let nobody else run for so long."""
    global _last_warning, _not_shown
    now = time.monotonic()
    if now - _last_warning < WARN_EVERY:
        _not_shown += 1
        return
    others = f" ({_not_shown} more since the last such warning)" if _not_shown else ""
    _last_warning, _not_shown = now, 0
    stack = traceback.format_list(traceback.extract_stack(frame, limit=30))
    text = (
        f"For {seconds:.1f} s no other user could run{others}: {user or repr(greenlet)} keeps the processor, or waits in a call "
        "that does not let the others run. Response times are right all the same, but the load is less than it should be. See "
        f"locust.util.threads for how to make such a call. It is here:\n{''.join(stack).rstrip()}"
    )
    logger.warning(text)
    if "gevent.events" in sys.modules:
        events = sys.modules["gevent.events"]
        events.notify(events.EventLoopBlocked(greenlet, seconds, text.splitlines()))
