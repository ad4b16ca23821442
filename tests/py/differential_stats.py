"""Run by test_stats_differential.py in either Python: does what stdin says, prints the outcome.

stdin is a list of scenarios; each is a list of steps, [what, arguments...]. The clock stands still
between them.
"""

import csv
import io
import json
import os
import sys
import time
import types

import locust.stats
from locust.env import Environment
from locust.event import Events
from locust.exception import CatchResponseError
from locust.stats import RequestStats, StatsCSV, StatsCSVFileWriter, StatsEntry, StatsError

PERCENTILES = [0.0, 0.01, 0.25, 0.5, 0.66, 0.9, 0.95, 0.99, 0.999, 1.0]
NOW = 1_700_000_000.25


def plain(value):
    """A value with its types, as text: 5 and 5.0 are two things."""
    if isinstance(value, dict):
        return [[plain(key), plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str) else repr(value)


# --- Steps.


def an_error(text):
    if text.startswith("catch:"):
        return CatchResponseError(text[6:])
    return ValueError(text[6:]) if text.startswith("value:") else text


class Steps:
    def __init__(self):
        self.now = NOW
        time.time = lambda: self.now
        self.environment = Environment()
        self.stats = self.environment.stats
        self.seen = []

    def wait(self, seconds):
        self.now += seconds

    def request(self, method, name, ms, length):
        self.stats.log_request(method, name, ms, length)

    def error(self, method, name, text):
        self.stats.log_error(method, name, an_error(text))

    def reset(self):
        self.stats.reset_all()

    def clear(self):
        self.stats.clear_all()

    def look(self):
        self.seen.append(everything(self.stats, self.environment))

    def history(self):
        runner = types.SimpleNamespace(stats=self.stats, user_count=7)
        locust.stats.update_stats_history(runner)
        self.seen.append(plain(self.stats.history))

    def assign(self, name, method, attribute, value):
        if isinstance(value, dict):
            value = {int(key): count for key, count in value.items()}
        setattr(self.stats.get(name, method), attribute, value)

    def serialize(self):
        total = self.stats.total.get_stripped_report()
        self.seen.append(plain([self.stats.serialize_stats(), self.stats.serialize_errors(), total]))

    def report(self):
        """To a master, and what that makes of it after another one."""
        events, data = Events(), {}
        master = RequestStats()
        locust.stats.setup_distributed_stats_event_listeners(events, self.stats)
        events.report_to_master.fire(client_id="w", data=data)
        self.seen.append([list(data), plain(data)])
        events = Events()
        locust.stats.setup_distributed_stats_event_listeners(events, master)
        data["stats"].append({**self.row("extra"), "unknown": 5})
        key = StatsError.create_key("GET", "/late", "late")
        data["errors"][key] = self.failure("/late")
        for _ in range(2):
            events.worker_report.fire(client_id="w", data=json.loads(json.dumps(data), object_hook=whole_keys))
        self.now += 1
        self.seen.append(everything(master, types.SimpleNamespace(stats=master, runner=None)))

    def row(self, name):
        entry = StatsEntry(self.stats, name, "GET")
        for ms in (77.0, 90.0, 1800.0):
            entry.log(ms, 5)
            self.now += 2
        return entry.serialize()

    def failure(self, name):
        error = StatsError("GET", name, "late", 5, self.now - 10)
        return {key: value for key, value in error.serialize().items() if key != "last_seen"}

    def files(self, full):
        """What is in the files after two passes, the second at the same second or later."""
        base = f"/tmp/differential-stats-{os.getpid()}"
        writer = StatsCSVFileWriter(self.environment, PERCENTILES, base, full_history=full)
        here = self

        class Enough(Exception):
            pass

        def sleep(seconds):
            if here.now > started:
                raise Enough
            here.now += 1

        started = self.now
        locust.stats.gevent = types.SimpleNamespace(sleep=sleep)
        if hasattr(locust.stats, "_locust"):
            locust.stats._locust.sleep = sleep
        try:
            writer()
        except Enough:
            writer.close_files()
        suffixes = ["stats", "stats_history", "failures", "exceptions"]
        for suffix in suffixes:
            with open(f"{base}_{suffix}.csv", newline="") as file:
                self.seen.append(file.read())
            os.unlink(f"{base}_{suffix}.csv")
        assert writer.stats_history_file_name() == f"{base}_stats_history.csv"


def whole_keys(row):
    return {int(key) if key.isdigit() else key: value for key, value in row.items()}


# --- What there is to see.


def everything(stats, environment):
    tables = io.StringIO(), io.StringIO(), io.StringIO()
    report = StatsCSV(environment, PERCENTILES)
    report.requests_csv(csv.writer(tables[0]))
    report.failures_csv(csv.writer(tables[1]))
    report.exceptions_csv(csv.writer(tables[2]))
    return {
        "entries": {repr(key): figures(entry) for key, entry in stats.entries.items()},
        "total": figures(stats.total),
        "stats": plain(
            [
                getattr(stats, name)
                for name in ("num_requests", "num_none_requests", "num_failures", "start_time", "last_request_timestamp")
            ]
        ),
        "errors": {key: [plain(e.to_dict()), e.to_name()] for key, e in stats.errors.items()},
        "tables": [table.getvalue() for table in tables],
        "console": [
            locust.stats.get_stats_summary(stats),
            locust.stats.get_stats_summary(stats, current=False),
            locust.stats.get_percentile_stats_summary(stats),
            locust.stats.get_error_report_summary(stats),
        ],
    }


def figures(entry):
    cache = entry.response_times_cache
    return {
        "row": plain(entry.to_dict()),
        "percentiles": plain([entry.get_response_time_percentile(p) for p in PERCENTILES]),
        "current": plain([entry.get_current_response_time_percentile(p) for p in PERCENTILES])
        if entry.use_response_times_cache
        else None,
        "data": plain(entry.serialize()),
        "cache": None if cache is None else plain(list(cache.items())),
        "texts": [entry.to_string(current=False), entry.percentile() if entry.num_requests else None],
        "rates": plain([float(entry.current_rps), float(entry.current_fail_per_sec), entry.total_rps]),
    }


def main():
    locust.stats.STATS_NAME_WIDTH = 30
    outcomes = []
    for scenario in json.load(sys.stdin):
        steps = Steps()
        for what, *arguments in scenario:
            getattr(steps, what)(*arguments)
        outcomes.append(steps.seen)
    json.dump(outcomes, sys.stdout)


main()
