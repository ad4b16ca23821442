"""Servers for streams and datagrams."""

from __future__ import annotations

import os
import socket
import ssl

from _locust import Semaphore

from .baseserver import BaseServer

__all__ = ["StreamServer", "DatagramServer"]


def _tls_context(args: dict) -> ssl.SSLContext:
    """The context that the arguments of a server ask for."""
    args = dict(args)
    context = args.pop("ssl_context", None)
    if context is None:
        context = ssl.SSLContext(args.pop("ssl_version", ssl.PROTOCOL_TLS_SERVER))
        context.verify_mode = args.pop("cert_reqs", ssl.CERT_NONE)
        if ca_certs := args.pop("ca_certs", None):
            context.load_verify_locations(ca_certs)
        if ciphers := args.pop("ciphers", None):
            context.set_ciphers(ciphers)
        certfile, keyfile = args.pop("certfile", None), args.pop("keyfile", None)
        context.load_cert_chain(certfile or keyfile, keyfile)
    args.pop("server_side", None)
    if args:
        raise TypeError(f"unknown arguments for TLS: {', '.join(args)}")
    return context


def listen(address, backlog: int, family, reuse_addr) -> socket.socket:
    """A socket that listens."""
    if family == socket.AF_UNIX and os.path.exists(address):
        os.unlink(address)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if reuse_addr:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        error.strerror = f"{error.strerror}: {address}"
        raise
    return listener


class StreamServer(BaseServer):
    """StreamServer(listener, handle=None, backlog=None, spawn="default", **ssl_args)

    handle(socket, address) is called for each connection, which is closed after it. With keyfile and certfile, or ssl_context,
    connections are TLS.
    """

    backlog = 256
    reuse_addr = True

    def __init__(self, listener, handle=None, backlog=None, spawn="default", **ssl_args):
        super().__init__(listener, handle, spawn)
        if backlog is not None:
            if hasattr(listener, "accept"):
                raise TypeError("backlog must be None when a socket is passed")
            self.backlog = backlog
        self.ssl_args = ssl_args
        self.ssl_enabled = bool(ssl_args)
        self._context = _tls_context(ssl_args) if ssl_args else None

    def init_socket(self) -> None:
        """Listens, if it does not yet."""
        if self.socket is None:
            self.socket = listen(self.address, self.backlog, self.family, self.reuse_addr)
            self.address = self.socket.getsockname()
        self._handle = self.wrap_socket_and_handle if self.ssl_enabled else self.handle

    def do_read(self):
        """The next connection."""
        try:
            return self.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None

    def do_close(self, sock, *args) -> None:
        """Closes a connection."""
        sock.close()

    def wrap_socket_and_handle(self, client_socket, address):
        """Makes it TLS, then calls handle()."""
        try:
            tls = self._context.wrap_socket(client_socket, server_side=True)
        except OSError:
            return None     # not to be handled: no handshake came about
        try:
            return self.handle(tls, address)
        finally:
            tls.close()


class DatagramServer(BaseServer):
    """DatagramServer(listener, handle=None, spawn="default"): handle(data, address) is called for each datagram."""

    reuse_addr = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._writing = Semaphore()

    def init_socket(self) -> None:
        """Binds, if it has not been."""
        if self.socket is None:
            self.socket = socket.socket(self.family, socket.SOCK_DGRAM)
            if self.reuse_addr:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(self.address)
        self.address = self.socket.getsockname()

    def do_read(self):
        """The next datagram."""
        try:
            return self.socket.recvfrom(8192)
        except BlockingIOError:
            return None

    def sendto(self, *args):
        """Sends one."""
        with self._writing:
            return self.socket.sendto(*args)
