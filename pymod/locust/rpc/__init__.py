"""Messages between masters and workers."""

from .protocol import Message

__all__ = ["Message"]
