"""Looking up names: what socket does here, in other OS threads."""

from __future__ import annotations

import socket


class Resolver:
    """The functions of socket, which let the others run."""

    def __init__(self, hub=None):
        """The hub is not used."""

    def close(self) -> None:
        """Does nothing."""

    def gethostbyname(self, *args):
        """socket.gethostbyname()"""
        return socket.gethostbyname(*args)

    def gethostbyname_ex(self, *args):
        """socket.gethostbyname_ex()"""
        return socket.gethostbyname_ex(*args)

    def getaddrinfo(self, *args, **kwargs):
        """socket.getaddrinfo()"""
        return socket.getaddrinfo(*args, **kwargs)

    def gethostbyaddr(self, *args, **kwargs):
        """socket.gethostbyaddr()"""
        return socket.gethostbyaddr(*args, **kwargs)

    def getnameinfo(self, *args, **kwargs):
        """socket.getnameinfo()"""
        return socket.getnameinfo(*args, **kwargs)
