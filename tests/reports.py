"""HTML reports of made-up tests: what is in them, and the names that could do harm."""

import json
import math
import re

import locust.stats
from locust import TaskSet, User, task
from locust.env import Environment
from locust.util.date import format_utc_timestamp

START = 1_700_000_000

HOSTILE = [
    "</script><script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 2'>",
    "--><!--<script>",
    "quotes \" ' ` and & and \\ and &lt;",
    "${window.harmed = 3}{{7*7}}{%raw%}",
    "x" * 10_000,
    "emoji 😀👩‍👩‍👧 and 日本語 and éè",
    "line\u2028separators\u2029and\nnewline\ttab",
    "nul\0bell\a and delete\x7f",
    "turned \u202egnp.exe",
    "__proto__",
    "",
]
"""Names and errors that could end the script, be taken for markup, or lead the reader astray."""


class Shop(User):
    """A user with nested tasks."""

    host = "https://shop.example.com"

    @task(3)
    def search(self):
        """Is never run."""

    @task
    class Browse(TaskSet):
        """A task set."""

        @task
        def look(self):
            """Is never run."""


def environment(**kwargs):
    """An environment with a runner, before any request."""
    made = Environment(user_classes=[Shop], locustfile="shop.py", **kwargs)
    made.create_local_runner()
    return made


def log(made, names, failures=(), requests=3):
    """Logs some requests of each name."""
    for i, name in enumerate(names):
        for n in range(requests):
            made.stats.log_request("GET", name, 5 + (7 * i + 13 * n) % 300, 1000 + i)
    for name, error in failures:
        made.stats.log_error("GET", name, error)


def add_history(made, samples, peak=None):
    """Puts a history of so many samples there, with one slow one."""
    made.stats.history.clear()
    for i in range(samples):
        time = format_utc_timestamp(START + 5 * i)
        figures = {
            "current_rps": 100 + 10 * math.sin(i / 10),
            "current_fail_per_sec": 0,
            "total_avg_response_time": 12.5,
            "user_count": min(i, 50),
        }
        for p in locust.stats.PERCENTILES_TO_CHART:
            figures[f"response_time_percentile_{p}"] = 5000 if i == peak else 20 + 10 * p
        made.stats.history.append({"time": time, **{key: [time, x] for key, x in figures.items()}})


def args_of(report):
    """window.templateArgs of a report, as other programs find it."""
    line = re.search(r"^\s*window\.templateArgs = (.*)$", report, re.M)
    return json.loads(line[1])
