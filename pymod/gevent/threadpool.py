"""OS threads for calls that block."""

from __future__ import annotations

import concurrent.futures
import os

from _locust import AsyncResult, Event, Semaphore, SimpleQueue, get_ident, start_os_thread

from .pool import GroupMappingMixin

__all__ = ["ThreadPool", "ThreadResult", "ThreadPoolExecutor"]

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


class ThreadPool(GroupMappingMixin):
    """ThreadPool(maxsize): OS threads that make calls. They are started when there is work, and stay until kill()."""

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

    def _apply_async_use_greenlet(self) -> bool:
        return self.full()

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


class ThreadPoolExecutor(concurrent.futures.Executor):
    """concurrent.futures' interface to a ThreadPool."""

    def __init__(self, max_workers=10, *args, **kwargs):
        self._threadpool = ThreadPool(max_workers)
        self._shut_down = False

    def submit(self, fn, *args, **kwargs):
        """Has a thread call fn(*args, **kwargs). A Future."""
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: concurrent.futures.Future = concurrent.futures.Future()

        def call():
            if not future.set_running_or_notify_cancel():
                return
            try:
                value = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(value)

        self._threadpool.spawn(call)
        return future

    def shutdown(self, wait=True, **kwargs):
        """No more calls. With wait it waits for those that are under way."""
        self._shut_down = True
        if wait:
            self._threadpool.kill()


_pool: ThreadPool | None = None


def pool() -> ThreadPool:
    """The common pool: that of the hub, and of locust.util.threads.run_in_thread()."""
    global _pool
    if _pool is None:
        _pool = ThreadPool(SIZE)
    return _pool
