"""What locust.stats logs, prints and samples; its small functions and constants."""
import json
import logging
import os
import signal
import time
from types import SimpleNamespace

import _locust
import pytest

import locust.stats
from locust.stats import RequestStats
from locust.util.date import format_duration, format_safe_timestamp, format_utc_timestamp
from locust.util.rounding import proper_round


@pytest.fixture
def stats(monkeypatch):
    monkeypatch.setattr(locust.stats, "STATS_NAME_WIDTH", 20)
    return RequestStats()


@pytest.fixture
def console(caplog):
    caplog.set_level(logging.INFO, "locust.stats_logger")

    def lines():
        assert {(r.name, r.levelname) for r in caplog.records} <= {("locust.stats_logger", "INFO")}
        return [record.getMessage() for record in caplog.records]

    return lines


HEADER = (
    "Type     Name              # reqs      # fails |"
    "    Avg     Min     Max    Med |   req/s  failures/s"
)
SEPARATOR = (
    "--------|----------------|-------|-------------|"
    "-------|-------|-------|-------|--------|-----------"
)
THREES = "      3       3       3      3 |    0.00        0.00"


def test_print_stats(stats, console):
    stats.log_request("GET", "/é日本", 3.2, 0)
    stats.log_error("GET", "/é日本", "x")
    locust.stats.print_stats(stats)
    assert console() == [
        HEADER,
        SEPARATOR,
        "GET      /é日本                   1   1(100.00%) |" + THREES,
        SEPARATOR,
        "         Aggregated             1   1(100.00%) |" + THREES,
        "",
    ]


@pytest.mark.parametrize("method, start", [
    ("", "         /a  "), ("GET", "GET      /a  "), ("SEVENTH", "SEVENTH  /a  "), ("EIGHTHTH", "EIGHTHTH  /a  "),
    ("NINTHNINT", "NINTHNINT  /a  "), ("ÜÜÜÜÜÜÜ", "ÜÜÜÜÜÜÜ  /a  "), ("ÜÜÜÜÜÜÜÜ", "ÜÜÜÜÜÜÜÜ  /a  "),
])
def test_two_blanks_follow_a_method(stats, console, method, start):
    """In the percentile table one is enough for a long one, as in Locust."""
    stats.log_request(method, "/a", 3, 0)
    assert str(stats.get("/a", method)).startswith(start)
    locust.stats.print_stats(stats)
    assert console()[2].startswith(start)
    short = start.replace("  /a", " /a") if len(method) >= 8 else start
    assert stats.get("/a", method).percentile().startswith(short)


def test_print_stats_of_the_whole_run(stats, console):
    stats.log_request("GET", "/a", 3.2, 0)
    stats.total.start_time = stats.total.last_request_timestamp - 4
    locust.stats.print_stats(stats, current=False)
    assert console()[2].endswith("|    0.25        0.00")


def test_print_percentile_stats(stats, console, monkeypatch):
    monkeypatch.setattr(locust.stats, "PERCENTILES_TO_REPORT", [0.5, 0.999, 1.0])
    stats.log_request("GET", "/a", 155, 0)
    stats.log_request("GET", "/none", None, 0)
    locust.stats.print_percentile_stats(stats)
    assert console() == [
        "Response time percentiles (approximated)",
        "Type     Name                      50%  99.9%   100% # reqs",
        "--------|--------------------|--------|------|------|------",
        "GET      /a                        155    155    155      1",
        "--------|--------------------|--------|------|------|------",
        "         Aggregated                155    155    155      2",
        "",
    ]


def test_print_error_report(stats, console):
    locust.stats.print_error_report(stats)
    assert console() == []
    stats.log_error("GET", "/a", ValueError("boom"))
    locust.stats.print_error_report(stats)
    assert console() == [
        "Error report",
        "# occurrences      " + "Error".ljust(100),
        "-" * 18 + "|" + "-" * 81,
        "1                  " + "GET /a: ValueError('boom')".ljust(100),
        "-" * 18 + "|" + "-" * 81,
        "",
    ]


def test_rows_of_an_entry(stats):
    stats.log_request("GET", "/a", 3, 0)
    entry = stats.get("/a", "GET")
    row = "GET      /a                     1     0(0.00%) |" + THREES
    assert str(entry) == entry.to_string() == row
    assert entry.to_string(current=False).startswith(row[:80])
    assert entry.percentile().split() == ["GET", "/a"] + ["3"] * 11 + ["1"]
    with pytest.raises(ValueError):
        stats.get("/b", "GET").percentile()


def test_widths_are_read_when_used(stats, monkeypatch):
    monkeypatch.setattr(locust.stats, "STATS_NAME_WIDTH", 0)
    assert locust.stats.get_stats_summary(stats)[1].startswith("--------||-------|")
    monkeypatch.setattr(locust.stats, "STATS_NAME_WIDTH", 80)
    monkeypatch.setattr(locust.stats, "STATS_TYPE_WIDTH", 10)
    assert locust.stats.get_stats_summary(stats)[1].startswith("-" * 10 + "|" + "-" * 74 + "|")


@pytest.mark.parametrize("columns, width", [(40, 0), (100, 20), (300, 80)])
def test_width_follows_the_terminal(monkeypatch, columns, width):
    monkeypatch.setattr(locust.stats, "STATS_NAME_WIDTH", -1)
    # Not os.get_terminal_size itself: pytest asks for the width of its own output.
    here = SimpleNamespace(get_terminal_size=lambda: os.terminal_size((columns, 25)))
    monkeypatch.setattr(locust.stats, "os", here)
    assert signal.getsignal(signal.SIGWINCH) is locust.stats.resize_handler
    signal.raise_signal(signal.SIGWINCH)
    assert locust.stats.STATS_NAME_WIDTH == width
    monkeypatch.setattr(locust.stats, "STATS_AUTORESIZE", False)
    monkeypatch.setattr(locust.stats, "STATS_NAME_WIDTH", 33)
    signal.raise_signal(signal.SIGWINCH)
    assert locust.stats.STATS_NAME_WIDTH == 33


def test_json(stats, capsys, tmp_path):
    stats.log_request("GET", "/a", 155.5, 10)
    stats.log_request("GET", "/b", None, 10)
    locust.stats.print_stats_json(stats)
    out = capsys.readouterr().out
    assert out.startswith("[\n    {\n        \"name\": \"/a\",\n") and out.endswith("]\n")
    first, second = json.loads(out)
    assert first["response_times"] == {"160": 1} and first["total_response_time"] == 155.5
    assert second["min_response_time"] is None and second["total_response_time"] == 0
    locust.stats.save_stats_json(stats, str(tmp_path / "out"))
    text = (tmp_path / "out.json").read_text()
    assert text.endswith("]") and json.loads(text)[0]["num_requests"] == 1


def test_stats_printer_repeats(stats, console, monkeypatch):
    monkeypatch.setattr(locust.stats, "CONSOLE_STATS_INTERVAL_SEC", 0.01)
    printer = _locust.Greenlet.spawn(locust.stats.stats_printer(stats))
    _locust.sleep(0.2)
    printer.kill()
    assert console().count(HEADER) >= 2


def test_history(stats, monkeypatch):
    runner = SimpleNamespace(stats=stats, user_count=7, state="ready")
    monkeypatch.setattr(locust.stats, "HISTORY_STATS_INTERVAL_SEC", 0.01)
    sampler = _locust.Greenlet.spawn(locust.stats.stats_history, runner)
    _locust.sleep(0.05)
    assert stats.history == []
    runner.state = "running"
    _locust.sleep(0.05)
    sampler.kill()
    sample = stats.history[0]
    assert list(sample) == [
        "response_time_percentile_0.5", "response_time_percentile_0.95", "current_rps",
        "current_fail_per_sec", "total_avg_response_time", "user_count", "time",
    ]  # fmt: skip
    assert sample["user_count"] == [sample["time"], 7]
    assert sample["response_time_percentile_0.5"] == [sample["time"], 0]


def test_no_history_without_cache():
    runner = SimpleNamespace(stats=RequestStats(use_response_times_cache=False), state="running")
    assert locust.stats.stats_history(runner) is None


def test_small_functions():
    s = locust.stats
    assert s.get_readable_percentiles([0.5, 0.999, 0.9999, 1.0, 0.12345678]) == [
        "50%", "99.9%", "99.99%", "100%", "12.345678%",
    ]  # fmt: skip
    assert s.calculate_response_time_percentile({1: 2, 3: 2}, 4, 0.5) == 3
    assert s.calculate_response_time_percentile({}, 0, 0.5) == 0
    assert s.median_from_dict(4, {3: 2, 1: 2}) == 1 and s.median_from_dict(0, {}) == 0
    assert s.diff_response_time_dicts({1: 3, 2: 5, 3: 1}, {1: 1, 2: 5}) == {1: 2, 3: 1}
    assert s.avg([]) == 0 and s.avg([1, 2]) == 1.5
    assert s.sort_stats({2: "a", 1: "b"}) == ["b", "a"]


def test_labels_of_c_and_python_agree(stats, monkeypatch):
    percentiles = [i / 1000 for i in range(1, 1000)] + [0.9999, 0.99999]
    monkeypatch.setattr(locust.stats, "PERCENTILES_TO_REPORT", percentiles)
    header = locust.stats.get_percentile_stats_summary(stats)[1].split()
    assert header[2:-2] == locust.stats.get_readable_percentiles(percentiles)


@pytest.mark.parametrize(
    "name, value",
    [
        ("PERCENTILES_TO_CHART", [0.5] * 7),
        ("PERCENTILES_TO_CHART", [1.5]),
        ("PERCENTILES_TO_STATISTICS", [95]),
    ],
)
def test_impossible_configuration_ends_the_program(monkeypatch, capsys, name, value):
    locust.stats.validate_stats_configuration()
    monkeypatch.setattr(locust.stats, name, value)
    with pytest.raises(SystemExit) as e:
        locust.stats.validate_stats_configuration()
    assert e.value.code == 1 and name in capsys.readouterr().err


def test_dates(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert format_utc_timestamp(1.5) == "1970-01-01T00:00:01Z"
    assert format_safe_timestamp(0) == "1970-01-01-00h00"
    assert format_duration(0, 0.9) == "0 seconds" == format_duration(5, 0)
    assert format_duration(0, 60) == "1 minute"
    assert format_duration(0, 90061) == "1 day, 1 hour, 1 minute and 1 second"
    assert format_duration(0, 172800 + 3) == "2 days and 3 seconds"


def test_proper_round():
    assert [proper_round(x) for x in (0, 2.4, 2.5, 3)] == [0, 2, 3, 3]
    assert proper_round(2.345, 2) == 2.35 and proper_round(7, 2) == 7
