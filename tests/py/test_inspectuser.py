"""How often classes and tasks are run, computed and printed."""

import json

import pytest

from locust import TaskSet, User, task
from locust.user import inspectuser
from locust.user.inspectuser import get_ratio, print_task_ratio, print_task_ratio_json


class Inner(TaskSet):
    @task(3)
    def often(self):
        pass

    @task
    def seldom(self):
        pass


class First(User):
    weight = 2
    tasks = [Inner]

    @task
    def plain(self):
        pass


class Second(User):
    @task
    def only(self):
        pass


CLASSES = [First, Second]
INNER = {"often": {"ratio": 0.75}, "seldom": {"ratio": 0.25}}


def test_ratio_per_class():
    assert get_ratio(CLASSES, {"First": 3, "Second": 1}, False) == {
        "First": {"ratio": 0.75, "tasks": {"Inner": {"ratio": 0.5, "tasks": INNER}, "plain": {"ratio": 0.5}}},
        "Second": {"ratio": 0.25, "tasks": {"only": {"ratio": 1.0}}},
    }


def test_ratio_of_all():
    first = get_ratio(CLASSES, {"First": 1, "Second": 1}, True)["First"]
    assert first == {
        "ratio": 0.5,
        "tasks": {
            "Inner": {"ratio": 0.25, "tasks": {"often": {"ratio": 0.1875}, "seldom": {"ratio": 0.0625}}},
            "plain": {"ratio": 0.25},
        },
    }


def test_no_users_at_all():
    assert get_ratio([Second], {}, True) == {"Second": {"ratio": 0, "tasks": {"only": {"ratio": 0}}}}


@pytest.mark.parametrize(
    "fixed, num_users, counts",
    [
        (0, None, {"First": 2, "Second": 1}),
        (0, 10, {"First": 7, "Second": 3}),
        (4, 10, {"First": 6, "Second": 4}),
        (4, 3, {"First": 0, "Second": 4}),
        (4, 0, {"First": 0, "Second": 4}),
    ],
)
def test_distribution(monkeypatch, fixed, num_users, counts):
    monkeypatch.setattr(Second, "fixed_count", fixed)
    assert inspectuser._calc_distribution(CLASSES, num_users) == counts


def test_the_table(capsys):
    print_task_ratio(CLASSES, 3, False)
    expected = """\
 66.7       First
   50.0       Inner
     75.0       often
     25.0       seldom
   50.0       plain
 33.3       Second
   100.0      only
"""
    printed = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in printed] == expected.splitlines()
    assert len(printed[0]) == 62


def test_the_json(capsys):
    print_task_ratio_json(CLASSES, 3)
    text = capsys.readouterr().out
    both = json.loads(text)
    counts = {"First": 2, "Second": 1}
    assert both == {"per_class": get_ratio(CLASSES, counts, False), "total": get_ratio(CLASSES, counts, True)}
    assert text.startswith('{\n    "per_class": {\n        "First": {\n')
