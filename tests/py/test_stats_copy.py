"""Statistics can be copied and pickled, as any Python object."""
import copy
import pickle
from collections import Counter

import pytest

from locust.stats import EntriesDict, RequestStats, StatsEntry, StatsError

WAYS = [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]


@pytest.fixture
def stats():
    stats = RequestStats()
    stats.log_request("GET", "/a", 5.5, 10)
    stats.log_request("GET", "/a", None, 10)
    stats.log_request(None, ("b", 1), 7, 10)
    stats.log_error("GET", "/a", "boom")
    stats.log_error("GET", "/a", ValueError("no"))
    stats.entries[("/a", "GET")].mine = [1]
    stats.history.append({"time": 1})
    stats.mine = {"x": 1}
    return stats


def figures(entry):
    return entry.serialize(), entry.name, entry.method, entry.use_response_times_cache, entry.response_times_cache


@pytest.fixture(params=WAYS, ids=["deepcopy", "pickle"])
def again(request):
    return request.param


def test_an_entry(stats, again):
    entry = stats.entries[("/a", "GET")]
    other = again(entry)
    assert type(other) is StatsEntry and other is not entry and figures(other) == figures(entry)
    assert other.mine == [1] and other.mine is not entry.mine
    assert other.stats is not stats and other.stats.entries[("/a", "GET")] is other
    other.log(1, 1)
    assert (entry.num_requests, other.num_requests) == (2, 3)
    other.stats.log_request("GET", "/a", 1, 1)
    assert (entry.num_requests, other.num_requests, stats.num_requests) == (2, 4, 3)


def test_the_total(stats, again):
    other = again(stats.total)
    assert figures(other) == figures(stats.total) and other.stats.total is other
    other.stats.log_request("GET", "/a", 1, 1)
    assert (stats.num_requests, other.num_requests, other.stats.num_requests) == (3, 4, 4)


def test_a_shallow_copy_of_an_entry(stats):
    entry = stats.entries[("/a", "GET")]
    other = copy.copy(entry)
    assert figures(other) == figures(entry) and other.stats is stats and other.mine is entry.mine
    stats.log_request("GET", "/a", 1, 1)
    assert (entry.num_requests, other.num_requests) == (3, 2)


def test_statistics(stats, again):
    other = again(stats)
    assert list(other.entries) == list(stats.entries) == [("/a", "GET"), (("b", 1), None)]
    for key, entry in stats.entries.items():
        assert figures(other.entries[key]) == figures(entry)
        assert other.entries[key].stats is other
    assert figures(other.total) == figures(stats.total)
    assert list(other.errors) == list(stats.errors)
    assert [repr(e.error) for e in other.errors.values()] == ["'boom'", "ValueError('no')"]
    assert other.history == stats.history and other.history is not stats.history
    assert other.mine == {"x": 1} and other.mine is not stats.mine
    other.log_request("GET", "/a", 1, 1)
    other.log_error("GET", "/a", "boom")
    assert (stats.num_requests, other.num_requests, other.total.num_requests) == (3, 4, 4)
    assert [e.occurrences for e in other.errors.values()] == [2, 1]
    assert [e.occurrences for e in stats.errors.values()] == [1, 1]


def test_a_shallow_copy_of_statistics_shares_nothing(stats):
    other = copy.copy(stats)
    other.log_request("GET", "/a", 1, 1)
    assert (stats.num_requests, other.num_requests) == (3, 4)
    assert other.entries[("/a", "GET")] is not stats.entries[("/a", "GET")]


def test_dicts(stats, again):
    entries = again(stats.entries)
    assert type(entries) is EntriesDict and list(entries) == list(stats.entries)
    assert entries[("/a", "GET")].num_requests == 2 and entries[("new", "GET")].num_requests == 0
    assert ("new", "GET") not in stats.entries
    errors = again(stats.errors)
    assert [e.occurrences for e in errors.values()] == [1, 1]
    assert list(copy.copy(stats.entries)) == list(stats.entries)


def test_an_error(again):
    error = StatsError("GET", "/a", KeyError("x"), 3, 1.5, 2.5)
    error.mine = 1
    other = again(error)
    assert other.to_dict() == error.to_dict() and repr(other.error) == "KeyError('x')"
    assert other.mine == 1 and other is not error


class Mine(StatsEntry):
    kind = "mine"


def test_subclasses(stats, again):
    mine = Mine(stats, "m", "GET")
    mine.log(5, 5)
    other = again(mine)
    assert type(other) is Mine and other.num_requests == 1


def test_vars_are_what_was_added(stats):
    assert vars(stats) == {"mine": {"x": 1}}
    assert vars(stats.entries[("/a", "GET")]) == {"mine": [1]}
    assert vars(StatsError("a", "b", "c")) == {}
    assert {t.__module__ for t in (RequestStats, StatsEntry, StatsError, EntriesDict)} == {"locust.stats"}


@pytest.mark.parametrize("thing", [StatsEntry, StatsError, RequestStats], ids=lambda t: t.__name__)
@pytest.mark.parametrize("state", [None, (), (1,) * 6, (None,) * 7, [1], (None, [1], [2], None, None, {})])
def test_states_that_are_none(stats, thing, state):
    new = thing.__new__(thing)
    with pytest.raises((TypeError, ValueError, SystemError)):
        new.__setstate__(state)


def test_many_copies_leave_nothing_behind(stats):
    import gc
    gc.collect()
    before = Counter(type(o).__name__ for o in gc.get_objects())
    for way in WAYS:
        for _ in range(20):
            way(stats)
    gc.collect()
    after = Counter(type(o).__name__ for o in gc.get_objects())
    for name in ("StatsEntry", "StatsError", "RequestStats", "EntriesDict"):
        assert after[name] == before[name]
