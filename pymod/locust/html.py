"""The HTML report: one file that opens anywhere, offline.

The page and its tables are made in C (_locust.html_report). Here is what only Python knows: options, ratios, the
history. Constants are read when they are used.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import re
from typing import Any

import _locust

from . import _thresholds, argument_parser, stats
from ._output import without_password
from ._version import version
from .runners import STATE_STOPPED, STATE_STOPPING
from .user.inspectuser import get_ratio
from .util.date import format_duration, format_utc_timestamp

PERCENTILES_FOR_HTML_REPORT = [0.50, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0]
DEFAULT_BUILD_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "webui", "dist")

HISTORY_MOST_SAMPLES = 2000
"""A longer history is thinned out in the report, to keep it small; that is 2 h 46 min."""

_SECRET = re.compile(
    r"pass(word|wd|phrase)?(_|$)|(^|_)pwd(_|$)|secret|token|credential|(api|access|private)_?key|(^|_)auth(orization)?$",
    re.IGNORECASE,
)
NOT_SHOWN = "(not shown)"

logger = logging.getLogger(__name__)


def process_html_filename(options) -> None:
    """Puts the number of users, spawn rate and run time in place of {u}, {r} and {t}, as far as they are set."""
    values = {"{u}": options.num_users, "{r}": options.spawn_rate, "{t}": options.run_time}
    for mark, value in values.items():
        if value is not None:
            options.html_file = options.html_file.replace(mark, str(int(value)))


# --- The page.


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str, allow_nan=False)
    except ValueError:  # JSON knows neither infinity nor NaN: they become null
        plain = json.loads(json.dumps(value, default=str), parse_constant=lambda name: None)
        return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _known_theme(theme: str) -> str:
    return theme if theme in ("dark", "light") else ""


def render_template_from(file, build_path=DEFAULT_BUILD_PATH, **kwargs) -> str:
    """A page with kwargs filled in.

    The report's page (report.html) is part of the program and takes template_args and theme. Templates of
    other directories are rendered by Jinja2.
    """
    if file == "report.html" and build_path == DEFAULT_BUILD_PATH:
        return _locust.html_page(_to_json(kwargs.get("template_args", {})), _known_theme(kwargs.get("theme", "")))
    try:
        import jinja2
    except ImportError as e:
        raise ImportError(f"{os.path.join(build_path, file)} needs Jinja2 (pip install Jinja2, Debian: python3-jinja2)") from e
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(build_path))
    return environment.get_template(file).render(**kwargs)


# --- What the report tells beside the statistics.


def _host(environment) -> str:
    """The host that was tested, or "None" if it is unknown or not the same for all users."""
    host = environment.host
    if not host:
        hosts = {cls.host for cls in environment.runner.user_classes}
        host = hosts.pop() if len(hosts) == 1 else None
    return without_password(str(host))


def _tasks(environment) -> dict[str, dict]:
    runner = environment.runner
    if runner.state in (STATE_STOPPED, STATE_STOPPING):
        counts = runner.final_user_classes_count
    elif hasattr(runner, "reported_user_classes_count"):  # a master's
        counts = runner.reported_user_classes_count
    else:
        counts = runner.user_classes_count
    return {
        "per_class": get_ratio(environment.user_classes, counts, False),
        "total": get_ratio(environment.user_classes, counts, True),
    }


def _without_secrets(value: Any) -> Any:
    """A value in which there are dicts, as --config-users has them."""
    if isinstance(value, dict):
        return {key: NOT_SHOWN if _is_secret(str(key)) else _without_secrets(item) for key, item in value.items()}
    return list(map(_without_secrets, value)) if isinstance(value, (list, tuple)) else value


def _is_secret(name: str) -> bool:
    return _SECRET.search(name.replace("-", "_")) is not None


def _option_text(action, value: Any) -> str:
    if getattr(action, "is_secret", False) or _is_secret(action.dest):
        return NOT_SHOWN
    value = _without_secrets(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(without_password(str(item)) for item in value)
    return without_password(str(value))


def _options(environment) -> list[tuple[str, str]]:
    """The options that are not as they are by default, and their values as text; secrets are not among those."""
    given = environment.parsed_options
    if given is None:
        return []
    try:
        actions = argument_parser.get_parser()._actions
    except (Exception, SystemExit):  # a listener that adds options may do anything
        logger.warning("The HTML report is without the options: the parser cannot be made again", exc_info=True)
        return []
    rows = []
    for action in actions:
        if action.help == argparse.SUPPRESS:  # an old name of another one, or not there yet
            continue
        value = getattr(given, action.dest, None)
        if value not in (None, [], "") and str(value) != str(action.default):
            name = max(action.option_strings, key=len, default="user classes")
            rows.append((name, _option_text(action, value)))
    return rows


# --- The history.


def _value(sample: dict, key: str) -> float:
    pair = sample.get(key)
    return pair[1] if isinstance(pair, (list, tuple)) and isinstance(pair[1], (int, float)) else 0


def _notable(samples: list[dict], slowest: str) -> list[dict]:
    """Two of some samples, in their order: the slowest, and the one with most failures or else fewest requests."""
    slow = max(samples, key=lambda sample: _value(sample, slowest))
    rare = max(
        samples,
        key=lambda sample: (_value(sample, "current_fail_per_sec"), -_value(sample, "current_rps")),
    )
    return [sample for sample in samples if sample is slow or sample is rare]


def _thinned(history: list[dict]) -> list[dict]:
    """At most about HISTORY_MOST_SAMPLES of the samples, peaks and dips and both ends among them.

    They are taken as they are: what the report shows was so, at that time.
    """
    if len(history) <= HISTORY_MOST_SAMPLES:
        return list(history)
    slowest = f"response_time_percentile_{max(stats.PERCENTILES_TO_CHART, default='')}"
    step = math.ceil(2 * len(history) / HISTORY_MOST_SAMPLES)
    inner = history[1:-1]
    kept = [s for i in range(0, len(inner), step) for s in _notable(inner[i : i + step], slowest)]
    return [history[0], *kept, history[-1]]


def _complete_history(environment, end_time: str) -> list[dict]:
    history = environment.runner.stats.history
    if history and history[-1]["time"] < end_time:
        stats.update_stats_history(environment.runner, end_time)
    return environment.runner.stats.history


# --- The report.


def _members(environment, show_download_link: bool) -> dict[str, Any]:
    """What stands in window.templateArgs beside what C puts there."""
    runner = environment.runner
    start = runner.stats.start_time
    end = runner.stats.last_request_timestamp or start
    history = _complete_history(environment, format_utc_timestamp(end))
    thinned = _thinned(history)
    return {
        "is_report": True,
        "exceptions_statistics": [
            {**row, "nodes": ", ".join(sorted(map(str, row["nodes"])))} for row in runner.exceptions.values()
        ],
        "start_time": format_utc_timestamp(start),
        "end_time": format_utc_timestamp(end),
        "duration": format_duration(start, end),
        "host": _host(environment),
        "history": thinned,
        "history_thinned": len(history) // max(1, len(thinned)),
        "show_download_link": bool(show_download_link),
        "locustfile": str(environment.locustfile),
        "tasks": _tasks(environment),
        "percentiles_to_chart": stats.PERCENTILES_TO_CHART,
        "profile": str(environment.profile) if environment.profile else None,
        "options": _options(environment),
        "thresholds": [check._asdict() for check in _thresholds.check(environment)],
        "generator_lag": _locust.lag_lines(),
        "version": version,
    }


def _with_keys(percentiles, prefix: str) -> tuple[tuple[float, str], ...]:
    """(percentile, its key), sorted by key."""
    return tuple(sorted(((float(p), f"{prefix}{p}") for p in percentiles), key=lambda pair: pair[1]))


def get_html_report(environment, show_download_link=True, theme="") -> str:
    """The report as text: theme is "dark", "light", or "" for that of the reader's system."""
    members = _members(environment, show_download_link)
    return _locust.html_report(
        environment.runner.stats,
        _with_keys(stats.PERCENTILES_TO_STATISTICS, "response_time_percentile_"),
        _with_keys(PERCENTILES_FOR_HTML_REPORT, ""),
        {key: _to_json(value) for key, value in members.items()},
        _known_theme(theme),
    )


def save_html_report(environment, filename: str) -> None:
    """Writes the report to a file, whole or not at all. Its directory is made. OSError names what went wrong."""
    directory = os.path.dirname(filename)
    if directory:
        os.makedirs(directory, exist_ok=True)
    _locust.save_file(filename, get_html_report(environment, show_download_link=False).encode())
