"""Times as text."""
from datetime import datetime, timezone

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def format_utc_timestamp(unix_timestamp: float) -> str:
    """2026-01-31T23:59:59Z"""
    return datetime.fromtimestamp(unix_timestamp, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_safe_timestamp(unix_timestamp: float) -> str:
    """2026-01-31-23h59, in local time: good for a file name."""
    return datetime.fromtimestamp(unix_timestamp).strftime("%Y-%m-%d-%Hh%M")


def format_duration(start_time: float, end_time: float) -> str:
    """1 day, 2 hours and 3 seconds; parts that are zero are left out."""
    left = max(int(end_time - start_time), 0)
    parts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {unit}{'s' if count != 1 else ''}")
    if not parts:
        return "0 seconds"
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
