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
from typing import Any, NoReturn, Protocol, TypedDict

import _locust
from _locust import (  # noqa: F401
    EntriesDict,
    RequestStats,
    StatsEntry,
    StatsError,
    bucket_response_time,
)

from locust.util.date import format_utc_timestamp
from locust.util.rounding import proper_round

logger = logging.getLogger(__name__)
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


class CSVWriter(Protocol):
    """Anything that takes rows: csv.writer(), for one."""

    def writerow(self, row: Iterable[Any], /) -> Any:
        """Takes one row."""


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
    return sum(values, 0.0) / max(len(values), 1)


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
            if not _is_part(percentile):
                _refuse(f"stats.{name}: {percentile!r} is not between 0 and 1, as 0.95 is")


def _is_part(value: Any) -> bool:
    try:
        return 0 < float(value) < 1
    except (TypeError, ValueError):
        return False


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(1)


# --- Several processes.


def setup_distributed_stats_event_listeners(events: Any, stats: RequestStats) -> None:
    """Puts statistics into what workers report, and adds up what a master is reported."""

    def on_report_to_master(client_id: str, data: dict[str, Any]) -> None:
        _locust.stats_fill_report(stats, data)

    def on_worker_report(client_id: str, data: dict[str, Any]) -> None:
        _locust.stats_merge_report(stats, data)

    events.report_to_master.add_listener(on_report_to_master)
    events.worker_report.add_listener(on_worker_report)


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


def _print_lines(lines: Iterable[str], colour: str | None = None) -> None:
    for line in lines:
        console_logger.info(line, extra={"colour": colour})


def print_stats(stats: RequestStats, current: bool = True) -> None:
    """Logs the statistics table; what failed is red on a terminal."""
    lines = get_stats_summary(stats, current)
    head = 2  # the titles and a line
    failed = {head + i for i, entry in enumerate(sort_stats(stats.entries)) if entry.num_failures}
    if stats.total.num_failures:
        failed.add(len(lines) - 1)
    for i, line in enumerate(lines):
        console_logger.info(line, extra={"colour": "red" if i in failed else None})
    console_logger.info("")


def print_percentile_stats(stats: RequestStats) -> None:
    """Logs the percentile table."""
    _print_lines(get_percentile_stats_summary(stats))
    console_logger.info("")


def print_error_report(stats: RequestStats) -> None:
    """Logs the error report, if there are errors."""
    if stats.errors:
        _print_lines(get_error_report_summary(stats), "red")


def _as_json(stats: RequestStats) -> str:
    """What serialize_stats() says, without resetting anything."""
    seen = (entry for entry in stats.entries.values() if entry.num_requests or entry.num_failures)
    return json.dumps([entry.serialize() for entry in seen], indent=4)


def print_stats_json(stats: RequestStats) -> None:
    """Prints all entries that saw a request or a failure as JSON."""
    print(_as_json(stats))


def save_stats_json(stats: RequestStats, filename: str) -> None:
    """Writes all entries that saw a request or a failure as JSON to filename.json, whole or not at all."""
    _locust.save_file(f"{filename}.json", _as_json(stats).encode())


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
    timestamp = timestamp or format_utc_timestamp(time.time())
    sample: dict[str, Any] = {}
    for percentile in PERCENTILES_TO_CHART:
        current = total.get_current_response_time_percentile(percentile) or 0
        sample[f"response_time_percentile_{percentile}"] = [timestamp, current]
    sample["current_rps"] = [timestamp, total.current_rps or 0]
    sample["current_fail_per_sec"] = [timestamp, total.current_fail_per_sec or 0]
    sample["total_avg_response_time"] = [timestamp, proper_round(total.avg_response_time, digits=2)]
    sample["user_count"] = [timestamp, runner.user_count or 0]
    sample["time"] = timestamp
    stats.history.append(sample)


def stats_history(runner: Any) -> None:
    """Takes samples for ever while a test runs; spawn it. Returns at once on workers."""
    while runner.stats.total.use_response_times_cache:
        if runner.state not in ("ready", "stopped"):
            update_stats_history(runner)
        _locust.sleep(HISTORY_STATS_INTERVAL_SEC)


# --- CSV.


class StatsCSV:
    """Writes tables of statistics to any object that takes rows, headers first."""

    def __init__(self, environment: Any, percentiles_to_report: Sequence[float]) -> None:
        self.environment = environment
        self.percentiles_to_report = percentiles_to_report
        self.percentiles_na = ["N/A"] * len(percentiles_to_report)
        self.requests_csv_columns = [
            "Type",
            "Name",
            "Request Count",
            "Failure Count",
            "Median Response Time",
            "Average Response Time",
            "Min Response Time",
            "Max Response Time",
            "Average Content Size",
            "Requests/s",
            "Failures/s",
            *get_readable_percentiles(percentiles_to_report),
        ]
        self.failures_columns = [
            "Method",
            "Name",
            "Error",
            "Occurrences",
            "First Seen",
            "Last Seen",
        ]
        self.exceptions_columns = ["Count", "Message", "Traceback", "Nodes"]

    def requests_csv(self, csv_writer: CSVWriter) -> None:
        """The requests: a row for each entry, sorted, and one for all."""
        csv_writer.writerow(self.requests_csv_columns)
        self._requests_data_rows(csv_writer)

    def failures_csv(self, csv_writer: CSVWriter) -> None:
        """The failures: a row for each kind."""
        csv_writer.writerow(self.failures_columns)
        self._failures_data_rows(csv_writer)

    def exceptions_csv(self, csv_writer: CSVWriter) -> None:
        """The exceptions that users' code raised: a row for each kind."""
        csv_writer.writerow(self.exceptions_columns)
        self._exceptions_data_rows(csv_writer)

    def _requests_data_rows(self, csv_writer: CSVWriter) -> None:
        _locust.csv_requests(csv_writer, self.environment.stats, self.percentiles_to_report)

    def _failures_data_rows(self, csv_writer: CSVWriter) -> None:
        _locust.csv_failures(csv_writer, self.environment.stats)

    def _exceptions_data_rows(self, csv_writer: CSVWriter) -> None:
        runner = self.environment.runner
        for exc in runner.exceptions.values() if runner is not None else ():
            csv_writer.writerow([exc["count"], exc["msg"], exc["traceback"], ", ".join(exc["nodes"])])

    def close_files(self) -> None:
        """There are none."""


class StatsCSVFileWriter(StatsCSV):
    """Keeps four CSV files up to date while stats_writer() runs; spawn that.

    Between two system calls the files consist of whole rows. The tables of requests, failures and exceptions
    are written anew each time, in place; the history grows. When stats_writer() is killed, or the
    files are closed, they are brought up to date once more.
    """

    def __init__(
        self,
        environment: Any,
        percentiles_to_report: Sequence[float],
        base_filepath: str,
        full_history: bool = False,
    ) -> None:
        super().__init__(environment, percentiles_to_report)
        self.base_filepath = base_filepath
        self.full_history = full_history
        self.stats_history_csv_columns = [
            "Timestamp",
            "User Count",
            "Type",
            "Name",
            "Requests/s",
            "Failures/s",
            *get_readable_percentiles(percentiles_to_report),
            "Total Request Count",
            "Total Failure Count",
            "Total Median Response Time",
            "Total Average Response Time",
            "Total Min Response Time",
            "Total Max Response Time",
            "Total Average Content Size",
        ]
        # One object for each file: it takes rows, and writes them.
        self.requests_csv_filehandle = self._open("_stats.csv")
        self.stats_history_csv_filehandle = _locust.CsvFile(self.stats_history_file_name())
        self.failures_csv_filehandle = self._open("_failures.csv")
        self.exceptions_csv_filehandle = self._open("_exceptions.csv")
        self.requests_csv_writer = self.requests_csv_filehandle
        self.stats_history_csv_writer = self.stats_history_csv_filehandle
        self.failures_csv_writer = self.failures_csv_filehandle
        self.exceptions_csv_writer = self.exceptions_csv_filehandle
        self._history_at: int | None = None  # the second of its last sample; None: not begun
        self._last_flush = 0.0
        self._unwritable: set[str] = set()
        self._removed: set[str] = set()

    def _open(self, suffix: str) -> _locust.CsvFile:
        return _locust.CsvFile(self.base_filepath + suffix)

    def __call__(self) -> None:
        self.stats_writer()

    def stats_writer(self) -> None:
        """Writes the files each CSV_STATS_INTERVAL_SEC until it is killed or they are closed."""
        self._history_at = 0
        try:
            while not self.stats_history_csv_filehandle.closed:
                self._write_all()
                _locust.sleep(CSV_STATS_INTERVAL_SEC)
        except KeyboardInterrupt as e:
            logger.debug("The CSV files are no longer written: %s", e, exc_info=True)
        finally:
            self._write_last()

    def _write_all(self) -> None:
        now = time.time()
        self._write(self.requests_csv_writer, self._write_requests)
        self._write(self.stats_history_csv_writer, lambda: self._write_history(now))
        self._write(self.failures_csv_writer, self._write_failures)
        self._write(self.exceptions_csv_writer, self._write_exceptions)
        if now - self._last_flush > CSV_STATS_FLUSH_INTERVAL_SEC:
            self._last_flush = now
            self._flush_all()

    def _write_last(self) -> None:
        """What has happened since the last time."""
        if self._history_at is not None and not self.stats_history_csv_filehandle.closed:
            self._write_all()

    def _write_requests(self) -> None:
        self.requests_csv(self.requests_csv_writer)
        self.requests_csv_writer.replace()

    def _write_history(self, now: float) -> None:
        file = self.stats_history_csv_writer
        if os.fstat(file.fileno()).st_size == 0:
            file.writerow(self.stats_history_csv_columns)
            file.append()
        self._stats_history_data_rows(file, now)
        if int(now) == self._history_at:  # one sample a second: the later one stays
            file.again()
        else:
            self._history_at = int(now)
            file.append()

    def _write_failures(self) -> None:
        self.failures_csv(self.failures_csv_writer)
        self.failures_csv_writer.replace()

    def _write_exceptions(self) -> None:
        self.exceptions_csv(self.exceptions_csv_writer)
        self.exceptions_csv_writer.replace()

    def _stats_history_data_rows(self, csv_writer: CSVWriter, now: float) -> None:
        runner = self.environment.runner
        users = runner.user_count if runner is not None else 0
        _locust.csv_history(
            csv_writer,
            self.environment.stats,
            self.percentiles_to_report,
            now,
            users,
            self.full_history,
        )

    def _write(self, file: _locust.CsvFile, write: Callable[[], None]) -> None:
        """Calls what writes a file. One that cannot be written does not end a test."""
        if self._succeeds(file, write) and file.name in self._unwritable:
            self._unwritable.discard(file.name)
            logger.warning("Statistics are written to %s again.", file.name)
        if file.name not in self._removed and os.fstat(file.fileno()).st_nlink == 0:
            self._removed.add(file.name)
            logger.error("%s has been removed: what it held of this test is lost.", file.name)

    def _succeeds(self, file: _locust.CsvFile, write: Callable[[], None]) -> bool:
        try:
            write()
        except OSError as e:
            if file.name not in self._unwritable:
                self._unwritable.add(file.name)
                logger.error(
                    "Could not write statistics to %s: %s. The test goes on; the file will be "
                    "up to date again once it can be written.",
                    file.name,
                    e.strerror,
                )
            return False
        return True

    def _flush_all(self) -> None:
        self._succeeds(self.requests_csv_writer, self.requests_flush)
        self._succeeds(self.stats_history_csv_writer, self.stats_history_flush)
        self._succeeds(self.failures_csv_writer, self.failures_flush)
        self._succeeds(self.exceptions_csv_writer, self.exceptions_flush)

    def requests_flush(self) -> None:
        """Writes rows that were added to the table of requests by hand."""
        self.requests_csv_filehandle.flush()

    def stats_history_flush(self) -> None:
        """Writes rows that were added to the history by hand."""
        self.stats_history_csv_filehandle.flush()

    def failures_flush(self) -> None:
        """Writes rows that were added to the table of failures by hand."""
        self.failures_csv_filehandle.flush()

    def exceptions_flush(self) -> None:
        """Writes rows that were added to the table of exceptions by hand."""
        self.exceptions_csv_filehandle.flush()

    def close_files(self) -> None:
        """Writes the files for the last time, and closes them."""
        self._write_last()
        for file in (
            self.requests_csv_filehandle,
            self.stats_history_csv_filehandle,
            self.failures_csv_filehandle,
            self.exceptions_csv_filehandle,
        ):
            self._succeeds(file, file.close)

    def stats_history_file_name(self) -> str:
        """The path of the history."""
        return self.base_filepath + "_stats_history.csv"


_locust.stats_bind(globals())


def __getattr__(name):
    """Names of Locust 0.x."""
    from .legacy.names import old_name

    return old_name(__name__, name)
