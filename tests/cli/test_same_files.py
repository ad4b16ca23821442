"""CSV and JSON files of a run in which each request is known, column by column; with LOCUST_REF set, beside real Locust's."""

import csv
import json
import os
import shlex

import pytest

REFERENCE = os.environ.get("LOCUST_REF")

RUN = """
from locust import HttpUser, constant, task

TIMES = [1, 2.5, 3, 3, 12, 40, 98, 104, 250.4, 999, 1234, 12345]

class A(HttpUser):
    wait_time = constant(0)
    done = False

    @task
    def all_of_it(self):
        if self.done:
            self.environment.runner.quit()
            return
        self.done = True
        for i in range(6):
            self.client.get("/hello")
            self.client.get("/no-such-page", name='/a, "b" \\u00e9')
            self.client.post("/api/items", json={"name": "x" * i})
        fire = self.environment.events.request.fire
        for i, ms in enumerate(TIMES):
            error = ValueError(f"no {i % 2}") if i % 3 == 0 else None
            fire(request_type="X", name="timed", response_time=ms, response_length=10 * i, exception=error, context={})
        fire(request_type="", name="untimed", response_time=None, response_length=3, exception=None, context={})
        raise KeyError("a, b")
"""

PERCENTILES = ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"]
REQUESTS = [
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time", "Min Response Time",
    "Max Response Time", "Average Content Size", "Requests/s", "Failures/s", *PERCENTILES,
]  # fmt: skip
FAILURES = ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"]
EXCEPTIONS = ["Count", "Message", "Traceback", "Nodes"]
HISTORY = [
    "Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s", *PERCENTILES, "Total Request Count",
    "Total Failure Count", "Total Median Response Time", "Total Average Response Time", "Total Min Response Time",
    "Total Max Response Time", "Total Average Content Size",
]  # fmt: skip
JSON = [
    "name", "method", "last_request_timestamp", "start_time", "num_requests", "num_none_requests", "num_failures",
    "total_response_time", "max_response_time", "min_response_time", "total_content_length", "response_times",
    "num_reqs_per_sec", "num_fail_per_sec",
]  # fmt: skip

RATES = {"Requests/s", "Failures/s"}
# Of requests by HTTP, which take as long as they take.
TIMES = {"Median Response Time", "Average Response Time", "Min Response Time", "Max Response Time", *PERCENTILES}


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        text = file.read()
    assert text.endswith("\r\n") and "\0" not in text
    return list(csv.DictReader(text.splitlines(keepends=True)))


def files_of(run, directory, program=None):
    """What a run leaves behind: by kind of table, its rows; and the JSON."""
    r = run("--headless", "--only-summary", "--csv", "out", "--csv-full-history", "--json-file", "out", "-H", SITE[0],
            locustfile=RUN, **({"program": program} if program else {}))  # fmt: skip
    assert r.code == 1, r
    tables = {kind: read(directory / f"out_{kind}.csv") for kind in ("stats", "failures", "exceptions", "stats_history")}
    return tables, json.loads((directory / "out.json").read_text())


SITE = []


@pytest.fixture
def site(demo_site):
    SITE[:] = [demo_site.url]


def test_columns_and_figures(run, directory, site):
    tables, data = files_of(run, directory)
    for kind, columns in zip(tables, (REQUESTS, FAILURES, EXCEPTIONS, HISTORY)):
        assert all(list(row) == columns for row in tables[kind])
        assert all(None not in row.values() for row in tables[kind])
    rows = {row["Name"]: row for row in tables["stats"]}
    assert list(rows) == ['/a, "b" \u00e9', "/api/items", "/hello", "timed", "untimed", "Aggregated"]
    for row in [*tables["stats"], *tables["stats_history"]]:
        numbers = [value for name, value in row.items() if name not in ("Type", "Name")]
        assert all(value == "N/A" or float(value) >= 0 for value in numbers)
    timed = rows["timed"]
    assert (timed["Request Count"], timed["Failure Count"]) == ("12", "4")
    assert (timed["Min Response Time"], timed["Max Response Time"]) == ("1.0", "12345.0")
    assert [timed[p] for p in PERCENTILES] == ["98", "100", "1000", "1000", "1200", *["12000"] * 6]
    assert rows["untimed"]["50%"] == "0"
    assert rows["Aggregated"]["Request Count"] == "31" and rows["Aggregated"]["Type"] == ""
    assert sorted((row["Error"], row["Occurrences"]) for row in tables["failures"])[-2:] == [
        ("ValueError('no 0')", "2"), ("ValueError('no 1')", "2"),
    ]  # fmt: skip
    (exception,) = tables["exceptions"]
    assert (exception["Count"], exception["Message"], exception["Nodes"]) == ("1", "'a, b'", "local")
    assert all(list(row) == JSON for row in data)
    assert [row["name"] for row in data] == ["/hello", '/a, "b" \u00e9', "/api/items", "timed", "untimed"]


@pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF is not set: no real Locust to compare with")
def test_as_real_locust(run, directory, site):
    (theirs, their_data), (ours, our_data) = files_of(run, directory, shlex.split(REFERENCE)), files_of(run, directory)

    def known(row):
        timed = row.get("Name") == "timed"
        unknown = RATES | (set() if timed else TIMES)
        return {name: value for name, value in row.items() if name not in unknown}

    # Their files lack what happened after the last second, so their table of requests may be older: it is compared by its JSON.
    assert [list(row) for row in ours["stats"][:1]] == [list(row) for row in theirs["stats"][:1]]
    by_name = {row["Name"]: row for row in ours["stats"]}
    for row in theirs["stats"]:
        if row["Name"] != "Aggregated" and row["Request Count"] == by_name[row["Name"]]["Request Count"]:
            assert known(row) == known(by_name[row["Name"]])
    for kind in ("failures", "exceptions", "stats_history"):
        assert {tuple(row) for row in theirs[kind]} <= {tuple(row) for row in ours[kind]}
    assert [list(row) for row in our_data] == [list(row) for row in their_data]
    same = ("name", "method", "num_requests", "num_none_requests", "num_failures", "total_content_length")
    for mine, real in zip(our_data, their_data, strict=True):
        assert {key: mine[key] for key in same} == {key: real[key] for key in same}
        assert [type(mine[key]) for key in JSON[-3:]] == [type(real[key]) for key in JSON[-3:]]
        if mine["name"] == "timed":
            for key in ("response_times", "total_response_time", "max_response_time", "min_response_time"):
                assert mine[key] == real[key]
