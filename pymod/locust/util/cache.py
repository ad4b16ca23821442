"""Remembering what a function returned."""

import functools
from time import time


def memoize(timeout: float, dynamic_timeout: bool = False):
    """A decorator: the function is called again when its last result is older than so many seconds.

    The arguments do not count: there is one result. With dynamic_timeout the time is doubled
    whenever a call takes longer than it. The function gets a method clear_cache().
    """

    def decorator(function):
        kept: list = []  # nothing, or the result and when it came
        seconds = timeout

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            nonlocal seconds
            begin = time()
            if not kept or begin - kept[1] > seconds:
                result = function(*args, **kwargs)
                kept[:] = result, time()
                if dynamic_timeout and kept[1] - begin > seconds:
                    seconds *= 2
                return result
            return kept[0]

        wrapper.clear_cache = kept.clear
        return wrapper

    return decorator
