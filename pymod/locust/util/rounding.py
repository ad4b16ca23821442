"""Rounding as people expect it."""
import math


def proper_round(val: int | float, digits: int = 0) -> float:
    """Round half up (2.5 becomes 3), unlike round(), which rounds half to even."""
    factor = 10**digits
    return math.floor(val * factor + 0.5) / factor
