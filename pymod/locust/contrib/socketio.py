"""Users of Socket.IO. Needs python-socketio[client]."""

from __future__ import annotations

from typing import Any

import _locust
import socketio

from ..user.users import User

__all__ = ["SocketIOClient", "SocketIOUser"]


def _length(data) -> int:
    return len(data) if hasattr(data, "__len__") else 0


class SocketIOClient(socketio.Client):
    """A socketio.Client whose traffic is counted.

    Types: WS (connect), WSC (call), which are timed; WSS (send), WSE (emit), WSR (events that
    arrive), with 0 as their time.
    """

    def __init__(self, request_event, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.request_event = request_event

    def _count(self, request_type: str, name: str, data, exception=None) -> None:
        self.request_event.fire(
            request_type=request_type,
            name=name,
            response_time=0,
            response_length=_length(data),
            exception=exception,
            context={},
        )

    def connect(self, *args, **kwargs):
        """Connects; what fails is counted, and raised."""
        with self.request_event.measure("WS", "connect"):
            super().connect(*args, **kwargs)

    def send(self, data, namespace=None, callback=None, name="Unnamed") -> None:
        """Sends a message, which is counted as name; what fails is only counted."""
        exception = None
        try:
            super().send(data, namespace, callback)
        except Exception as e:
            exception = e
        self._count("WSS", name, data, exception)

    def emit(self, event, data=None, namespace=None, callback=None) -> None:
        """Emits an event; what fails is only counted."""
        exception = None
        try:
            super().emit(event, data, namespace, callback)
        except Exception as e:
            exception = e
        self._count("WSE", str(event), data, exception)

    def call(self, event, data=None, *args, **kwargs):
        """Emits an event and waits for the answer."""
        with self.request_event.measure("WSC", event):
            return super().call(event, data, *args, **kwargs)

    def on_message(self, event: str, data: str) -> None:
        """Counts events for which nothing else is registered. Meant to be overridden."""
        self._count("WSR", event, data)


class SocketIOUser(User):
    """Has a SocketIOClient, self.sio."""

    abstract = True
    options: dict[str, Any] = {}
    """What the client is made with, for example {"reconnection_attempts": 1}."""
    sio: SocketIOClient

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.sio = SocketIOClient(self.environment.events.request, **self.options)
        self.sio_greenlet = _locust.Greenlet.spawn(self.sio.wait)
        self.sio.on("*", self.sio.on_message)
