"""Time limits for whatever waits."""

from _locust import Timeout

__all__ = ["Timeout", "with_timeout"]

_NOTHING = object()


def with_timeout(seconds, function, *args, timeout_value=_NOTHING, **kwargs):
    """function(*args, **kwargs), or timeout_value if that takes longer; without timeout_value the Timeout is raised."""
    timeout = Timeout.start_new(seconds)
    try:
        return function(*args, **kwargs)
    except Timeout as error:
        if error is timeout and timeout_value is not _NOTHING:
            return timeout_value
        raise
    finally:
        timeout.cancel()
