"""What all servers have in common: a listener, a green thread that accepts, and one for each connection."""

from __future__ import annotations

import errno
import socket
import sys
import traceback

from _locust import Event, Greenlet, sleep

from .pool import Pool

__all__ = ["BaseServer"]


def parse_address(address):
    """Family and address of a listener: a tuple, a port, "host:port", ":port" or the path of a Unix socket."""
    if isinstance(address, tuple):
        host = address[0]
        if not host or "." in host:
            return socket.AF_INET, address
        if ":" in host:
            return socket.AF_INET6, address
        found = socket.getaddrinfo(host, address[1], type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return found[0][0], address
    if isinstance(address, str) and ":" not in address and not address.isdigit():
        return socket.AF_UNIX, address
    host, _, port = str(address).rpartition(":")
    host = host.strip("[]")
    return socket.AF_INET6 if ":" in host else socket.AF_INET, (host, int(port))


class BaseServer:
    """BaseServer(listener, handle=None, spawn="default")

    listener: a socket, or the address to listen on. handle: called with what do_read() gives. spawn: "default" starts a green
    thread for each connection, a number does so for at most that many at once, a Pool with its own; None calls handle directly.
    """

    min_delay, max_delay = 0.01, 1
    """Seconds that it waits after an accept() that failed."""
    max_accept = 100
    """How many connections are accepted before others may run."""
    stop_timeout = 1
    """Seconds that stop() gives to those that are being handled."""
    fatal_errors = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)
    _spawn = Greenlet.spawn
    _handle = None

    def __init__(self, listener, handle=None, spawn="default"):
        self.delay = self.min_delay
        self.family = self.address = self.socket = None
        self._stopped = Event()
        self._acceptor = None
        self.pool = None
        self.set_listener(listener)
        self.set_spawn(spawn)
        self.set_handle(handle)
        self._stopped.set()

    def set_listener(self, listener) -> None:
        """A socket, or an address."""
        if hasattr(listener, "accept"):
            if hasattr(listener, "do_handshake"):
                raise TypeError(f"a plain socket is needed, not {listener!r}")
            self.family, self.address, self.socket = listener.family, listener.getsockname(), listener
        else:
            self.family, self.address = parse_address(listener)

    def set_spawn(self, spawn) -> None:
        """How what has been accepted is handled."""
        if spawn == "default":
            self.pool, self._spawn = None, Greenlet.spawn
        elif spawn == "raw":
            self.pool, self._spawn = None, Greenlet.spawn
        elif hasattr(spawn, "spawn"):
            self.pool, self._spawn = spawn, spawn.spawn
        elif isinstance(spawn, int):
            self.pool = Pool(spawn)
            self._spawn = self.pool.spawn
        else:
            self.pool, self._spawn = None, spawn
        if hasattr(self.pool, "full") and self.pool.full():
            raise ValueError("the pool has no room")

    def set_handle(self, handle) -> None:
        """What is called for each."""
        if handle is not None:
            self.handle = handle
        if not hasattr(self, "handle"):
            raise TypeError("'handle' must be provided")
        self._handle = self.handle

    def __repr__(self):
        state = "closed" if self.closed else "started" if self.started else "stopped"
        return f"<{type(self).__name__} at {id(self):#x} {state} address={self.address}>"

    # --- The life of a server.

    @property
    def started(self) -> bool:
        """Whether it is there for connections."""
        return not self._stopped.is_set()

    @property
    def closed(self) -> bool:
        """Whether it has no listener any more."""
        return self.socket is None

    @property
    def server_host(self):
        """The host that it listens on."""
        if isinstance(self.address, tuple):
            return self.address[0]

    @property
    def server_port(self):
        """The port that it listens on."""
        if isinstance(self.address, tuple):
            return self.address[1]

    def init_socket(self) -> None:
        """Makes the listener: what derived classes do."""

    def full(self) -> bool:
        """Whether it could handle no more now."""
        return self.pool is not None and self.pool.full()

    def start(self) -> None:
        """Listens, and accepts from now on."""
        self.init_socket()
        self._stopped.clear()
        try:
            self.start_accepting()
        except BaseException:
            self.close()
            raise

    def serve_forever(self, stop_timeout=None) -> None:
        """start(), and waits until it is stopped."""
        if not self.started:
            self.start()
        try:
            self._stopped.wait()
        finally:
            Greenlet.spawn(self.stop, timeout=stop_timeout).join()

    def stop(self, timeout=None) -> None:
        """Closes the listener; those that are being handled may go on for so many seconds, then they are killed."""
        self.close()
        if self.pool:
            self.pool.join(timeout=self.stop_timeout if timeout is None else timeout)
            self.pool.kill(block=True, timeout=1)

    def close(self) -> None:
        """Closes the listener."""
        self._stopped.set()
        self.stop_accepting()
        listener, self.socket = self.socket, None
        if listener is not None:
            listener.close()

    # --- Accepting.

    def start_accepting(self) -> None:
        """Accepts from now on."""
        if self._acceptor is None or self._acceptor.dead:
            self._acceptor = Greenlet.spawn(self._accept_all)

    def stop_accepting(self) -> None:
        """Does not, from now on."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.kill(block=False)

    def do_read(self):
        """Waits for one. The arguments of do_handle(), or None."""
        raise NotImplementedError

    def do_close(self, *args) -> None:
        """Closes what has been handled."""

    def is_fatal_error(self, error) -> bool:
        """Whether nothing can be accepted any more."""
        return isinstance(error, OSError) and error.errno in self.fatal_errors

    def _accept_all(self) -> None:
        accepted = 0
        while self.started:
            try:
                if self.pool is not None:
                    self.pool.wait_available()
                args = self.do_read()
                self.delay = self.min_delay
                if args is not None:
                    self.do_handle(*args)
            except Exception as error:
                if not self.started:
                    return
                if self.is_fatal_error(error):
                    self.close()
                    print(f"ERROR: {self!r} failed with {type(error).__name__}: {error}", file=sys.stderr)
                    return
                traceback.print_exc()
                sleep(self.delay)
                self.delay = min(self.max_delay, self.delay * 2)
            accepted += 1
            if accepted % self.max_accept == 0:
                sleep(0)

    def do_handle(self, *args) -> None:
        """Has handle() called for one, and do_close() after it."""
        if self._spawn is None:
            self._handle_and_close(*args)
            return
        try:
            self._spawn(self._handle_and_close, *args)
        except BaseException:
            self.do_close(*args)
            raise

    def _handle_and_close(self, *args) -> None:
        try:
            self._handle(*args)
        finally:
            self.do_close(*args)


