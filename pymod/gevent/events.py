"""What those who subscribe are told of."""

from __future__ import annotations

__all__ = ["subscribers", "notify", "EventLoopBlocked"]

subscribers: list = []
"""Each is called with every event."""


class EventLoopBlocked:
    """A green thread has kept all others waiting."""

    def __init__(self, greenlet, blocking_time, info, *, hub=None):
        self.greenlet, self.blocking_time, self.info, self.hub = greenlet, blocking_time, info, hub


def notify(event) -> None:
    """Calls all subscribers."""
    for subscriber in subscribers:
        subscriber(event)


notify_and_call_entry_points = notify
