"""Trying again."""

import functools
import logging
import time
from collections.abc import Iterable

logger = logging.getLogger(__name__)


def retry(delays: Iterable[float] = (1, 3, 5), exception=Exception):
    """A decorator: after an exception (a class, or a tuple of them) the function is called again.

    delays are the seconds to wait before each further attempt; what the last one raises is raised.
    """
    pauses = tuple(delays)

    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for attempt, pause in enumerate(pauses, 1):
                try:
                    return function(*args, **kwargs)
                except exception as e:
                    logger.info(
                        "Attempt %d failed, the next is in %g s: %r", attempt, pause, e, exc_info=e
                    )
                    time.sleep(pause)
            try:
                return function(*args, **kwargs)
            except exception:
                logger.info("Gave up after %d attempts", len(pauses) + 1)
                raise

        return wrapper

    return decorator
