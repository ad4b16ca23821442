"""gRPC, whose core waits in C: those waits move to other OS threads.

Its threads that only turn completions into wake-ups are real ones; the conditions that they notify
are cooperative. What blocks in the caller's thread is called on another one. So init_gevent(),
which makes gRPC use gevent's event loop, has nothing to do.
"""

from __future__ import annotations

import time

import _locust

WAITING_THREADS = ("channel_spin", "_poll_connectivity")
"""What those threads run. All others run the user's code, and are green."""


class _RealThread:
    """What gRPC uses of threading.Thread, on an OS thread."""

    def __init__(self, target, args):
        self._target = target
        self._args = args
        self._alive = False

    def _run(self):
        try:
            self._target(*self._args)
        finally:
            self._alive = False

    def start(self) -> None:
        """Begins."""
        self._alive = True
        _locust.start_real_thread(self._run, ())

    def setDaemon(self, daemonic) -> None:  # noqa: N802  gRPC's spelling
        """They always are."""

    def join(self, timeout=None) -> None:
        """Waits for the end."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._alive and (end is None or time.monotonic() < end):
            time.sleep(0.005)


def _thread_class(original):
    def fork_managed_thread(target, args=()):
        if getattr(target, "__name__", "") in WAITING_THREADS and _locust.can_wait():
            return _RealThread(target, args)
        return original(target, args)

    return fork_managed_thread


def patch_core(cygrpc) -> None:
    """Patches grpc._cython.cygrpc."""
    cygrpc.ForkManagedThread = _thread_class(cygrpc.ForkManagedThread)
    cygrpc.init_grpc_gevent = lambda: None
    for cls, method in (cygrpc.SegregatedCall, "next_event"), (cygrpc.CompletionQueue, "poll"):
        _locust.offload_method(cls, method)
