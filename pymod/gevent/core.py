"""The event loop's names."""

from .hub import READ, WRITE, Loop

loop = Loop
EVENTS = READ | WRITE

__all__ = ["loop", "READ", "WRITE", "EVENTS"]
