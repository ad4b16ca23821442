"""The sockets of masters and workers: the names only, as distributed runs are not built yet."""

from __future__ import annotations

from .protocol import Message

__all__ = ["BaseSocket", "Client", "Server"]


def _not_built(what: str) -> NotImplementedError:
    return NotImplementedError(
        f"Distributed runs are not built yet, so there is no {what}: run the test in one process"
    )


class BaseSocket:
    """A ZeroMQ socket that carries messages."""

    def __init__(self, sock_type, ipv4_only):
        raise _not_built("BaseSocket")

    def send(self, msg: Message) -> None:
        """Sends a message to the other end."""
        raise _not_built("BaseSocket")

    def send_to_client(self, msg: Message) -> None:
        """Sends a message to the node that it names."""
        raise _not_built("BaseSocket")

    def recv(self) -> Message:
        """Waits for a message."""
        raise _not_built("BaseSocket")

    def recv_from_client(self) -> tuple[str, Message]:
        """Waits for a message; the node that it is from, and the message."""
        raise _not_built("BaseSocket")

    def close(self, linger: int | None = None) -> None:
        """Closes it; what is not sent within linger milliseconds is lost."""
        raise _not_built("BaseSocket")


class Server(BaseSocket):
    """The master's end."""

    def __init__(self, host, port):
        raise _not_built("Server")


class Client(BaseSocket):
    """A worker's end."""

    def __init__(self, host, port, identity):
        raise _not_built("Client")
