"""The hub: what code that was written for gevent's event loop finds of it.

There is no greenlet that runs the loop: whoever waits runs it. The hub is the green thread in which callbacks run.
"""

from __future__ import annotations

import os
import signal as _signal
import sys
import time
import traceback
from queue import Empty

import _locust
import greenlet as _greenlet
from _locust import AsyncResult, Greenlet, GreenletExit, LoopExit, SimpleQueue, Watcher, getcurrent, sleep

from .timeout import Timeout

__all__ = ["getcurrent", "GreenletExit", "spawn_raw", "sleep", "kill", "signal", "reinit", "get_hub", "Hub", "Waiter"]

READ, WRITE = 1, 2


class _Child:
    """Watches the end of a child process."""

    def __init__(self, loop, pid, ref=True):
        self.pid = self.rpid = pid
        self.rstatus = None
        self._fd = os.pidfd_open(pid)
        self._io = loop.io(self._fd, READ, ref)

    @property
    def active(self) -> bool:
        """Whether it is started."""
        return self._io.active

    def start(self, callback, *args) -> None:
        """Calls callback(*args) when the process has ended; then rstatus is there."""
        self._io.start(self._end, callback, args)

    def _end(self, callback, args) -> None:
        self._io.stop()
        self.rpid, self.rstatus = os.waitpid(self.pid, os.WNOHANG)
        callback(*args)

    def stop(self) -> None:
        """Undoes start()."""
        self._io.stop()

    def close(self) -> None:
        """Gives back what it needed."""
        self._io.stop()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Signal:
    """Watches for a signal."""

    def __init__(self, signum):
        self.signum = signum
        self._before = None
        self.active = False

    def start(self, callback, *args) -> None:
        """Calls callback(*args) for each signal that comes."""
        self._before = _signal.signal(self.signum, lambda signum, frame: _locust.call_soon(callback, *args))
        self.active = True

    def stop(self) -> None:
        """Undoes start()."""
        if self.active:
            self.active = False
            _signal.signal(self.signum, _signal.SIG_DFL if self._before is None else self._before)

    close = cancel = stop


class Loop:
    """The event loop, with gevent's names."""

    MINPRI, MAXPRI = -2, 2
    default = True
    approx_timer_resolution = 0.00001
    backend = "native"
    WatcherType = Watcher

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x} backend={self.backend}>"

    @property
    def ptr(self):
        """Not 0: there is one."""
        return 1

    def io(self, fd, events, ref=True, priority=None):
        """A watcher for a descriptor: 1 to read, 2 to write, 3."""
        return Watcher("io", ref, fd=fd, events=events)

    def closing_fd(self, fd) -> bool:
        """To be called before a descriptor is closed. Whether a watcher was told: none needs to be."""
        return False

    def timer(self, after, repeat=0.0, ref=True, priority=None):
        """A watcher for a moment, so many seconds from its start."""
        return Watcher("timer", ref, after=after, repeat=repeat)

    def async_(self, ref=True, priority=None):
        """A watcher that send() triggers, from any OS thread."""
        return Watcher("async_", ref)

    def idle(self, ref=True, priority=None):
        """A watcher for when nothing else is to be done."""
        return Watcher("idle", ref)

    def prepare(self, ref=True, priority=None):
        """A watcher for the moment before the loop waits."""
        return Watcher("prepare", ref)

    def check(self, ref=True, priority=None):
        """A watcher for the moment after the loop has waited."""
        return Watcher("check", ref)

    def fork(self, ref=True, priority=None):
        """A watcher for forks, triggered in the child."""
        return Watcher("fork", ref)

    def child(self, pid, trace=0, ref=True):
        """A watcher for the end of a child process."""
        return _Child(self, pid, ref)

    def signal(self, signum, ref=True, priority=None):
        """A watcher for a signal."""
        return _Signal(signum)

    def run_callback(self, function, *args):
        """Has the hub call it soon."""
        return _locust.call_soon(function, *args)

    run_callback_threadsafe = run_callback

    def now(self) -> float:
        """The time, as time.time()."""
        return time.time()

    def update_now(self) -> None:
        """Does nothing: now() is always up to date."""

    update = update_now

    def install_sigchld(self) -> None:
        """Does nothing: SIGCHLD is not needed."""

    reset_sigchld = reinit = install_sigchld

    def run(self, nowait=False, once=False):
        """Refused: the loop runs whenever somebody waits."""
        raise RuntimeError("the event loop cannot be run: it runs whenever a green thread waits")

    def destroy(self) -> None:
        """Does nothing: the loop lives as long as the process."""


setattr(Loop, "async", Loop.async_)

_loop = Loop()


class Waiter:
    """Where one green thread waits for what another, or a callback, hands to it."""

    __slots__ = ("hub", "greenlet", "_result")

    def __init__(self, hub=None):
        self.hub = get_hub() if hub is None else hub
        self.clear()

    def clear(self) -> None:
        """As new."""
        self.greenlet = None
        self._result = AsyncResult()

    def __repr__(self):
        return f"<{type(self).__name__} {self._result!r}>"

    def ready(self) -> bool:
        """Whether something was handed over."""
        return self._result.ready()

    def successful(self) -> bool:
        """Whether it was a value."""
        return self._result.successful()

    @property
    def value(self):
        """The value."""
        return self._result.value

    @property
    def exc_info(self):
        """Type, exception and traceback, or None."""
        return self._result.exc_info or None

    def switch(self, value=None) -> None:
        """Hands over a value."""
        self._result.set(value)

    def switch_args(self, *args) -> None:
        """Hands over a tuple."""
        self.switch(args)

    def throw(self, *args) -> None:
        """Hands over an exception."""
        self._result.set_exception(_greenlet._exception(*args))

    def get(self):
        """Waits. What is handed over."""
        self.greenlet = getcurrent()
        try:
            return self._result.get()
        finally:
            self.greenlet = None

    def __call__(self, source) -> None:
        """Takes over what a Greenlet came to."""
        if source.exception is None:
            self.switch(source.value)
        else:
            self.throw(source.exception)


class Hub(_locust.Hub):
    """The green thread in which callbacks run."""

    SYSTEM_ERROR = (KeyboardInterrupt, SystemExit, SystemError)
    NOT_ERROR = (GreenletExit, SystemExit)
    main_hub = True
    threadpool_size = 10
    periodic_monitoring_thread = None
    name = ""

    @property
    def loop(self) -> Loop:
        """The event loop."""
        return _loop

    @property
    def thread_ident(self) -> int:
        """The number of the OS thread of all green threads."""
        return _locust.main_ident

    @property
    def threadpool(self):
        """The pool of OS threads for calls that block."""
        from .threadpool import pool

        return pool()

    @property
    def resolver(self):
        """What looks up names."""
        from .resolver import Resolver

        return Resolver()

    @property
    def exception_stream(self):
        """Where tracebacks are written."""
        return sys.stderr

    def wait(self, watcher) -> None:
        """Waits until a watcher is triggered."""
        waiter = Waiter(self)
        watcher.start(waiter.switch, waiter)
        try:
            if waiter.get() is not waiter:
                raise _greenlet.error(f"the wait for {watcher!r} was ended by something else")
        finally:
            watcher.stop()

    def cancel_wait(self, watcher, error, close_watcher=False) -> None:
        """Ends a wait() for a watcher: there the error is raised."""
        if watcher.callback is not None:
            self.loop.run_callback(self._cancel_wait, watcher, error, close_watcher)
        elif close_watcher:
            watcher.close()

    def _cancel_wait(self, watcher, error, close_watcher) -> None:
        waiter = getattr(watcher.callback, "__self__", None)
        active = watcher.active
        if close_watcher:
            watcher.close()
        if active and isinstance(waiter, Waiter):
            waiter.throw(error)

    def cancel_waits_close_and_then(self, watchers, exc_kind, then, *then_args) -> None:
        """Ends the waits for several watchers, then calls a function."""
        for watcher in watchers:
            self._cancel_wait(watcher, exc_kind, True)
        then(*then_args)

    def handle_error(self, context, kind, value, tb) -> None:
        """Reports an exception that nobody handles."""
        if isinstance(value, str):
            value = kind(value)
        if not issubclass(kind, self.NOT_ERROR):
            self.print_exception(context, kind, value, tb)
        if context is None or issubclass(kind, self.SYSTEM_ERROR):
            self.handle_system_error(kind, value, tb)

    def handle_system_error(self, kind, value, tb=None) -> None:
        """Raises it in the main green thread."""
        _locust.get_main().kill(value, block=False)

    def print_exception(self, context, kind, value, tb) -> None:
        """Writes a traceback, and whose it is."""
        traceback.print_exception(kind, value, tb, file=self.exception_stream)
        if context is not None:
            print(f"{context!r} failed with {kind.__name__}\n", file=self.exception_stream)

    def join(self, timeout=None) -> bool:
        """Waits, in the main green thread, until nothing more can happen. False if time is up before that."""
        if getcurrent() is not _locust.get_main():
            raise RuntimeError("only the main green thread can wait for the end of all others")
        try:
            _locust.Event().wait(timeout)
            return False
        except LoopExit:
            return True

    def destroy(self, destroy_loop=None) -> None:
        """Does nothing: the hub lives as long as the process."""


def get_hub(*args, **kwargs) -> Hub:
    """The hub; RuntimeError on an OS thread that has none."""
    hub = _locust.get_hub()
    if type(hub) is _locust.Hub:
        hub.__class__ = Hub
    return hub


def get_hub_if_exists():
    """The hub, or None on an OS thread that has none."""
    return get_hub() if _locust.is_hub_thread() else None


get_hub_noargs = get_hub


def get_loop() -> Loop:
    """The event loop."""
    return _loop


def set_hub(hub) -> None:
    """Refused: there is one hub."""
    raise RuntimeError("the hub is part of the program and cannot be replaced")


def spawn_raw(function, *args, **kwargs) -> Greenlet:
    """Starts a green thread."""
    return Greenlet.spawn(function, *args, **kwargs)


def kill(greenlet, exception=GreenletExit) -> None:
    """Raises exception in a green thread, and does not wait."""
    if not greenlet.dead:
        greenlet.kill(exception, block=False)


class signal:
    """signal(signum, handler, *args, **kwargs): runs handler in a green thread of its own whenever a signal comes."""

    def __init__(self, signalnum, handler, *args, **kwargs):
        if not callable(handler):
            raise TypeError("signal handler must be callable.")
        self.hub = get_hub()
        self.handler, self.args, self.kwargs = handler, args, kwargs
        self.watcher = _loop.signal(signalnum)
        self.watcher.start(self._start)

    def _start(self) -> None:
        Greenlet.spawn(self.handler, *self.args, **self.kwargs)

    def cancel(self) -> None:
        """The handler that was there before is there again."""
        self.watcher.stop()


signal_handler = signal


def reinit(hub=None) -> None:
    """Does nothing: a forked child is told by os.fork()."""


def idle(priority=0) -> None:
    """Waits until the others have nothing to do."""
    get_hub().wait(_loop.idle())


def iwait(objects, timeout=None, count=None):
    """Yields objects (Greenlet, Event, AsyncResult, Semaphore) as they become ready; ends when time is up."""
    objects = list(objects)
    ready = SimpleQueue()
    end = None if timeout is None else time.monotonic() + timeout
    left = len(objects) if count is None else min(count, len(objects))
    try:
        for thing in objects:
            thing.rawlink(ready.put)
        for _ in range(left):
            patience = None if end is None else max(0, end - time.monotonic())
            try:
                yield ready.get(timeout=patience) if patience != 0 else _late(ready)
            except Empty:
                return
    finally:
        for thing in objects:
            thing.unlink(ready.put)


def _late(ready):
    """What has become ready though there is no time left: the callbacks of what was ready before must run first."""
    for _ in range(2):
        if ready.empty():
            sleep(0)
    return ready.get_nowait()


def wait(objects=None, timeout=None, count=None):
    """Waits for objects; those that are ready. Without any: see Hub.join()."""
    if objects is None:
        return get_hub().join(timeout=timeout)
    return list(iwait(objects, timeout, count))


iwait_on_objects, wait_on_objects = iwait, wait

__all__ += ["iwait", "wait", "Timeout"]
