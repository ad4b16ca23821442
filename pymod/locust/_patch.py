"""Makes what the standard library offers for waiting let the other green threads run."""

import time

import _locust


def patch_all() -> None:
    """Replaces time.sleep."""
    time.sleep = _locust.sleep
