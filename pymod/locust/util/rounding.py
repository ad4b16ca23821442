"""Rounding as people expect it."""

import math
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal

_EXACT = Context(prec=800)  # room for every float


def proper_round(val: int | float, digits: int = 0) -> float:
    """Round half up (2.5 becomes 3, 1.005 becomes 1.01), as the number is written in decimals.

    round() goes to the even neighbour, and by the binary value, which may be a bit less.
    """
    number = float(val)
    if not math.isfinite(number):
        return number
    up = ROUND_HALF_UP if number > 0 else ROUND_HALF_DOWN
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), up, context=_EXACT))
