"""Exceptions of the scheduler."""

from _locust import GreenletExit, LoopExit

__all__ = ["LoopExit"]


class BlockingSwitchOutError(AssertionError):
    """A wait in a callback of the hub. (Here such a wait is a RuntimeError.)"""


class InvalidSwitchError(AssertionError):
    """A greenlet was switched to in a way that is not allowed."""


class ConcurrentObjectUseError(AssertionError):
    """Two green threads use an object that only one may use."""


class InvalidThreadUseError(RuntimeError):
    """An object was used on an OS thread that it does not belong to."""


class HubDestroyed(GreenletExit):
    """The hub has been destroyed. (It never is, here.)"""

    def __init__(self, destroy_loop=False):
        super().__init__(destroy_loop)
        self.destroy_loop = destroy_loop
