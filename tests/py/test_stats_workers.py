"""What workers report, and how a master adds it up."""

import json
from types import SimpleNamespace

import pytest

from locust.event import Events
from locust.stats import RequestStats, StatsError, setup_distributed_stats_event_listeners


class Node:
    """Statistics, and the events that carry them."""

    def __init__(self, cache=True):
        self.stats = RequestStats(use_response_times_cache=cache)
        self.events = Events()
        setup_distributed_stats_event_listeners(self.events, self.stats)

    def report(self):
        data = {}
        self.events.report_to_master.fire(client_id="w", data=data)
        return data

    def receive(self, data):
        self.events.worker_report.fire(client_id="w", data=data)


@pytest.fixture
def worker():
    node = Node(cache=False)
    for ms in (7.5, 155.0, 20000.25, None):
        node.stats.log_request("GET", "/a", ms, 10)
    node.stats.log_error("GET", "/a", ValueError("boom"))
    return node


@pytest.fixture
def master():
    return Node()


def test_a_report_empties_the_worker(worker):
    data = worker.report()
    assert list(data) == ["stats", "stats_total", "errors"]
    (row,) = data["stats"]
    assert row["response_times"] == {8: 1, 160: 1, 20000: 1} and type(row["response_times"]) is dict
    assert data["stats_total"]["name"] == "Aggregated"
    assert data["stats_total"]["num_requests"] == 4 and data["stats_total"]["num_none_requests"] == 1
    (error,) = data["errors"].values()
    assert error["error"] == "ValueError('boom')" and error["occurrences"] == 1
    again = worker.report()
    assert again["stats"] == [] and again["errors"] == {}
    assert again["stats_total"]["num_requests"] == 0 and not worker.stats.errors
    assert row["response_times"] == {8: 1, 160: 1, 20000: 1}


def test_a_master_adds_up(worker, master):
    data = worker.report()
    for _ in range(3):
        master.receive(data)
    entry = master.stats.entries[("/a", "GET")]
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures) == (12, 3, 3)
    assert (entry.min_response_time, entry.max_response_time) == (7.5, 20000.25)
    assert entry.response_times == {8: 3, 160: 3, 20000: 3}
    assert entry.use_response_times_cache and entry.response_times_cache
    assert master.stats.num_requests == 12 and len(master.stats.entries) == 1
    assert entry.get_exact_response_time_percentile(0.5) == pytest.approx(160, rel=0.008)
    assert entry.get_exact_response_time_percentile(1.0) == 20000.25
    (error,) = master.stats.errors.values()
    assert error.occurrences == 3 and error.to_name() == "GET /a: ValueError('boom')"
    assert list(master.stats.errors) == [StatsError.create_key("GET", "/a", "ValueError('boom')")]
    # Views that somebody holds follow.
    times = entry.response_times
    master.receive(data)
    assert times[8] == 4


def test_errors_keep_the_first_and_the_last_time(worker, master):
    data = worker.report()
    ((key, error),) = data["errors"].items()
    data["stats"] = []
    for first, last in ((100.0, 200.0), (50.0, 150.0), (None, None), (70.0, 300.0)):
        data["errors"] = {key: {**error, "first_seen": first, "last_seen": last}}
        master.receive(data)
    known = master.stats.errors[key]
    assert (known.occurrences, known.first_seen, known.last_seen) == (4, 50.0, 300.0)
    del error["first_seen"], error["last_seen"]
    data["errors"] = {"a key of its own": {**error, "error": "other"}}
    master.receive(data)
    assert master.stats.errors["a key of its own"].occurrences == 1


def test_a_damaged_report_changes_nothing(worker, master):
    good = worker.report()
    row = good["stats"][0]
    error = next(iter(good["errors"].values()))
    for damage in (
        {"stats": None},
        {"stats": [row, {**row, "response_times": {"x": 1}}]},
        {"stats": [row, {**row, "num_requests": "many"}]},
        {"stats": [row, {"name": "/a"}]},
        {"errors": {"k": {**error, "occurrences": None}}},
        {"errors": [1]},
        {"stats_total": 5},
    ):
        with pytest.raises((TypeError, ValueError, KeyError, AttributeError)):
            # Events log what listeners raise, so the listener is called itself.
            master.events.worker_report._handlers[0](client_id="w", data={**good, **damage})
        assert master.stats.num_requests == 0 and not master.stats.entries and not master.stats.errors
    master.receive({**good, "unknown": 1})
    assert master.stats.num_requests == 4


def test_errors_are_bounded_on_the_master_too(master):
    total = RequestStats().total.serialize()
    errors = {}
    for i in range(10_010):
        error = {"name": "/a", "method": "GET", "error": f"error {i}", "occurrences": 2}
        errors[f"key {i}"] = error
    for _ in range(2):
        master.receive({"stats": [], "stats_total": total, "errors": errors})
    assert len(master.stats.errors) == 10_001
    last = list(master.stats.errors.values())[-1]
    assert last.occurrences == 40 and "10000 different errors" in last.error


def test_entries_survive_json(worker):
    """But for the keys of maps, which become strings there."""
    stats = worker.stats
    data = json.loads(json.dumps(stats.get("/a", "GET").serialize()))
    assert data["response_times"] == {"8": 1, "160": 1, "20000": 1}
    assert data["min_response_time"] == 7.5 and data["total_content_length"] == 40


def test_statistics_of_another_kind_are_refused(worker):
    events = Events()
    setup_distributed_stats_event_listeners(events, SimpleNamespace())
    with pytest.raises(TypeError):
        events.worker_report._handlers[0](client_id="w", data=worker.report())
