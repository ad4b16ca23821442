"""The maps of a StatsEntry: dicts that show what C counts, and may be changed."""

import copy
import gc
import json
import pickle
import weakref
from collections import OrderedDict, defaultdict

import pytest

import locust.stats
from locust.stats import CachedResponseTimes, RequestStats, StatsEntry


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""

    class Clock:
        now = 1000.5

    monkeypatch.setattr("time.time", lambda: Clock.now)
    return Clock


@pytest.fixture
def entry(clock):
    return StatsEntry(RequestStats(), "/", "GET", use_response_times_cache=True)


def test_they_are_dicts(entry):
    entry.log(5, 1)
    entry.log_error("boom")
    for counts in (entry.response_times, entry.num_reqs_per_sec, entry.num_fail_per_sec):
        assert isinstance(counts, defaultdict) and len(counts) == 1 and counts
        assert list(counts.values()) == [1] and list(counts.items()) == [*zip(counts, [1])]
    assert isinstance(entry.response_times_cache, OrderedDict)
    assert repr(entry.response_times) == "defaultdict(<class 'int'>, {5: 1})"
    assert json.dumps(entry.response_times) == '{"5": 1}'
    assert dict(entry.response_times) == {**entry.response_times} == {5: 1}
    assert list(reversed(entry.response_times)) == [5] and 5 in entry.response_times
    assert entry.response_times | {6: 2} == {5: 1, 6: 2} == {6: 2} | entry.response_times
    assert entry.response_times.get(7) is None and 7 not in entry.response_times


def test_they_follow(entry, clock):
    times, seconds, cache = entry.response_times, entry.num_reqs_per_sec, entry.response_times_cache
    assert entry.response_times is times
    entry.log(5, 1)
    clock.now = 1001.5
    entry.log(15, 1)
    assert times == {5: 1, 15: 1} and seconds == {1000: 1, 1001: 1}
    assert times[15] == 1 and len(seconds) == 2 and [*times] == [5, 15]
    assert cache == {1000: CachedResponseTimes({5: 1}, 1, 0)}
    entry.log(5, 1)
    assert times.get(5) == 2 and sorted(times.items()) == [(5, 2), (15, 1)]
    assert repr(times) == "defaultdict(<class 'int'>, {5: 2, 15: 1})"


def test_counts_can_change_while_one_iterates(entry):
    entry.log(5, 1)
    entry.log(15, 1)
    seen = []
    for bucket in entry.response_times:
        entry.log(5, 1)
        seen.append((bucket, entry.response_times[5]))
    assert seen == [(5, 2), (15, 3)]


def test_changes_take_effect(entry):
    entry.log(5, 1)
    entry.response_times[100] += 3
    assert entry.response_times == {5: 1, 100: 3}
    entry.num_requests = 4
    assert entry.get_response_time_percentile(0.9) == 100
    assert entry.get_exact_response_time_percentile(0.6) == 5  # the greatest that was logged
    del entry.response_times[100]
    assert entry.get_response_time_percentile(1.0) == 5
    entry.response_times.update({7: 1, 9: 1})
    entry.response_times |= {11: 1}
    assert entry.response_times.pop(5) == 1 and entry.response_times.popitem() == (11, 1)
    assert entry.response_times.setdefault(13, 6) == 6
    assert entry.serialize()["response_times"] == {7: 1, 9: 1, 13: 6}
    assert entry.response_times[99] == 0 and 99 in entry.response_times  # as a defaultdict does
    entry.response_times.clear()
    assert entry.get_response_time_percentile(1.0) == 0


def test_seconds_can_be_changed(entry):
    stats = entry.stats
    stats.total.start_time, stats.total.last_request_timestamp = 1000, 1020
    for second in range(1000, 1021):
        entry.num_reqs_per_sec[second] = 5
        entry.num_fail_per_sec[second] += 1
    assert entry.current_rps == 5 and entry.current_fail_per_sec == 1
    assert entry.num_reqs_per_sec == dict.fromkeys(range(1000, 1021), 5)
    entry.num_reqs_per_sec.clear()
    assert entry.current_rps == 0 and entry.current_fail_per_sec == 1


@pytest.mark.parametrize("wrong", [{"x": 1}, {1: "x"}, {1: -1}, {1: 1.5}])
def test_wrong_changes_are_refused(entry, wrong):
    entry.log(5, 1)
    for name in ("response_times", "num_reqs_per_sec"):
        before = dict(getattr(entry, name))
        with pytest.raises((TypeError, ValueError, OverflowError)):
            getattr(entry, name).update(wrong)
        assert getattr(entry, name) == before
        with pytest.raises((TypeError, ValueError, OverflowError)):
            setattr(entry, name, wrong)
        assert getattr(entry, name) == before
    with pytest.raises(TypeError):
        del entry.response_times
    with pytest.raises((AttributeError, TypeError)):
        entry.response_times_cache[5] = wrong


def test_a_reset_leaves_them_behind(entry):
    stats = entry.stats
    stats.log_request("GET", "/a", 7, 1)
    total = stats.total.response_times
    entry.log(5, 1)
    before = entry.response_times
    entry.reset()
    entry.log(6, 1)
    assert before == {5: 1} and entry.response_times == {6: 1}
    before[8] = 1
    assert entry.response_times == {6: 1}
    mine = entry.response_times
    entry.response_times = {1: 1}
    assert mine == {6: 1} and entry.response_times == {1: 1}
    other = stats.get("/a", "GET").response_times
    stats.reset_all()
    assert total == other == {7: 1} and stats.total.response_times == {}


def test_a_map_can_be_given_to_another_entry(entry):
    other = StatsEntry(entry.stats, "/b", "GET")
    other.log(5, 1)
    entry.response_times = other.response_times
    entry.response_times = entry.response_times
    other.log(6, 1)
    assert entry.response_times == {5: 1} and other.response_times == {5: 1, 6: 1}


def test_copies_are_ordinary(entry):
    entry.log(5, 1)
    for view in (entry.response_times, entry.response_times_cache):
        for made in (view.copy(), copy.copy(view), copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
            assert made == view and type(made) in (defaultdict, OrderedDict)
    made = entry.response_times.copy()
    made[6] = 1
    assert entry.response_times == {5: 1}
    with pytest.raises(TypeError):
        type(entry.response_times)()
    with pytest.raises(TypeError):
        hash(entry.response_times)


def test_views_are_collected(entry):
    entry.log(5, 1)
    view = entry.response_times_cache  # an OrderedDict can be referred to weakly
    view.me = view
    gone = weakref.ref(view)
    del view
    gc.collect()
    assert gone() is None
    entry.me = entry.response_times
    gone = weakref.ref(entry)
    del entry.me
    assert gone() is entry


# --- The cache.


def test_snapshots_are_taken_when_a_second_begins(entry, clock):
    assert entry.response_times_cache == {1000: CachedResponseTimes({}, 0, 0)}
    entry.log(11, 1)
    clock.now = 1003.25
    entry.log(666, 1)
    entry.log(None, 1)
    assert list(entry.response_times_cache) == [1000, 1002]
    assert entry.response_times_cache[1002] == CachedResponseTimes({11: 1}, 1, 0)


def test_the_cache_can_be_written(entry, clock):
    for second in range(970, 998):
        entry.response_times_cache[second] = CachedResponseTimes({5: 1}, second, 0)
    assert len(entry.response_times_cache) == 29
    entry.log(17, 1)
    clock.now = 1001.5
    entry.log(1, 1)
    assert len(entry.response_times_cache) == 20
    newest = entry.response_times_cache.popitem(last=True)
    assert newest == (1000, CachedResponseTimes({17: 1}, 1, 0))
    assert entry.response_times_cache[997] == CachedResponseTimes({5: 1}, 997, 0)
    entry.response_times_cache.move_to_end(990)
    assert list(entry.response_times_cache)[-1] == 990
    assert entry.response_times_cache.pop(970, None) is None
    entry.response_times_cache = OrderedDict()
    assert entry.response_times_cache == {}
    entry.response_times_cache = None
    assert entry.response_times_cache == {}
    entry._cache_response_times(5)
    assert entry.response_times_cache == {5: CachedResponseTimes({1: 1, 17: 1}, 2, 0)}


def test_current_percentile_of_written_figures(entry, clock):
    entry.response_times_cache[990] = CachedResponseTimes(dict.fromkeys(range(100), 1), 200, 0)
    entry.response_times = dict.fromkeys(range(100), 2)
    entry.response_times[1] = 202
    entry.num_requests = 300
    # 100 more than then; one of each bucket and 200 of the second: 99 is the 100th part.
    assert entry.get_current_response_time_percentile(0.95) == 95
    entry.response_times_cache = {}
    assert entry.get_current_response_time_percentile(0.95) is None


def test_the_window_decides_how_much_is_kept(clock, monkeypatch):
    monkeypatch.setattr(locust.stats, "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW", 2)
    stats = RequestStats()
    for second in range(1000, 1040):
        clock.now = second + 0.5
        stats.log_request("GET", "/", 5, 1)
    assert len(stats.total.response_times_cache) == 12
    assert len(stats.get("/", "GET").response_times_cache) == 12
    monkeypatch.setattr(locust.stats, "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW", 4000)
    with pytest.raises(ValueError, match="CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW is 4000"):
        stats.total.get_current_response_time_percentile(0.5)


# --- The clock.


def test_a_replaced_clock_counts(clock):
    stats = RequestStats()
    assert stats.start_time == 1000.5
    clock.now = 1005.25
    stats.log_request("GET", "/", 5.5, 1)
    stats.log_error("GET", "/", "boom")
    assert stats.last_request_timestamp == 1005.25 and stats.total.num_reqs_per_sec == {1005: 1}
    (error,) = stats.errors.values()
    assert (error.first_seen, error.last_seen) == (1005.25, 1005.25)
    clock.now = 1007
    stats.reset_all()
    assert stats.start_time == stats.get("/", "GET").start_time == 1007
    clock.now = 1008
    stats.clear_all()
    assert stats.start_time == 1008 and stats.get("/new", "GET").start_time == 1008


def test_a_broken_clock_is_reported(monkeypatch):
    stats = RequestStats()
    monkeypatch.setattr("time.time", lambda: 1 / 0)
    for call in (
        lambda: stats.log_request("GET", "/", 1, 1),
        lambda: stats.log_error("GET", "/", "boom"),
        lambda: stats.get("/", "GET"),
        stats.reset_all,
        stats.clear_all,
        stats.total.reset,
        RequestStats,
    ):
        with pytest.raises(ZeroDivisionError):
            call()


# --- Numbers are shown as they came.


def test_integers_stay_integers(entry):
    for ms in (5, 127):
        entry.log(ms, 1)
    exact = [entry.min_response_time, entry.max_response_time, entry.total_response_time]
    assert exact == [5, 127, 132] and {type(ms) for ms in exact} == {int}
    entry.log(7.0, 1)
    exact = [entry.min_response_time, entry.max_response_time, entry.total_response_time]
    assert exact == [5, 127, 139] and {type(ms) for ms in exact} == {float}
    entry.reset()
    entry.total_response_time = 10
    assert type(entry.total_response_time) is int
    entry.max_response_time = 10.0
    assert type(entry.total_response_time) is float
