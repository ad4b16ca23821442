"""locust.log: where log lines go, what is kept of them, what failing green threads leave behind."""

import logging
import re

import pytest
from _locust import Greenlet

import locust.log
from locust._output import without_password
from locust.log import HOSTNAME, LogReader, get_logs, greenlet_exception_logger, setup_logging

NAMES = "", "locust", "locust.stats_logger"
LINE = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] " + re.escape(HOSTNAME) + r"/(\w+)/([\w.]+): (.*)"


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Gives the loggers back what they had."""
    monkeypatch.setattr(locust.log, "unhandled_greenlet_exception", False)
    loggers = [logging.getLogger(name) for name in NAMES]
    kept = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, kept):
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def say_something():
    logging.getLogger("of.a.library").info("from a library")
    logging.getLogger("locust.main").warning("from locust")
    logging.getLogger("locust.stats_logger").info("a table")
    logging.getLogger("locust").debug("too little")


def lines(text):
    return [re.fullmatch(LINE, line).groups() if re.match(r"\[", line) else line for line in text.splitlines()]


def test_to_the_console(capsys):
    setup_logging("info")
    say_something()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert lines(captured.err) == [
        ("INFO", "of.a.library", "from a library"),
        ("WARNING", "locust.main", "from locust"),
        "a table",
    ]
    # What is kept has a time and a level everywhere.
    assert [re.fullmatch(LINE, line).groups() for line in get_logs()] == [
        ("INFO", "of.a.library", "from a library"),
        ("WARNING", "locust.main", "from locust"),
        ("INFO", "locust.stats_logger", "a table"),
    ]


def test_to_a_file(capsys, tmp_path):
    path = tmp_path / "the.log"
    path.write_text("what was there\n")
    setup_logging("DEBUG", str(path))
    say_something()
    assert capsys.readouterr().err == "a table\n"
    assert lines(path.read_text()) == [
        "what was there",
        ("INFO", "of.a.library", "from a library"),
        ("WARNING", "locust.main", "from locust"),
        ("DEBUG", "locust", "too little"),
    ]


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="file"):
        setup_logging("INFO", str(tmp_path))


def test_the_tables_are_shown_at_any_level(capsys):
    setup_logging("CRITICAL")
    say_something()
    assert capsys.readouterr().err == "a table\n"


def test_loggers_that_exist_stay(capsys):
    mine = logging.getLogger("made.before")
    setup_logging("INFO")
    assert not mine.disabled
    mine.info("still heard")
    assert "still heard" in capsys.readouterr().err


def test_the_last_500_lines_are_kept(capsys):
    setup_logging("INFO")
    for i in range(600):
        logging.info("line %d", i)
    logs = get_logs()
    assert len(logs) == 500 and isinstance(logs, list)
    assert logs[0].endswith("line 100") and logs[-1].endswith("line 599")


def test_a_traceback_is_one_line(capsys):
    setup_logging("INFO")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("it failed")
    (entry,) = get_logs()
    assert entry.splitlines()[0].endswith("it failed") and entry.endswith("ZeroDivisionError: division by zero")


def test_no_logs_without_setup():
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    assert get_logs() == []


def test_a_reader_of_ones_own():
    reader = LogReader()
    reader.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    reader.emit(logging.makeLogRecord({"levelname": "X", "msg": "m"}))
    assert list(reader.logs) == ["X m"] and reader.logs.maxlen == 500


def fail_with(error, **kwargs):
    """A green thread that ends with an exception, and is linked as the runner's are."""

    def fail():
        raise error

    green = Greenlet(fail)
    green.link_exception(greenlet_exception_logger(logging.getLogger("some.logger"), **kwargs))
    green.start()
    green.join()
    return green


def test_failures_in_the_background(caplog):
    caplog.set_level(logging.DEBUG)
    fail_with(ValueError("bad"))
    (record,) = [r for r in caplog.records if r.name == "some.logger"]
    assert record.levelno == logging.CRITICAL
    assert record.getMessage().startswith("Unhandled exception in greenlet: <Greenlet")
    assert record.exc_info[0] is ValueError
    assert locust.log.unhandled_greenlet_exception


def test_the_level_is_a_parameter(caplog):
    caplog.set_level(logging.DEBUG)
    fail_with(ValueError("bad"), level=logging.INFO)
    assert [r.levelname for r in caplog.records if r.name == "some.logger"] == ["INFO"]


def test_sys_exit_in_the_background(caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SystemExit):
        fail_with(SystemExit(3))
    said = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "some.logger"]
    assert said[0] == ("INFO", "sys.exit(3) called (use log level DEBUG for callstack)")
    assert [level for level, _ in said[1:]] == ["DEBUG"]
    assert locust.log.unhandled_greenlet_exception


@pytest.mark.parametrize(
    "text, shown",
    [
        ("http://me:secret@host/x", "http://me:***@host/x"),
        ("me:secret@host", "me:***@host"),
        ("see http://me:s:e@c@host, http://:x@b", "see http://me:***@host, http://:***@b"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("host:80", "host:80"),
        ("http://me@host:80", "http://me@host:80"),
    ],
)
def test_passwords_in_urls(text, shown):
    assert without_password(text) == shown
