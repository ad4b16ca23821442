"""OS threads for calls that block."""

from __future__ import annotations

import concurrent.futures

from locust.util.threads import ThreadPool as _ThreadPool
from locust.util.threads import ThreadResult

from .pool import GroupMappingMixin

__all__ = ["ThreadPool", "ThreadResult", "ThreadPoolExecutor"]


class ThreadPool(_ThreadPool, GroupMappingMixin):
    """ThreadPool(maxsize): OS threads that make calls."""

    apply = _ThreadPool.apply

    def _apply_async_use_greenlet(self) -> bool:
        return self.full()


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
