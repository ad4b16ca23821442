"""Logging as the command line sets it up."""

import logging
import logging.config
import os
import socket
import sys
from collections import deque

HOSTNAME = socket.gethostname().split(".")[0]

unhandled_greenlet_exception = False
"""Something has failed in the background; it ends with 2 if nothing else decides."""


class LogReader(logging.Handler):
    """Keeps the last 500 lines."""

    def __init__(self):
        super().__init__()
        self.logs = deque(maxlen=500)

    def emit(self, record):
        """Keeps a line."""
        self.logs.append(self.format(record))


class ConsoleFormatter(logging.Formatter):
    """The message alone; on a terminal in the colour that the record names, unless NO_COLOR is set."""

    COLOURS = {"red": "\033[31m", "green": "\033[32m"}

    def format(self, record):
        """The text of a record."""
        text = super().format(record)
        colour = self.COLOURS.get(getattr(record, "colour", None))
        return f"{colour}{text}\033[0m" if colour and text and self.wanted() else text

    @staticmethod
    def wanted() -> bool:
        """Whether the standard error is to be coloured."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
            return False
        return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def setup_logging(loglevel: str, logfile: str | None = None) -> None:
    """Sends logs to stderr, or to a file, and the statistics tables to stderr in any case."""
    loglevel = loglevel.upper()
    handlers = {
        "console": {"class": "logging.StreamHandler", "formatter": "default"},
        "console_plain": {"class": "logging.StreamHandler", "formatter": "plain"},
        "log_reader": {"class": "locust.log.LogReader", "formatter": "default"},
    }
    usual = ["console", "log_reader"]
    if logfile:
        if directory := os.path.dirname(logfile):
            os.makedirs(directory, exist_ok=True)
        handlers["file"] = {
            "class": "logging.FileHandler",
            "filename": logfile,
            "formatter": "default",
        }
        usual = ["file", "log_reader"]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "default": {
                    "format": f"[%(asctime)s] {HOSTNAME}/%(levelname)s/%(name)s: %(message)s"
                },
                "plain": {"()": "locust.log.ConsoleFormatter"},
            },
            "handlers": handlers,
            "loggers": {
                "locust": {"handlers": usual, "level": loglevel, "propagate": False},
                "locust.stats_logger": {
                    "handlers": ["console_plain", "log_reader"],
                    "level": "INFO",
                    "propagate": False,
                },
            },
            "root": {"handlers": usual, "level": loglevel},
        }
    )


def get_logs() -> list[str]:
    """The lines that are kept."""
    for handler in logging.getLogger("root").handlers:
        if handler.name == "log_reader":
            return list(handler.logs)
    return []


def greenlet_exception_logger(logger: logging.Logger, level: int = logging.CRITICAL):
    """A callback for Greenlet.link_exception(): logs what happened and marks the process failed."""

    def log_exception(greenlet):
        global unhandled_greenlet_exception
        error = greenlet.exception
        if isinstance(error, KeyboardInterrupt):
            return  # it is on its way to the main green thread
        unhandled_greenlet_exception = True
        if isinstance(error, SystemExit):
            logger.log(
                min(logging.INFO, level),
                "sys.exit(%s) called (use log level DEBUG for callstack)",
                error.code,
            )
            logger.log(
                logging.DEBUG, "Unhandled exception in greenlet: %s", greenlet, exc_info=error
            )
        else:
            logger.log(level, "Unhandled exception in greenlet: %s", greenlet, exc_info=error)

    return log_exception
