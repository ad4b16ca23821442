"""greenlet, over the native green threads.

Every green thread is a greenlet here. Control passes as with greenlet itself: switch() stops the current one until somebody
switches back. But a green thread that waits for something else (a lock, a socket, a time) cannot be switched to.
"""

from __future__ import annotations

import _locust
from _locust import Greenlet as _Greenlet
from _locust import GreenletExit, getcurrent

__version__ = "3.1.1"
__all__ = ("__version__", "GreenletExit", "error", "getcurrent", "greenlet", "gettrace", "settrace")

GREENLET_USE_GC = GREENLET_USE_TRACING = GREENLET_USE_CONTEXT_VARS = True


class error(Exception):
    """A switch that is not possible."""


_AWAITS = "_awaits_switch"
_GIVEN = "_given_by_switch"


def _in_callback() -> bool:
    """Whether who runs cannot be stopped: a callback of the hub."""
    return not _locust.may_wait() or isinstance(getcurrent(), _locust.Hub)


def _value(args: tuple, kwargs: dict):
    """What switch() returns there."""
    if kwargs:
        return (args, kwargs) if args else kwargs
    return args[0] if len(args) == 1 else args


def _await_switch():
    """Stops the current one until it is switched to. What it was given."""
    me = getcurrent().__dict__
    me[_AWAITS] = True
    try:
        while _GIVEN not in me:
            _locust.park()
        return me[_GIVEN]
    finally:
        me.pop(_AWAITS, None)
        me.pop(_GIVEN, None)


def _give(target: _Greenlet, value) -> None:
    """Makes one that awaits a switch run next, with a value."""
    if not target.__dict__.get(_AWAITS) or _GIVEN in target.__dict__:
        raise error(f"cannot switch to {target!r}: it waits for something else than a switch")
    target.__dict__[_GIVEN] = value
    _locust.wake(target)


def _heir(target):
    """Who gets what is meant for a dead one: its first ancestor that lives."""
    while target is not None and target.dead:
        target = target.parent
    return target


def _switch(self, *args, **kwargs):
    """Gives control, and the arguments, to this one. Returns what the caller is given when it is switched to."""
    value = _value(args, kwargs)
    current = getcurrent()
    target = _heir(self)
    if target is current or target is None:
        return value
    if isinstance(target, _locust.Hub):
        return _await_switch()
    if isinstance(target, greenlet) and not target.started:
        target._begin(args, kwargs)
    else:
        _give(target, value)
    return None if _in_callback() else _await_switch()


def _exception(kind=GreenletExit, value=None, tb=None) -> BaseException:
    """The instance that the arguments of throw() mean."""
    if isinstance(kind, BaseException):
        error = kind
    elif isinstance(value, BaseException):
        error = value
    elif value is None:
        error = kind()
    else:
        error = kind(*value) if isinstance(value, tuple) else kind(value)
    return error if tb is None else error.with_traceback(tb)


def _throw(self, *args):
    """Raises an exception in this one, where it waits."""
    exception = _exception(*args)
    current = getcurrent()
    if self.dead:
        if isinstance(exception, GreenletExit):
            return exception
        raise exception
    if self is current:
        raise exception
    self.kill(exception, block=False)
    _locust.wake(self)
    if _in_callback() or not isinstance(self, greenlet):
        return None
    return _await_switch()


def _parent(self):
    """The one that goes on when this one ends: the hub, for all but its own."""
    if self is _locust.get_main():
        return None
    hub = _locust.get_hub()
    return _locust.get_main() if self is hub else hub


_Greenlet.switch = _switch
_Greenlet.throw = _throw
_Greenlet.parent = property(_parent)
_Greenlet.gr_frame = _Greenlet.gr_context = None
_Greenlet.GreenletExit = GreenletExit
_Greenlet.error = error
_Greenlet.getcurrent = staticmethod(getcurrent)


class _AllGreenlets(type):
    """Makes every green thread an instance of greenlet."""

    def __instancecheck__(cls, instance):
        return type.__instancecheck__(cls, instance) or (cls is greenlet and isinstance(instance, _Greenlet))

    def __subclasscheck__(cls, subclass):
        return type.__subclasscheck__(cls, subclass) or (cls is greenlet and issubclass(subclass, _Greenlet))


class greenlet(_Greenlet, metaclass=_AllGreenlets):
    """greenlet(run=None, parent=None): runs when it is switched to, and gives control to its parent at its end."""

    _begun = False

    def __init__(self, run=None, parent=None):
        super().__init__()
        if run is not None:
            self.run = run
        self._parent = None
        self.parent = getcurrent() if parent is None else parent

    def __bool__(self):
        return self._begun and not self.dead

    @property
    def started(self) -> bool:
        """Whether it has been switched to."""
        return self._begun

    @property
    def parent(self):
        """The greenlet that goes on when this one ends."""
        return self._parent

    @parent.setter
    def parent(self, parent):
        if not isinstance(parent, _Greenlet):
            raise TypeError(f"parent must be a greenlet, not {type(parent).__name__}")
        ancestor = parent
        while ancestor is not None:
            if ancestor is self:
                raise ValueError("cyclic parent chain")
            ancestor = ancestor.parent
        self._parent = parent

    def _begin(self, args: tuple, kwargs: dict) -> None:
        run = self.run
        self._begun = True
        self._call = (run, args, kwargs)
        self.start()
        _locust.wake(self)

    def _run(self):
        run, args, kwargs = self.__dict__.pop("_call")
        try:
            value = run(*args, **kwargs)
        except GreenletExit as exit:
            value = exit
        except BaseException as error:
            self._pass_on(error)
            return None
        heir = _heir(self.parent)
        if heir is not None and heir.__dict__.get(_AWAITS):
            _give(heir, value)
        return value

    def _pass_on(self, error: BaseException) -> None:
        heir = _heir(self.parent)
        if heir is None or not heir.__dict__.get(_AWAITS):
            raise error
        heir.kill(error, block=False)
        _locust.wake(heir)

    def throw(self, *args):
        """Raises an exception in it. One that has not begun never will: its parent gets the exception."""
        if not self._begun:
            self._begun = True
            exception = _exception(*args)
            super().kill(GreenletExit, block=False)
            if isinstance(exception, GreenletExit):
                return exception
            raise exception
        return _throw(self, *args)

    getcurrent = staticmethod(getcurrent)
    settrace = staticmethod(lambda callback: settrace(callback))
    gettrace = staticmethod(lambda: gettrace())


def gettrace():
    """Switches are not traced: None."""
    return None


def settrace(callback):
    """Refused: the native scheduler does not report its switches. None, which switches tracing off, is accepted."""
    if callback is not None:
        raise NotImplementedError("greenlet.settrace(): switches of locust's native green threads cannot be traced")
    return None
