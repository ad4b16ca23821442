"""UsersDispatcher: golden distributions, the pace of a ramp, its iterator protocol."""

import itertools
import time
from collections.abc import Iterator

import _locust
import pytest

from locust.dispatch import UsersDispatcher, _kl_generator


class Node:
    def __init__(self, id):
        self.id = id


def nodes(*ids):
    return [Node(i) for i in ids]


def classes(**weights):
    """A=1 is a weight, F=(2,) a fixed count."""
    made = []
    for name, value in weights.items():
        fixed = value[0] if isinstance(value, tuple) else 0
        made.append(type(name, (), {"weight": 1 if fixed else value, "fixed_count": fixed}))
    return made


def ramp(dispatcher, target, rate, user_classes=None):
    dispatcher.new_dispatch(target, rate, user_classes)
    dispatcher._wait_between_dispatch = 0
    return list(dispatcher)


def lean(distribution):
    """Without the zeros, as one string."""
    return " | ".join(
        worker + "".join(f" {name}{n}" for name, n in counts.items() if n)
        for worker, counts in distribution.items()
    )


def test_up_down_and_again():
    d = UsersDispatcher(nodes("w1", "w2", "w3"), classes(C=1, A=1, B=1))
    up = [lean(x) for x in ramp(d, 9, 3)]
    assert up == [f"w1 A{i} | w2 B{i} | w3 C{i}" for i in (1, 2, 3)]
    assert [lean(x) for x in ramp(d, 4, 3)] == [
        "w1 A2 | w2 B2 | w3 C2",
        "w1 A2 | w2 B1 | w3 C1",
    ]
    assert [lean(x) for x in ramp(d, 4, 3)] == ["w1 A2 | w2 B1 | w3 C1"]
    assert d.get_current_user_count() == 4
    assert d._get_user_current_count("A") == 2


def test_hosts_take_turns():
    d = UsersDispatcher(nodes("h1_b", "h1_a", "h2_c"), classes(A=1, B=1))
    steps = [lean(x) for x in ramp(d, 4, 1.5)]
    assert steps == [
        "h1_a A1 | h2_c | h1_b",
        "h1_a A1 | h2_c B1 | h1_b",
        "h1_a A1 | h2_c B1 | h1_b A1",
        "h1_a A1 B1 | h2_c B1 | h1_b A1",
    ]
    assert [node._index_within_host for node in nodes_with_index("h1_b", "h1_a", "h2_c")] == [1, 0, 0]


def nodes_with_index(*ids):
    all_nodes = nodes(*ids)
    UsersDispatcher(all_nodes, classes(A=1))
    return all_nodes


def test_two_workers_and_two_classes():
    d = UsersDispatcher(nodes("w1", "w2"), classes(Alpha=1, Beta=1))
    assert [lean(x) for x in ramp(d, 6, 2)] == [f"w1 Alpha{i} | w2 Beta{i}" for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("weights", "sequence"),
    [
        ({"A": 5, "B": 1}, "AABAAAAABAAAAABAAA"),
        ({"A": 1, "B": 1, "C": 1}, "ABCABCABC"),
        ({"A": 1, "B": 2, "C": 3}, "CBACBCCBACBCCBACBC"),
        ({"A": 3, "B": 1}, "ABAAABAAABAA"),
        ({"A": 1, "B": 10}, "BBBBABBBBBBBBBBBABBBBBBB"),
        ({"A": 0.5, "B": 1}, "BABBABBABBAB"),
    ],
)
def test_sequences(weights, sequence):
    for order in itertools.permutations(weights.items()):
        assert "".join(itertools.islice(_kl_generator(users=iter(order)), len(sequence))) == sequence
    d = UsersDispatcher(nodes("w"), classes(**weights))
    for place, name in enumerate(sequence):
        before = {n: d._get_user_current_count(n) for n in weights}
        ramp(d, place + 1, 1)
        assert [n for n in weights if d._get_user_current_count(user=n) > before[n]] == [name]


def test_nothing_to_choose():
    for pairs in ([], [("A", 0), ("B", -1)]):
        assert list(itertools.islice(_kl_generator(pairs), 3)) == [None] * 3
    for wrong in (5, [5], [("A",)], [("A", "x")], [("A", 1), (2, 1)]):
        with pytest.raises(TypeError):
            _kl_generator(wrong)


def test_as_if_from_zero():
    d = UsersDispatcher(nodes("w1", "w2"), classes(A=1, B=1, F=(1,)))
    ramp(d, 2, 10)
    counts, users, workers, active = d._distribute_users(target_user_count=4)
    assert counts == {"w1": {"A": 0, "B": 1, "F": 1}, "w2": {"A": 2, "B": 0, "F": 0}}
    assert [(node.id, name) for node, name in active] == [("w1", "F"), ("w2", "A"), ("w1", "B"), ("w2", "A")]
    assert "".join(itertools.islice(users, 4)) == "BABA" and next(workers).id == "w1"
    assert d.get_current_user_count() == 2
    d = UsersDispatcher(nodes("w"), classes(F=(2,)))
    counts, users, workers, active = d._distribute_users(5)
    assert counts == {"w": {"F": 2}} and len(active) == 2 and next(users) is None


def test_fixed_counts():
    d = UsersDispatcher(nodes("w1", "w2"), classes(A=1, F=(2,)))
    assert [lean(x) for x in ramp(d, 5, 2)] == [
        "w1 F1 | w2 F1",
        "w1 A1 F1 | w2 A1 F1",
        "w1 A2 F1 | w2 A1 F1",
    ]
    d = UsersDispatcher(nodes("w"), classes(F=(2,), G=(3,)))
    assert [lean(x) for x in ramp(d, 10, 4)] == ["w F2 G2", "w F2 G3"]
    assert not d.dispatch_in_progress


def test_workers_come_and_go():
    d = UsersDispatcher(nodes("w1", "w2"), classes(A=1, B=1, C=1))
    d.new_dispatch(9, 3)
    d._wait_between_dispatch = 0
    assert lean(next(d)) == "w1 A1 C1 | w2 B1"
    d.add_worker(Node("w3"))
    assert [lean(x) for x in d] == [f"w1 A{i} | w2 B{i} | w3 C{i}" for i in (1, 2, 3)]
    d.remove_worker(Node("w1"))
    d.new_dispatch(9, 3)
    assert lean(next(d)) == "w2 A2 B1 C2 | w3 A1 B2 C1"


def test_restricted_classes():
    a, b, c = classes(A=1, B=1, C=1)
    d = UsersDispatcher(nodes("w"), [a, b, c])
    assert lean(ramp(d, 3, 10)[-1]) == "w A1 B1 C1"
    assert lean(ramp(d, 7, 10, [b])[-1]) == "w A1 B5 C1"
    with pytest.raises(ValueError):
        d.new_dispatch(8, 10, classes(X=1))


def test_values_are_copies():
    d = UsersDispatcher(nodes("w"), classes(A=1))
    d.new_dispatch(3, 1)
    d._wait_between_dispatch = 0
    next(d)["w"]["A"] = 99
    assert next(d) == {"w": {"A": 2}}


@pytest.mark.parametrize(
    "rate, target, seconds", [(0.5, 1, 0), (2, 2, 0), (2, 4, 1), (1.5, 2, 2 / 3), (20, 60, 2)]
)
def test_pace(rate, target, seconds):
    d = UsersDispatcher(nodes("w"), classes(A=1))
    d.new_dispatch(target, rate)
    start = time.perf_counter()
    for _ in d:
        time.sleep(0.02)  # the caller's work is part of the pause
    took = time.perf_counter() - start - 0.02
    assert took == pytest.approx(seconds, abs=0.05)


def test_durations_exclude_the_pause():
    d = UsersDispatcher(nodes("w"), classes(A=1))
    d.new_dispatch(3, 10)
    list(d)
    assert len(d.dispatch_iteration_durations) == 1
    assert d.dispatch_iteration_durations[0] < 0.05


def test_progress_flag():
    d = UsersDispatcher(nodes("w"), classes(A=1))
    assert not d.dispatch_in_progress
    d.new_dispatch(2, 1)
    d._wait_between_dispatch = 0
    next(d)
    assert d.dispatch_in_progress
    list(d)
    assert not d.dispatch_in_progress


def test_subclass():
    class Mine(UsersDispatcher):
        def __next__(self):
            self.seen = getattr(self, "seen", 0) + 1
            return super().__next__()

    d = Mine(worker_nodes=nodes("w"), user_classes=classes(A=1))
    assert isinstance(d, Iterator) and iter(d) is d
    d.new_dispatch(target_user_count=2, spawn_rate=2)
    assert list(d) == [{"w": {"A": 2}}]
    assert d.seen == 2


def test_what_is_refused():
    with pytest.raises(AssertionError):
        UsersDispatcher(nodes("w"), [])
    (a,) = classes(A=1)
    with pytest.raises(AssertionError):
        UsersDispatcher(nodes("w"), [a, a])
    with pytest.raises(AttributeError):
        UsersDispatcher([object()], [a])
    d = UsersDispatcher(nodes("w"), [a])
    for rate in (0, -1, float("nan")):
        with pytest.raises(ValueError):
            d.new_dispatch(1, rate)
    with pytest.raises(RuntimeError):
        UsersDispatcher.__new__(UsersDispatcher).new_dispatch(1, 1)


def test_a_second_init_that_fails_changes_nothing():
    d = UsersDispatcher(nodes("w"), classes(A=1))
    (b,) = classes(B=1)
    with pytest.raises(AssertionError):
        d.__init__(nodes(*(f"w{i}" for i in range(40))), [b, b])
    with pytest.raises(AttributeError):
        d.__init__(nodes("v"), [object()])
    assert ramp(d, 2, 2) == [{"w": {"A": 2}}]
    d.__init__(nodes("v"), [b])
    assert ramp(d, 1, 1) == [{"v": {"B": 1}}]


def test_rates_so_low_that_the_pause_is_no_number_of_nanoseconds():
    for rate in (1e-11, 1e-300, 5e-324):
        d = UsersDispatcher(nodes("w"), classes(A=1))
        d.new_dispatch(3, rate)
        assert next(d) == {"w": {"A": 1}}
        with _locust.Timeout(0.05), pytest.raises(_locust.Timeout):
            next(d)


def test_a_negative_target_is_none():
    d = UsersDispatcher(nodes("w"), classes(A=1))
    assert ramp(d, -3, 1) == [{"w": {"A": 0}}]


def test_many_users_are_placed_at_once():
    """With anything quadratic in it this would take minutes, more than a test has."""
    d = UsersDispatcher(nodes("w"), classes(A=1, B=2, C=3))
    d.new_dispatch(100_000, 100_000)
    assert next(d) == {"w": {"A": 16_667, "B": 33_333, "C": 50_000}}
