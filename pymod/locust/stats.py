"""Statistics: the types, the constants that steer them, and the console reports.

The numbers live in C (_locust); this module is where users find and change the rest. Constants and
bucket_response_time are looked up here each time they are needed, so assigning to them takes effect
at once.
"""
from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypedDict

import _locust
from _locust import (  # noqa: F401
    EntriesDict,
    RequestStats,
    StatsEntry,
    StatsError,
    bucket_response_time,
)

from locust.util.date import format_utc_timestamp

console_logger = logging.getLogger("locust.stats_logger")

STATS_AUTORESIZE = True  # follow the size of the terminal
STATS_TYPE_WIDTH = 8

CONSOLE_STATS_INTERVAL_SEC = 2
HISTORY_STATS_INTERVAL_SEC = 5
CSV_STATS_INTERVAL_SEC = 1
CSV_STATS_FLUSH_INTERVAL_SEC = 5

CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW = 10

PERCENTILES_TO_REPORT = [0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0]
PERCENTILES_TO_STATISTICS = [0.95, 0.99]
PERCENTILES_TO_CHART = [0.50, 0.95]
_MOST_PERCENTILES_TO_CHART = 6

_WIDEST_NAME = 80
_WIDTH_OF_THE_REST = 80

CachedResponseTimes = namedtuple(
    "CachedResponseTimes", ["response_times", "num_requests", "num_none_requests"]
)


class StatsBaseDict(TypedDict):
    """What every row has."""

    name: str
    method: str


class StatsEntryDict(StatsBaseDict):
    """StatsEntry.serialize()"""

    last_request_timestamp: float | None
    start_time: float
    num_requests: int
    num_none_requests: int
    num_failures: int
    total_response_time: float
    max_response_time: float
    min_response_time: float | None
    total_content_length: int
    response_times: dict[int, int]
    num_reqs_per_sec: dict[int, int]
    num_fail_per_sec: dict[int, int]


class StatsErrorDict(StatsBaseDict):
    """StatsError.serialize()"""

    error: str
    occurrences: int
    first_seen: float | None
    last_seen: float | None


class StatsHolder(Protocol):
    """Anything that has a name and a method."""

    name: str
    method: str


class RequestStatsAdditionError(Exception):
    """Statistics that cannot be added up."""


def _name_width() -> int:
    try:
        columns = os.get_terminal_size().columns
    except (OSError, ValueError):  # not a terminal, or closed
        return _WIDEST_NAME
    return max(min(columns - _WIDTH_OF_THE_REST, _WIDEST_NAME), 0)


STATS_NAME_WIDTH = _name_width()


def resize_handler(signum: int, frame: Any) -> None:
    """Fits the tables to the terminal when it changes its size (SIGWINCH)."""
    global STATS_NAME_WIDTH
    if STATS_AUTORESIZE:
        STATS_NAME_WIDTH = _name_width()


if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGWINCH, resize_handler)


# --- Arithmetic.


def get_readable_percentiles(percentile_list: Iterable[float]) -> list[str]:
    """Names for percentiles: 0.5 is "50%", 0.999 is "99.9%"."""
    return [_readable(percentile * 100) for percentile in percentile_list]


def _readable(percent: float) -> str:
    return f"{int(percent) if percent == int(percent) else round(percent, 6)}%"


def calculate_response_time_percentile(
    response_times: Mapping[int, int], num_requests: int, percent: float
) -> int:
    """The greatest bucket with no more than this part (0 to 1) of all requests below it."""
    most_below = int(num_requests * percent)
    seen = 0
    for response_time, count in sorted(response_times.items(), reverse=True):
        seen += count
        if num_requests - seen <= most_below:
            return response_time
    return 0


def diff_response_time_dicts(latest: Mapping[int, int], old: Mapping[int, int]) -> dict[int, int]:
    """What was counted since old."""
    differences = ((time, count - old.get(time, 0)) for time, count in latest.items())
    return {time: count for time, count in differences if count}


def avg(values: Sequence[float]) -> float:
    """The mean; 0 for none."""
    return sum(values) / max(len(values), 1)


def median_from_dict(total: int, count: Mapping[int, int]) -> int:
    """The median of total values that are counted by value; 0 for none."""
    place = (total - 1) / 2
    for value in sorted(count):
        if place < count[value]:
            return value
        place -= count[value]
    return 0


def sort_stats(stats: Mapping[Any, Any]) -> list[Any]:
    """Values by sorted key."""
    return [stats[key] for key in sorted(stats)]


def validate_stats_configuration() -> None:
    """Ends the program when PERCENTILES_TO_CHART or PERCENTILES_TO_STATISTICS cannot be used."""
    if len(PERCENTILES_TO_CHART) > _MOST_PERCENTILES_TO_CHART:
        _refuse(f"stats.PERCENTILES_TO_CHART can have {_MOST_PERCENTILES_TO_CHART} values at most")
    for name in ("PERCENTILES_TO_CHART", "PERCENTILES_TO_STATISTICS"):
        for percentile in globals()[name]:
            if not (isinstance(percentile, float) and 0 < percentile < 1):
                _refuse(f"stats.{name}: {percentile!r} is not between 0 and 1, as 0.95 is")


def _refuse(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(1)


# --- Console reports.


def get_stats_summary(stats: RequestStats, current: bool = True) -> list[str]:
    """The lines of the statistics table, with current rates or those of the whole run."""
    return _locust.stats_table(stats, STATS_TYPE_WIDTH, STATS_NAME_WIDTH, current)


def get_percentile_stats_summary(stats: RequestStats) -> list[str]:
    """The lines of the percentile table."""
    return _locust.percentile_table(
        stats, STATS_TYPE_WIDTH, STATS_NAME_WIDTH, PERCENTILES_TO_REPORT
    )


def get_error_report_summary(stats: RequestStats) -> list[str]:
    """The lines of the error report."""
    return _locust.error_table(stats, STATS_TYPE_WIDTH, STATS_NAME_WIDTH)


def _stats_row(entry: StatsEntry, current: bool) -> str:
    return _locust.entry_row(entry, STATS_TYPE_WIDTH, STATS_NAME_WIDTH, current)


def _percentile_row(entry: StatsEntry) -> str:
    return _locust.entry_row(entry, STATS_TYPE_WIDTH, STATS_NAME_WIDTH, PERCENTILES_TO_REPORT)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        console_logger.info(line)


def print_stats(stats: RequestStats, current: bool = True) -> None:
    """Logs the statistics table."""
    _print_lines(get_stats_summary(stats, current))
    console_logger.info("")


def print_percentile_stats(stats: RequestStats) -> None:
    """Logs the percentile table."""
    _print_lines(get_percentile_stats_summary(stats))
    console_logger.info("")


def print_error_report(stats: RequestStats) -> None:
    """Logs the error report, if there are errors."""
    if stats.errors:
        _print_lines(get_error_report_summary(stats))


def print_stats_json(stats: RequestStats) -> None:
    """Prints all entries as JSON. They are reset by that."""
    print(json.dumps(stats.serialize_stats(), indent=4))


def save_stats_json(stats: RequestStats, filename: str) -> None:
    """Writes all entries as JSON to filename.json. They are reset by that."""
    with open(f"{filename}.json", "w") as file:
        json.dump(stats.serialize_stats(), file, indent=4)


def stats_printer(stats: RequestStats) -> Callable[[], None]:
    """A function that logs the statistics table for ever; spawn it."""

    def stats_printer_func() -> None:
        while True:
            print_stats(stats)
            _locust.sleep(CONSOLE_STATS_INTERVAL_SEC)

    return stats_printer_func


# --- History, for charts.


def update_stats_history(runner: Any, timestamp: str | None = None) -> None:
    """Takes one sample of a runner's statistics."""
    stats = runner.stats
    total = stats.total
    if timestamp is None:
        timestamp = format_utc_timestamp(time.time())
    sample: dict[str, Any] = {}
    for percentile in PERCENTILES_TO_CHART:
        current = total.get_current_response_time_percentile(percentile) or 0
        sample[f"response_time_percentile_{percentile}"] = [timestamp, current]
    sample["current_rps"] = [timestamp, total.current_rps or 0]
    sample["current_fail_per_sec"] = [timestamp, total.current_fail_per_sec or 0]
    sample["total_avg_response_time"] = [timestamp, round(total.avg_response_time, 2)]
    sample["user_count"] = [timestamp, runner.user_count or 0]
    sample["time"] = timestamp
    stats.history.append(sample)


def stats_history(runner: Any) -> None:
    """Takes samples for ever while a test runs; spawn it. Returns at once on workers."""
    while runner.stats.total.use_response_times_cache:
        if runner.state not in ("ready", "stopped"):
            update_stats_history(runner)
        _locust.sleep(HISTORY_STATS_INTERVAL_SEC)


_locust.stats_bind(globals())


def __getattr__(name):
    """Names of Locust 0.x."""
    from .legacy.names import old_name

    return old_name(__name__, name)
