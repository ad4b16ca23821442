"""What the program leaves behind of a test: tables on the console, JSON, CSV, HTML and JUnit's XML.

What cannot be written is said; the test ends as it would have.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Any

import _locust

from . import _thresholds, html, stats
from ._output import forget_output, plain

logger = logging.getLogger("locust.main")


def make_directory_of(filename: str) -> None:
    """Makes the directory that a file is to be written to."""
    directory = os.path.dirname(filename)
    try:
        if directory:
            os.makedirs(directory, exist_ok=True)
    except FileExistsError as e:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), e.filename) from None


def open_csv_files(environment: Any, options: Any) -> stats.StatsCSVFileWriter | None:
    """The files that --csv asks for. Without them there is no point in a test: the program ends."""
    if not options.csv_prefix:
        return None
    try:
        make_directory_of(options.csv_prefix)
        return stats.StatsCSVFileWriter(
            environment,
            stats.PERCENTILES_TO_REPORT,
            options.csv_prefix,
            options.stats_history_enabled,
        )
    except OSError as e:
        logger.error("--csv %s: %s: %s", options.csv_prefix, e.filename, e.strerror)
        sys.exit(1)


def check_reports(options: Any) -> None:
    """Makes the directories of reports; one that would be lost ends the program."""
    names = {
        "--html": options.html_file,
        "--json-file": options.json_file and f"{options.json_file}.json",
        "--junit-xml": options.junit_xml,
    }
    for option, filename in names.items():
        # {u} and others: the name is known when the test has begun.
        if not filename or (option == "--html" and "{" in filename):
            continue
        try:
            make_directory_of(filename)
            if os.path.isdir(filename):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), filename)
        except OSError as e:
            about = "" if e.filename == filename else f"{e.filename}: "
            logger.error("%s: could not write %s: %s%s", option, filename, about, e.strerror)
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
    _print_thresholds(environment)
    if options.junit_xml:
        _write_junit_xml(environment, options)


def _print_tables(environment: Any) -> None:
    stats.print_stats(environment.stats, current=False)
    stats.print_percentile_stats(environment.stats)
    stats.print_error_report(environment.stats)
    for line in _locust.lag_lines():
        stats.console_logger.info(line)


def _print_thresholds(environment: Any) -> None:
    checks = _thresholds.check(environment)
    if not checks:
        return
    *head, end = _locust.threshold_table(checks)
    rows = head[-len(checks) :]
    for line in head[: -len(checks)]:
        stats.console_logger.info(line)
    for check, line in zip(checks, rows):
        stats.console_logger.info(line, extra={"colour": "green" if check.kept else "red"})
    stats.console_logger.info(end)


def _write_junit_xml(environment: Any, options: Any) -> None:
    exceptions = tuple(
        (plain(row["msg"]), plain(row["traceback"]), row["count"])
        for row in environment.runner.exceptions.values()
    )
    checks = _thresholds.check(environment)
    text = _locust.junit_xml(environment.stats, checks, exceptions, options.exit_code_on_error == 0)
    try:
        make_directory_of(options.junit_xml)
        _locust.save_file(options.junit_xml, text)
    except OSError as e:
        filename = e.filename or options.junit_xml
        logger.error("--junit-xml: could not write %s: %s", filename, e.strerror)


def _print_json(environment: Any) -> None:
    try:
        stats.print_stats_json(environment.stats)
        sys.stdout.flush()
    except OSError as e:
        logger.error("--json: could not write to the standard output: %s", e.strerror)
        forget_output()


def _save_json(environment: Any, filename: str) -> bool:
    try:
        make_directory_of(filename)
        stats.save_stats_json(environment.stats, filename)
    except OSError as e:
        logger.error("--json-file: could not write %s.json: %s", filename, e.strerror)
        return False
    return True
