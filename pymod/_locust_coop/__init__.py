"""The cooperative standard library: what waits in it lets the other green threads run.

Most of it is C (src/coop), which replaces methods in the types where they are: socket.socket,
threading.Lock, RLock, queue.SimpleQueue, select.epoll and the TLS objects below ssl.SSLSocket stay
the classes that they were. So objects that were made before are cooperative too, and nothing
changes for other OS threads. What are plain functions is replaced by name.

    patch()                     everything
    patch(**which)              everything, but for what is False; the names are those of PARTS
    patch_parts(names)          only these
    is_patched(module)          whether anything of a module (by name) has been replaced
    is_object_patched(module, name)
    original(module, name)      what a name was before; for a class that has stayed, that class
    saved                       module -> name -> what it was
    socket, ssl, select, selectors, subprocess, threading, queue, time, os, signal
                                those modules of the standard library themselves

A module that is not imported yet is patched when it is: to patch costs no imports. patch() may be
called again at any time.
"""

from __future__ import annotations

import importlib
import os as _os
import threading as _threading
import time as _time

import _locust
import _thread

from ._late import when_imported

PARTS = (
    "socket",
    "dns",
    "time",
    "select",
    "thread",
    "os",
    "ssl",
    "subprocess",
    "sys",
    "aggressive",
    "Event",
    "builtins",
    "signal",
    "queue",
    "contextvars",
)
"""What patch() can be told to leave alone. sys, aggressive, Event, builtins, signal and contextvars
stand for nothing that has to be replaced here: they are known because gevent knows them."""

MODULES = (
    "socket",
    "ssl",
    "select",
    "selectors",
    "subprocess",
    "threading",
    "queue",
    "time",
    "os",
    "signal",
)

_THREADING_CLASSES = (
    "Lock",
    "RLock",
    "Condition",
    "Event",
    "Semaphore",
    "BoundedSemaphore",
    "Barrier",
    "Timer",
    "Thread",
)

saved: dict[str, dict[str, object]] = {}

_patched: set[str] = set()


def __getattr__(name):
    if name in MODULES:
        return importlib.import_module(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _replace(module, name: str, replacement) -> None:
    """Replaces a name of a module; remembers what it was."""
    saved.setdefault(module.__name__, {}).setdefault(name, getattr(module, name))
    setattr(module, name, replacement)


def _changed(module, *names: str) -> None:
    """Remembers classes that have been changed where they are."""
    for name in names:
        saved.setdefault(module.__name__, {}).setdefault(name, getattr(module, name))


# --- The parts.


def _patch_time() -> None:
    _replace(_time, "sleep", _locust.sleep)


def _patch_thread() -> None:
    from . import _threads

    _locust.coop_locks()
    when_imported("grpc._cython.cygrpc", _patch_grpc)
    _changed(_thread, "allocate_lock", "LockType", "RLock")
    _changed(_threading, *_THREADING_CLASSES)
    for name, replacement in _threads.functions(_thread):
        _replace(_thread, name, replacement)
    for name, replacement in _threads.names(_threading):
        _replace(_threading, name, replacement)
    _threads.change_classes()


def _patch_socket_types(module) -> None:
    _locust.coop_socket()
    _changed(module, "socket")


def _patch_socket_module(module) -> None:
    from . import _sendfile

    _sendfile.change_class(module.socket)
    _changed(module, "socket", "SocketType", "create_connection", "fromfd", "socketpair")


def _patch_socket() -> None:
    when_imported("_socket", _patch_socket_types)
    when_imported("socket", _patch_socket_module)


RESOLVERS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")


def _patch_resolvers(module) -> None:
    for name in RESOLVERS:
        _replace(module, name, _locust.resolver(name, getattr(module, name)))


def _patch_resolvers_of_socket(module) -> None:
    import _socket

    for name in RESOLVERS[1:]:  # its getaddrinfo() calls that of _socket
        _replace(module, name, getattr(_socket, name))
    _changed(module, "getaddrinfo", "getfqdn")


def _patch_dns() -> None:
    when_imported("_socket", _patch_resolvers)
    when_imported("socket", _patch_resolvers_of_socket)


def _patch_select_module(module) -> None:
    _locust.coop_epoll()
    _changed(module, "epoll")
    _replace(module, "select", _locust.select)
    _replace(module, "poll", _locust.poll)


def _patch_selectors(module) -> None:
    module.PollSelector._selector_cls = _locust.poll
    module.SelectSelector._select = _locust.select
    _changed(module, "DefaultSelector", "EpollSelector", "PollSelector", "SelectSelector")


def _patch_select() -> None:
    when_imported("select", _patch_select_module)
    when_imported("selectors", _patch_selectors)


def _patch_ssl() -> None:
    when_imported("_ssl", lambda module: _locust.coop_tls())
    changed = ("SSLContext", "SSLSocket", "get_server_certificate")
    when_imported("ssl", lambda module: _changed(module, *changed))


def _patch_queue() -> None:
    when_imported("_queue", lambda module: _locust.coop_simple_queue())
    when_imported("queue", lambda module: _changed(module, "SimpleQueue"))


def _patch_os() -> None:
    from . import _processes

    for name, replacement in _processes.functions():
        _replace(_os, name, replacement)


def _patch_subprocess_module(module) -> None:
    from . import _pipes

    _changed(module, "Popen", "call", "check_call", "check_output", "run")
    _replace(module, "io", _pipes.PipeModule())


def _patch_subprocess() -> None:
    when_imported("subprocess", _patch_subprocess_module)


def _patch_grpc(module) -> None:
    from . import _grpc

    _grpc.patch_core(module)


_PATCHES = {
    "time": _patch_time,
    "thread": _patch_thread,
    "socket": _patch_socket,
    "dns": _patch_dns,
    "select": _patch_select,
    "ssl": _patch_ssl,
    "queue": _patch_queue,
    "os": _patch_os,
    "subprocess": _patch_subprocess,
}


# --- For others.


def patch_parts(names) -> None:
    """Patches these parts, as far as that has not been done."""
    for name in names:
        if name not in PARTS:
            raise TypeError(f"there is no part {name!r} to be patched")
        if name in _PATCHES and name not in _patched:
            _patched.add(name)
            _PATCHES[name]()


def patch(**which: bool) -> None:
    """Patches everything, but for the parts that are False."""
    for name in which:
        if name not in PARTS:
            raise TypeError(f"there is no part {name!r} to be patched")
    patch_parts(name for name in PARTS if which.get(name, True))


def original(module: str, name: str):
    """What a name of a module was before it was patched."""
    known = saved.get(module, {})
    return known[name] if name in known else getattr(importlib.import_module(module), name)


def is_patched(module: str) -> bool:
    """Whether anything of that module has been replaced."""
    return bool(saved.get(module))


def is_object_patched(module: str, name: str) -> bool:
    """Whether that name of that module has been replaced, or changed where it is."""
    return name in saved.get(module, {})
