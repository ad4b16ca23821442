"""Runners, dispatchers and single users behave here as with another Locust."""

import json
import pathlib

import both
import pytest

DIRECTORY = pathlib.Path(__file__).parent
pytestmark = both.needs_reference


def expect_same(script, least):
    path = DIRECTORY / script
    theirs = json.loads(both.output(path, python=both.REFERENCE))
    ours = json.loads(both.output(path))
    assert len(theirs) >= least and ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name] == theirs[name], name


def test_dispatchers():
    expect_same("differential_dispatch.py", 600)


def test_runners():
    expect_same("differential_runner.py", 38)


@pytest.mark.parametrize(
    "arguments",
    [
        ["{}"],
        ["{}", "--host", "http://host"],
        ["{'include_length': True, 'include_context': True}"],
        ["{'include_time': True, 'loglevel': None}"],
    ],
)
def test_single_user(arguments):
    path = DIRECTORY / "differential_single.py"
    assert both.output(path, *arguments) == both.output(path, *arguments, python=both.REFERENCE)
