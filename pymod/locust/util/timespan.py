"""Time spans as people write them."""

import re

_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_timespan(time_str: str) -> int:
    """Seconds in a text like 20, 20s, 3m, 2h, 1h20m or 3h30m10s. ValueError for anything else."""
    if not time_str:
        raise ValueError("Invalid time span format")
    if re.fullmatch(r"\d+", time_str):
        return int(time_str)
    match = _PARTS.fullmatch(time_str)
    if match is None:
        raise ValueError(
            "Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."
        )
    hours, minutes, seconds = (int(n or 0) for n in match.groups())
    return hours * 3600 + minutes * 60 + seconds
