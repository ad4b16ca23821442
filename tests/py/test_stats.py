"""RequestStats, StatsEntry and StatsError: what locustfiles and plugins can see and change."""
import gc
import json
import sys
import time
import types
import weakref

import _locust
import pytest

import locust.stats
from locust.stats import RequestStats, StatsEntry, StatsError

REQUEST = {
    "request_type": "GET",
    "name": "/a",
    "response_time": 5.5,
    "response_length": 7,
    "exception": None,
    "context": {},
}


@pytest.fixture
def stats():
    return RequestStats()


@pytest.fixture
def clock(monkeypatch, stats):
    """Moves the past instead of the clock: start and last request of all entries."""

    def set_span(start, last):
        stats.total.start_time = start
        stats.total.last_request_timestamp = last

    return set_span


# --- Entries.


def test_entry_counts(stats):
    stats.log_request("GET", "/a", 99.7, 10)
    stats.log_request("GET", "/a", 115.0, 20)
    stats.log_request("GET", "/a", None, 30)
    entry = stats.entries[("/a", "GET")]
    assert (entry.name, entry.method) == ("/a", "GET")
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures) == (3, 1, 0)
    assert (entry.min_response_time, entry.max_response_time) == (99.7, 115.0)
    assert entry.total_response_time == pytest.approx(214.7)
    assert entry.avg_response_time == pytest.approx(107.35)
    assert entry.total_content_length == 60 and entry.avg_content_length == 20
    assert entry.response_times == {100: 1, 120: 1}
    assert sum(entry.num_reqs_per_sec.values()) == 3
    assert abs(entry.last_request_timestamp - time.time()) < 10
    assert stats.num_requests == stats.total.num_requests == 3
    assert stats.num_none_requests == 1
    assert stats.start_time == stats.total.start_time


def test_new_entry(stats):
    entry = StatsEntry(stats, "n", "m")
    assert entry.serialize() == {
        "name": "n", "method": "m", "last_request_timestamp": None, "start_time": entry.start_time,
        "num_requests": 0, "num_none_requests": 0, "num_failures": 0, "total_response_time": 0,
        "max_response_time": 0, "min_response_time": None, "total_content_length": 0,
        "response_times": {}, "num_reqs_per_sec": {}, "num_fail_per_sec": {},
    }  # fmt: skip
    assert entry.fail_ratio == 0.0 and entry.median_response_time == 0
    assert entry.get_response_time_percentile(0.99) == 0
    assert entry.current_rps == entry.total_rps == 0
    assert not entry.use_response_times_cache and entry.response_times_cache is None
    assert not stats.entries


def test_whole_numbers_are_ints(stats):
    stats.log_request("GET", "/a", 155.0, 0)
    stats.log_request("GET", "/a", 12.0, 0)
    entry = stats.get("/a", "GET")
    assert all(type(bucket) is int for bucket in entry.response_times)
    assert type(entry.get_response_time_percentile(0.1)) is int
    assert entry.response_times[4711] == 0  # a defaultdict


def test_percentiles_are_never_above_the_maximum(stats):
    stats.log_request("GET", "/a", 155.0, 0)
    assert stats.total.response_times == {160: 1}
    assert stats.total.get_response_time_percentile(0.99) == 160  # as Locust rounds
    assert stats.total.get_exact_response_time_percentile(0.99) == 155.0
    assert stats.total.to_dict()["response_time_percentile_0.99"] == 155
    table = locust.stats.get_percentile_stats_summary(stats)
    assert table[-1].split() == ["Aggregated"] + ["155"] * 11 + ["1"]
    assert stats.total.percentile().split() == ["Aggregated"] + ["160"] * 11 + ["1"]
    assert stats.total.median_response_time == 155


def test_exact_percentiles(stats):
    entry = stats.get("/a", "GET")
    assert entry.get_exact_response_time_percentile(0.5) == 0
    times = [0.25 + i * 1.37 for i in range(1000)]
    for ms in times:
        entry.log(ms, 0)
    for part in (0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999):
        exact = entry.get_exact_response_time_percentile(part)
        assert exact == pytest.approx(times[int(len(times) * part)], rel=0.008)
        assert exact <= entry.max_response_time
    assert entry.get_exact_response_time_percentile(0) == entry.min_response_time
    assert entry.get_exact_response_time_percentile(percent=1) == entry.max_response_time
    sub_millisecond = StatsEntry(stats, "/b", "GET")
    sub_millisecond.log(0.4, 0)
    assert sub_millisecond.get_response_time_percentile(0.5) == 0
    assert sub_millisecond.get_exact_response_time_percentile(0.5) == 0.4


def test_failures_without_requests(stats):
    stats.log_error("GET", "/a", "boom")
    entry = stats.get("/a", "GET")
    assert (entry.num_requests, entry.num_failures, entry.fail_ratio) == (0, 1, 1.0)
    stats.log_request("GET", "/a", 1, 1)
    stats.log_request("GET", "/a", 1, 1)
    assert entry.fail_ratio == 0.5 and stats.num_failures == 1


def test_rates(stats, clock):
    entry = stats.get("/a", "GET")
    entry.num_reqs_per_sec = {second: second - 999 for second in range(1000, 1031)}
    entry.num_fail_per_sec = {second: 1 for second in range(1000, 1031)}
    entry.num_requests, entry.num_failures = 496, 31
    assert entry.current_rps == entry.total_rps == 0
    clock(1000.5, 1030.5)
    assert entry.current_rps == 23.5 and entry.current_fail_per_sec == 1
    assert entry.total_rps == pytest.approx(496 / 30)
    assert entry.total_fail_per_sec == pytest.approx(31 / 30)
    clock(1026.2, 1030.5)
    assert entry.current_rps == 27.5
    assert entry.num_reqs_per_sec[1030] == 31 and entry.num_fail_per_sec[1030] == 1


def test_plain_attributes_are_assignable(stats):
    entry = stats.get("/a", "GET")
    entry.response_times = {100: 1, 10: 98, 2.5: 1}
    entry.num_requests = 100
    entry.min_response_time, entry.max_response_time = 2.5, 100
    entry.total_response_time = 1000
    assert entry.response_times == {100: 1, 10: 98, 2.5: 1}
    assert entry.get_response_time_percentile(0) == 2.5
    assert entry.get_response_time_percentile(1.0) == 100
    assert entry.median_response_time == 10 and entry.avg_response_time == 10
    entry.last_request_timestamp = None
    entry.min_response_time = None
    assert entry.last_request_timestamp is None and entry.min_response_time is None
    entry.note = "of our own"
    assert stats.entries[("/a", "GET")].note == "of our own"
    for wrong in ({"x": 1}, {1: "x"}, {1: -1}, None):
        with pytest.raises((TypeError, ValueError, AttributeError, OverflowError)):
            entry.response_times = wrong
    assert entry.median_response_time == 10


def test_current_percentile(stats):
    with pytest.raises(ValueError):
        StatsEntry(stats, "n", "m").get_current_response_time_percentile(0.5)
    total = stats.total
    assert total.use_response_times_cache
    assert total.get_current_response_time_percentile(0.5) is None
    total.last_request_timestamp = time.time() - 3
    stats.log_request("GET", "/a", 500, 0)  # snapshots the second before: empty
    snapshot = total.response_times_cache[int(total.last_request_timestamp) - 1]
    assert snapshot == locust.stats.CachedResponseTimes({}, 0, 0)


def test_current_percentile_uses_the_window_that_is_set(stats, monkeypatch):
    stats.log_request("GET", "/a", 50, 0)
    assert stats.total.get_current_response_time_percentile(0.5) is None  # nothing is 10 s old
    monkeypatch.setattr(locust.stats, "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW", 0)
    assert stats.total.get_current_response_time_percentile(0.5) == 50


def test_extend(stats):
    a, b = StatsEntry(stats, "n", "m"), StatsEntry(stats, "n", "m")
    a.log(5, 6)
    b.log(7.5, 8)
    b.log(None, 1)
    b.log_error("boom")
    b.start_time = 100
    a.extend(b)
    assert (a.num_requests, a.num_none_requests, a.num_failures) == (3, 1, 1)
    assert (a.min_response_time, a.max_response_time, a.total_response_time) == (5, 7.5, 12.5)
    assert a.response_times == {5: 1, 8: 1} and a.start_time == 100
    assert a.total_content_length == 15
    with pytest.raises(ValueError):
        a.extend(a)
    with pytest.raises(TypeError):
        a.extend({})


def test_serialize_and_back(stats):
    entry = stats.get("/a", "GET")
    entry.log(5.5, 6)
    entry.log_error("boom")
    data = entry.serialize()
    assert list(data) == [
        "name", "method", "last_request_timestamp", "start_time", "num_requests",
        "num_none_requests", "num_failures", "total_response_time", "max_response_time",
        "min_response_time",
        "total_content_length", "response_times", "num_reqs_per_sec", "num_fail_per_sec",
    ]  # fmt: skip
    assert StatsEntry.unserialize({**data, "unknown": 1}, stats).serialize() == data
    with pytest.raises(KeyError):
        StatsEntry.unserialize({"name": "/a"}, stats)
    assert entry.get_stripped_report() == data
    assert entry.num_requests == 0 and entry.response_times == {}


def test_to_dict(stats, monkeypatch):
    monkeypatch.setattr(locust.stats, "PERCENTILES_TO_STATISTICS", [0.5])
    stats.log_request("GET", "/a", 2.5, 10)
    row = stats.get("/a", "GET").to_dict()
    assert list(row) == [
        "method", "name", "num_requests", "num_failures", "min_response_time", "max_response_time",
        "current_rps", "current_fail_per_sec", "avg_response_time", "median_response_time",
        "total_rps", "total_fail_per_sec", "response_time_percentile_0.5", "avg_content_length",
    ]  # fmt: skip
    assert (row["min_response_time"], row["max_response_time"]) == (3.0, 3.0)
    assert json.dumps(row)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "5", object()])
def test_impossible_response_times_are_refused(stats, wrong):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        stats.log_request("GET", "/a", wrong, 1)
    assert stats.num_requests == 0


def test_odd_names(stats):
    stats.log_request(None, None, 1, 1)
    stats.log_request("GET", "/\ud800", 1, 1)
    stats.log_request("GET", "", 1, 1)
    stats.log_request("GET", "/日本", 1, 1)
    assert stats.num_requests == 4 and len(stats.entries) == 4
    assert stats.entries[("/日本", "GET")].num_requests == 1
    assert stats.entries[(None, None)].num_requests == 1


class Unsayable:
    def __str__(self):
        raise RuntimeError("no")


def test_names_stay_what_they_were_given_as(stats):
    names = [None, 5, ("a", 1), b"bytes", "nul\0x", "nul", ""]
    for name in names:
        stats.log_request("T", name, 1, 1)
        stats.log_error("T", name, "boom")
    assert [key for key in stats.entries] == [(name, "T") for name in names]
    assert [(e.name, e.method) for e in stats.entries.values()] == [(name, "T") for name in names]
    assert all(stats.entries[(name, "T")].num_requests == 1 for name in names)
    assert [e.name for e in stats.errors.values()] == names
    assert list(stats.errors) == [StatsError.create_key("T", name, "boom") for name in names]
    assert [e.serialize()["name"] for e in stats.entries.values()] == [None, 5, "('a', 1)", "b'bytes'",
                                                                      "nul\0x", "nul", ""]
    assert stats.entries[("nul\0x", "T")].to_dict()["name"] == "nul\0x"
    stats.log_request(None, "n", 1, 1)
    assert stats.entries[("n", None)].method is None and ("n", "") not in stats.entries


def test_names_that_can_be_no_keys_are_counted(stats):
    for name in (["list"], Unsayable()):
        stats.log_request("T", name, 1, 1)
        stats.log_request("T", name, 1, 1)
    assert stats.entries[("['list']", "T")].num_requests == 2
    assert len(stats.entries) == 2 and stats.num_requests == 4


def test_names_can_be_changed(stats):
    """As plain attributes: the report shows it, and it is found under its key as before."""
    stats.log_request("GET", "/a", 1, 1)
    stats.log_error("GET", "/a", "boom")
    entry, error = stats.entries[("/a", "GET")], next(iter(stats.errors.values()))
    entry.name, entry.method = "/new", "PUT"
    error.name, error.method = "/other", "PATCH"
    stats.log_request("GET", "/a", 1, 1)
    stats.log_error("GET", "/a", "boom")
    assert (entry.num_requests, entry.num_failures, error.occurrences) == (2, 2, 2)
    assert list(stats.entries) == [("/a", "GET")] and len(stats.errors) == 1
    table = "\n".join(locust.stats.get_stats_summary(stats) + locust.stats.get_error_report_summary(stats))
    assert "PUT      /new" in table and "PATCH /other: boom" in table and "/a" not in table
    assert error.to_name() == "PATCH /other: boom" and entry.serialize()["name"] == "/new"
    stats.entries[("x", "GET")]     # whatever is done to the dict beside it
    del stats.entries[("x", "GET")]
    stats.log_request("GET", "/a", 1, 1)
    stats.log_request("PUT", "/new", 1, 1)
    assert entry.num_requests == 3 and stats.entries[("/new", "PUT")].num_requests == 1
    entry.name = 5
    assert entry.name == 5
    for thing, name in ((entry, "name"), (entry, "method"), (entry, "stats"), (error, "name"), (error, "method")):
        with pytest.raises(TypeError):
            delattr(thing, name)
    other = RequestStats()
    entry.stats = other
    assert entry.stats is other


def test_entries_are_found_under_the_key_they_are_put_under(stats):
    mine = StatsEntry(stats, "shown", "X")
    stats.entries[("a", "GET")] = mine
    stats.log_request("GET", "a", 1, 1)
    assert mine.num_requests == 1 and mine.name == "shown" and len(stats.entries) == 1


# --- The collection.


def test_entries_is_a_dict(stats):
    assert isinstance(stats.entries, dict)
    entry = stats.entries[("/a", "GET")]
    assert stats.get("/a", "GET") is entry
    assert ("/b", "GET") not in stats.entries and stats.entries.get(("/b", "GET")) is None
    stats.log_request("GET", "/b", 1, 1)
    assert list(stats.entries) == [("/a", "GET"), ("/b", "GET")]
    with pytest.raises(KeyError):
        stats.entries["/a"]


def test_changes_of_entries_take_effect(stats):
    for name in "abcd":
        stats.log_request("GET", name, 1, 1)
    del stats.entries[("a", "GET")]
    stats.entries.pop(("b", "GET"))
    table = "\n".join(locust.stats.get_stats_summary(stats))
    assert "GET      a" not in table and "GET      b" not in table and "GET      c" in table
    mine = StatsEntry(stats, "mine", "GET")
    stats.entries[("mine", "GET")] = mine
    stats.log_request("GET", "mine", 5, 1)
    assert mine.num_requests == 1 and stats.entries[("mine", "GET")] is mine
    stats.entries.clear()
    stats.log_request("GET", "mine", 5, 1)
    assert mine.num_requests == 1 and len(stats.entries) == 1
    with pytest.raises(TypeError):
        stats.entries[("x", "GET")] = 5


def test_entries_can_be_assigned(stats):
    entry = StatsEntry(stats, "a", "GET")
    stats.entries = {("a", "GET"): entry}
    stats.log_request("GET", "a", 1, 1)
    assert entry.num_requests == 1
    stats.total = StatsEntry(stats, "Aggregated", "")
    stats.log_request("GET", "a", 1, 1)
    assert stats.num_requests == 1 and entry.num_requests == 2


def test_dropped_dicts_no_longer_steer(stats):
    stats.log_request("GET", "a", 1, 1)
    old = stats.entries
    stats.clear_all()
    stats.log_request("GET", "b", 1, 1)
    assert list(old) == [("a", "GET")] and old[("c", "GET")].num_requests == 0
    old.clear()
    assert list(stats.entries) == [("b", "GET")] and stats.entries[("b", "GET")].num_requests == 1


def test_reset_all(stats):
    stats.log_request("GET", "a", 1, 1)
    stats.log_error("GET", "a", "boom")
    stats.history.append({})
    entry = stats.entries[("a", "GET")]
    stats.total.start_time = 5
    stats.reset_all()
    assert stats.entries == {("a", "GET"): entry} and not stats.errors and stats.history == []
    assert entry.num_requests == entry.num_failures == stats.num_requests == 0
    assert stats.start_time > 5
    stats.log_request("GET", "a", 1, 1)
    assert entry.num_requests == 1


def test_clear_all(stats):
    stats.log_request("GET", "a", 1, 1)
    stats.log_error("GET", "a", "boom")
    entry = stats.entries[("a", "GET")]
    stats.clear_all()
    assert not stats.entries and not stats.errors and stats.num_requests == 0
    assert entry.num_requests == 1  # whoever holds it still has it
    stats.log_request("GET", "a", 1, 1)
    assert stats.entries[("a", "GET")] is not entry


def test_serialize_stats_resets_entries(stats):
    stats.log_request("GET", "b", 1, 1)
    stats.log_error("GET", "a", "boom")
    stats.get("unused", "GET")
    data = stats.serialize_stats()
    assert [row["name"] for row in data] == ["b", "a"]
    assert stats.serialize_stats() == [] and stats.num_requests == 1


def test_without_cache():
    stats = RequestStats(use_response_times_cache=False)
    stats.log_request("GET", "a", 1, 1)
    assert not stats.use_response_times_cache
    assert not stats.total.use_response_times_cache
    assert stats.get("a", "GET").response_times_cache is None


def test_nothing_is_left_behind():
    stats = RequestStats()
    stats.log_request("GET", "a", 1, 1)
    stats.log_error("GET", "a", ValueError("boom"))
    entry = stats.entries[("a", "GET")]
    gone = weakref.ref(stats)
    del stats
    gc.collect()
    assert gone() is not None and entry.stats is gone()
    del entry
    gc.collect()
    assert gone() is None


# --- bucket_response_time, the documented override point.


def test_bucket_response_time():
    golden = {2.5: 2, 99.5: 100, 105: 100, 115: 120, 995: 1000, 12500: 12000, 0: 0, 999.9: 1000}
    assert {ms: locust.stats.bucket_response_time(ms) for ms in golden} == golden


def test_replaced_bucket_response_time_takes_effect_at_once(stats, monkeypatch):
    listener = _locust.stats_listener(holder(stats))
    request = {**REQUEST, "response_time": 155.0}
    listener(**request)
    monkeypatch.setattr(locust.stats, "bucket_response_time", lambda ms: int(ms) // 50 * 50)
    listener(**request)
    stats.log_request("GET", "/a", 199, 1)
    monkeypatch.undo()
    listener(**request)
    assert stats.total.response_times == {160: 2, 150: 2}


def test_bucket_response_time_that_fails(stats, monkeypatch):
    monkeypatch.setattr(locust.stats, "bucket_response_time", lambda ms: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stats.log_request("GET", "/a", 1, 1)
    monkeypatch.setattr(locust.stats, "bucket_response_time", lambda ms: None)
    with pytest.raises(TypeError):
        stats.log_request("GET", "/a", 1, 1)


# --- Errors.


def test_errors_are_grouped(stats):
    for _ in range(2):
        stats.log_error("GET", "/a", ValueError("boom"))
    stats.log_error("GET", "/b", ValueError("boom"))
    first, second = stats.errors.values()
    assert (first.method, first.name, first.occurrences) == ("GET", "/a", 2)
    assert isinstance(first.error, ValueError) and second.occurrences == 1
    assert first.first_seen <= first.last_seen <= time.time()
    assert list(stats.errors) == [
        StatsError.create_key("GET", name, "ValueError('boom')") for name in ("/a", "/b")
    ]
    assert first.to_name() == "GET /a: ValueError('boom')"


def test_error_key_is_locusts():
    assert (
        StatsError.create_key("GET", "/a", ValueError("x"))
        == "6f5f3f286164433a1a14b451b4d01e592a781b5651eb97a4030c04306ba9a43d"
    )
    assert (
        StatsError.create_key("GET", "/a", "str error")
        == "7ee3c403292c6875273ab232306d73b722426082360bf5e0d14665a9f42cf03b"
    )


def test_addresses_are_masked(stats):
    for _ in range(3):
        stats.log_error("GET", "/a", Exception(object()))
    (error,) = stats.errors.values()
    assert error.occurrences == 3
    assert error.to_dict()["error"] == "Exception(<object object at 0x....>)"
    assert StatsError.parse_error("an object at 0x7f> object at 0x7f>") == (
        "an object at 0x....> object at 0x....>"
    )
    assert StatsError.parse_error("object at 0x77") == "object at 0x77"
    assert StatsError.parse_error(None) == "None"


def test_marked_failures_are_unwrapped(stats, monkeypatch):
    class CatchResponseError(Exception):
        pass

    module = type(sys)("locust.exception")
    module.CatchResponseError = CatchResponseError
    monkeypatch.setitem(sys.modules, "locust.exception", module)
    error = StatsError("GET", "/x", CatchResponseError("bad"))
    assert error.to_name() == "GET /x: bad"
    assert StatsError("GET", "/x", "CatchResponseError('bad')").to_name() == "GET /x: 'bad'"
    stats.log_error("GET", "/x", CatchResponseError("bad"))
    assert "GET /x: bad   " in "\n".join(locust.stats.get_error_report_summary(stats))


def test_stats_error_by_itself():
    error = StatsError("GET", "/x", ValueError("boom"))
    assert (error.occurrences, error.first_seen, error.last_seen) == (0, None, None)
    error.occurred()
    error.occurrences += 5
    assert error.occurrences == 6 and error.first_seen == error.last_seen
    data = error.serialize()
    rest = ["error", "occurrences", "first_seen", "last_seen"]
    assert list(data) == ["name", "method", *rest]
    assert list(error.to_dict()) == ["method", "name", *rest]
    assert StatsError.unserialize(data).serialize() == data
    with pytest.raises(KeyError):
        StatsError.unserialize({"method": "GET"})


def test_errors_that_cannot_be_shown_are_counted(stats):
    class Sullen(Exception):
        def __repr__(self):
            raise RuntimeError("no")

    stats.log_error("GET", "/a", Sullen())
    stats.log_error("GET", "/a", Sullen())
    (error,) = stats.errors.values()
    assert error.occurrences == 2 and "Sullen" in error.to_name()


def test_changes_of_errors_take_effect(stats):
    stats.log_error("GET", "/a", "boom")
    (key,) = stats.errors
    stats.errors[key].occurrences = 10
    row = locust.stats.get_error_report_summary(stats)[3]
    assert row.startswith("10                 GET /a: boom ")
    stats.log_error("GET", "/a", "boom")
    assert stats.serialize_errors()[key]["occurrences"] == 11
    stats.errors = {}
    stats.log_error("GET", "/a", "boom")
    assert stats.errors[key].occurrences == 1
    stats.errors.clear()
    assert len(locust.stats.get_error_report_summary(stats)) == 5
    mine = StatsError("GET", "/a", "boom")
    stats.errors[key] = mine
    stats.log_error("GET", "/a", "boom")
    assert mine.occurrences == 1 and len(stats.errors) == 1


def test_errors_are_bounded(stats):
    for i in range(10_050):
        stats.log_error("GET", "/a", f"error {i}")
    assert len(stats.errors) == 10_001
    last = list(stats.errors.values())[-1]
    assert last.occurrences == 50 and "10000 different errors" in last.error
    assert stats.num_failures == 10_050


# --- The listener.


def holder(stats):
    """Something that has statistics, as a runner has."""
    return types.SimpleNamespace(stats=stats)


def test_listener(stats):
    listener = _locust.stats_listener(holder(stats))
    request = REQUEST
    listener(**request)
    listener(**{**request, "exception": ValueError("boom")})
    listener(**{**request, "response_time": None})
    entry = stats.entries[("/a", "GET")]
    assert (entry.num_requests, entry.num_failures, entry.num_none_requests) == (3, 1, 1)
    assert entry.total_content_length == 21
    (error,) = stats.errors.values()
    assert error.occurrences == 1
    with pytest.raises(AttributeError):
        _locust.stats_listener(object())(**request)


def test_listener_calls_a_subclass(monkeypatch):
    calls = []

    class Mine(RequestStats):
        def log_request(self, *args):
            calls.append(args)

        def log_error(self, *args):
            calls.append(args)

    boom = ValueError("boom")
    _locust.stats_listener(holder(Mine()))(**{**REQUEST, "exception": boom})
    assert calls == [("GET", "/a", 5.5, 7), ("GET", "/a", boom)]


FAILURE = {**REQUEST, "exception": "boom"}


def counts(stats):
    return stats.total.num_requests, stats.total.num_failures, [e.occurrences for e in stats.errors.values()]


def test_the_statistics_may_be_replaced(stats):
    has = holder(stats)
    listener = _locust.stats_listener(has)
    listener(**FAILURE)
    has.stats = RequestStats()
    listener(**REQUEST)
    assert counts(stats) == (1, 1, [1]) and counts(has.stats) == (1, 0, [])


@pytest.mark.parametrize("where", ["class", "instance"])
def test_logging_may_be_replaced_and_put_back(stats, monkeypatch, where):
    listener = _locust.stats_listener(holder(stats))
    listener(**FAILURE)
    calls = []
    target, me = (RequestStats, (stats,)) if where == "class" else (stats, ())
    for name in ("log_request", "log_error"):
        monkeypatch.setattr(target, name, lambda *args, name=name: calls.append((name, *args)), raising=False)
    listener(**FAILURE)
    assert calls == [("log_request", *me, "GET", "/a", 5.5, 7), ("log_error", *me, "GET", "/a", "boom")]
    assert counts(stats) == (1, 1, [1])
    monkeypatch.undo()
    listener(**FAILURE)
    assert counts(stats) == (2, 2, [2]) and len(calls) == 2


@pytest.mark.parametrize("direct", [False, True])
def test_logging_of_entries_may_be_replaced_and_put_back(stats, monkeypatch, direct):
    listener = _locust.stats_listener(holder(stats))

    def fail():
        if direct:
            stats.log_request("GET", "/a", 5, 7)
            stats.log_error("GET", "/a", "boom")
        else:
            listener(**{**FAILURE, "response_time": 5})

    fail()
    calls = []
    for name in ("log", "log_error"):
        native = getattr(StatsEntry, name)

        def log(self, *args, name=name, native=native):
            calls.append((name, self.name, *args))
            native(self, *args)

        monkeypatch.setattr(StatsEntry, name, log)
    fail()
    assert calls == [
        ("log", "Aggregated", 5, 7),
        ("log", "/a", 5, 7),
        ("log_error", "Aggregated", "boom"),
        ("log_error", "/a", "boom"),
    ]
    assert counts(stats) == (2, 2, [2]) and stats.get("/a", "GET").num_failures == 2
    monkeypatch.setattr(StatsEntry, "log", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fail()
    monkeypatch.undo()
    fail()
    assert counts(stats) == (3, 3, [3]) and len(calls) == 4


# --- Python code that runs in the middle, set off by the collector.


class Trap:
    """Garbage that empties the statistics as soon as it is collected."""

    def __init__(self, empty):
        self.empty, self.me = empty, self

    def __del__(self):
        self.empty()


@pytest.mark.parametrize("what", ["clear_all", "reset_all"])
def test_emptied_while_something_new_is_logged(stats, what):
    """Every allocation sets off the collector once, at one place after the other."""
    old = gc.get_threshold()
    gc.disable()
    gc.freeze()  # what is there already would make each collection slow
    try:
        for i in range(300):
            Trap(getattr(stats, what))
            name, error = f"/{i}", KeyError(i)
            gc.set_threshold(gc.get_count()[0] + i % 30 + 1)
            gc.enable()
            if i % 2:
                stats.log_error("GET", name, error)
            else:
                stats.log_request("GET", name, 5, 7)
            gc.disable()
            gc.collect()
            stats.log_error("GET", name, error)
            entry = stats.entries[name, "GET"]
            assert entry.name == name and entry.num_failures >= 1
            assert [e.error for e in stats.errors.values() if e.name == name] == [error]
            assert stats.serialize_stats()
    finally:
        gc.unfreeze()
        gc.set_threshold(*old)
        gc.enable()


def test_a_listener_that_gets_no_numbers(stats):
    """The exception is that of the first number, and nothing runs on top of it."""
    listener = _locust.stats_listener(holder(stats))
    calls = []

    class Length:
        def __int__(self):
            calls.append(1)
            return 7

        __index__ = __int__

    class Unsure(Exception):
        def __bool__(self):
            raise KeyError("neither")

    with pytest.raises(TypeError, match="must be real number, not str"):
        listener(**{**REQUEST, "response_time": "5", "response_length": Length()})
    assert calls == [1]
    with pytest.raises(TypeError, match="response_length must be a number, not str"):
        listener(**{**REQUEST, "response_length": "five and a half", "start_time": "now"})
    with pytest.raises(TypeError, match="must be real number, not str"):
        listener(**{**REQUEST, "start_time": "now"})
    with pytest.raises(KeyError, match="neither"):
        listener(**{**REQUEST, "exception": Unsure(), "start_time": 5.0})
    with pytest.raises(OverflowError):
        listener(**{**REQUEST, "response_time": float("inf"), "response_length": None})
    with pytest.raises(TypeError, match="not NoneType"):
        listener(**{**REQUEST, "response_length": None})
    total = stats.total
    assert (total.num_requests, total.num_none_requests, total.num_failures) == (6, 2, 0), "none is lost"
    assert total.total_content_length == 3 * 7
    listener(**{**REQUEST, "response_length": Length(), "start_time": 5})
    listener(**{**REQUEST, "response_length": 1.5})
    assert (total.num_requests, total.total_content_length) == (8, 4 * 7 + 1)
    listener(**{**REQUEST, "response_length": 1 << 70})
    assert total.total_content_length == (1 << 63) - 1
    entry = stats.entries[("/a", "GET")]
    assert (entry.num_requests, entry.num_none_requests) == (9, 2)


def test_what_must_not_wait_ends_the_listener(stats):
    class Never:
        def __float__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _locust.stats_listener(stats)(**{**REQUEST, "response_time": Never()})
    assert stats.num_requests == 0


# --- What only breaks the rules.


def test_dicts_without_statistics():
    bare = locust.stats.EntriesDict.__new__(locust.stats.EntriesDict)
    with pytest.raises(TypeError, match="expected RequestStats"):
        bare[("a", "b")]
    bare.clear()
    assert bare == {}


@pytest.mark.parametrize("name", ["reset_all", "serialize_stats"])
def test_what_is_smuggled_in_is_refused(stats, name):
    stats.log_request("GET", "/a", 1, 1)
    dict.__setitem__(stats.entries, ("b", "GET"), 5)
    with pytest.raises(TypeError, match="'b', 'GET'"):
        getattr(stats, name)()
    assert stats.num_requests == 1 and stats.entries[("/a", "GET")].num_requests == 1
