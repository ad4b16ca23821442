"""Locks."""

from _locust import BoundedSemaphore, RLock, Semaphore

__all__ = ["Semaphore", "BoundedSemaphore", "DummySemaphore", "RLock"]


class DummySemaphore:
    """A semaphore that can always be taken."""

    def __init__(self, value=None):
        """The value is not used."""

    def __str__(self):
        return f"<{type(self).__name__}>"

    def locked(self) -> bool:
        """False."""
        return False

    def ready(self) -> bool:
        """True."""
        return True

    def release(self) -> None:
        """Does nothing."""

    def rawlink(self, callback) -> None:
        """Does nothing."""

    def unlink(self, callback) -> None:
        """Does nothing."""

    def wait(self, timeout=None) -> int:
        """1, at once."""
        return 1

    def acquire(self, blocking=True, timeout=None) -> bool:
        """True, at once."""
        return True

    def __enter__(self):
        return None

    def __exit__(self, kind, value, tb):
        return None
