"""What the program leaves behind of a test: tables on the console, JSON, CSV and HTML files."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import _locust

from . import html, stats

logger = logging.getLogger("locust.main")


def open_csv_files(environment: Any, options: Any) -> stats.StatsCSVFileWriter | None:
    """The files that --csv asks for. Without them there is no point in a test: the program ends."""
    if not options.csv_prefix:
        return None
    try:
        directory = os.path.dirname(options.csv_prefix)
        if directory:
            os.makedirs(directory, exist_ok=True)
        return stats.StatsCSVFileWriter(
            environment,
            stats.PERCENTILES_TO_REPORT,
            options.csv_prefix,
            options.stats_history_enabled,
        )
    except OSError as e:
        logger.error("--csv %s: %s: %s", options.csv_prefix, e.filename, e.strerror)
        sys.exit(1)


def write_html_report(environment: Any, options: Any) -> int:
    """Writes what --html asks for. Returns how many requests there were then."""
    requests = environment.stats.num_requests
    if not options.html_file:
        return requests
    html.process_html_filename(options)
    logger.debug("Writing html report to file: %s", options.html_file)
    try:
        html.save_html_report(environment, options.html_file)
    except OSError as e:
        logger.error("--html: could not write %s: %s", e.filename or options.html_file, e.strerror)
    except Exception:  # of a locustfile: the test is to end in good order all the same
        logger.exception("--html: could not make the report")
    return requests


def leave_results(
    environment: Any,
    options: Any,
    csv_files: stats.StatsCSVFileWriter | None,
    in_html_report: int,
) -> None:
    """Writes what is to be said at the end of a test. The HTML report tells of so many requests."""
    if environment.stats.num_requests != in_html_report:
        write_html_report(environment, options)
    if csv_files is not None:
        csv_files.close_files()
    if options.json:
        _print_json(environment)
    if not (options.json_file and _save_json(environment, options.json_file)):
        _print_tables(environment)


def _print_tables(environment: Any) -> None:
    stats.print_stats(environment.stats, current=False)
    stats.print_percentile_stats(environment.stats)
    stats.print_error_report(environment.stats)
    for line in _locust.lag_lines():
        stats.console_logger.info(line)


def _print_json(environment: Any) -> None:
    try:
        stats.print_stats_json(environment.stats)
        sys.stdout.flush()
    except OSError as e:
        logger.error("--json: could not write to the standard output: %s", e.strerror)
        # What is still in its buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _save_json(environment: Any, filename: str) -> bool:
    try:
        stats.save_stats_json(environment.stats, filename)
    except OSError as e:
        logger.error("--json-file: could not write %s.json: %s", filename, e.strerror)
        return False
    return True
