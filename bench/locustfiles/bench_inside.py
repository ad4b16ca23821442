"""What the driver learns from inside a generator, by Locust's own events.

Every locustfile here imports this. At each event of the test one line of JSON
is added to the file named by BENCH_REPORT; without that variable nothing is
written, so that the locustfiles run by hand as well. Nothing here is called
per request of a window: what is measured is the generator, not this file.
"""

import json
import os
import time

from locust import events

# Counted by locustfiles that make no requests a server could count.
counts = {"started": 0, "connected": 0, "ticks": 0, "stopped": 0}

# None: as Locust has it. False: off. Otherwise the file with the authorities.
verify = os.environ.get("BENCH_VERIFY")
if verify == "off":
    verify = False

_path = os.environ.get("BENCH_REPORT")
_page_kb = os.sysconf("SC_PAGE_SIZE") / 1024
_seen = {}


def _resident_kb():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * _page_kb


def _mark(name, **more):
    if _path is None:
        return
    line = {
        "mark": name,
        "time": time.monotonic(),
        "cpu": time.process_time(),
        "resident_kb": _resident_kb(),
        **counts,
        **more,
    }
    with open(_path, "a", encoding="ascii") as report:
        report.write(json.dumps(line) + "\n")


def connected():
    """To be called by each user whose first request was answered."""
    counts["connected"] += 1
    if counts["connected"] == _seen["environment"].parsed_options.num_users:
        _mark("all_connected")


@events.init.add_listener
def _on_init(environment, **_kwargs):
    _seen["environment"] = environment


@events.test_start.add_listener
def _on_test_start(**_kwargs):
    _mark("test_start")


@events.spawning_complete.add_listener
def _on_spawning_complete(**_kwargs):
    _mark("spawning_complete")


@events.test_stopping.add_listener
def _on_test_stopping(**_kwargs):
    _mark("test_stopping")


@events.test_stop.add_listener
def _on_test_stop(**_kwargs):
    _mark("test_stop")


@events.quit.add_listener
def _on_quit(**_kwargs):
    total = _seen["environment"].stats.total
    _mark(
        "quit",
        requests=total.num_requests,
        failures=total.num_failures,
        median_ms=total.get_response_time_percentile(0.5),
        p99_ms=total.get_response_time_percentile(0.99),
        max_ms=total.max_response_time,
    )
