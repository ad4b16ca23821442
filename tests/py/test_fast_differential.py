"""FastHttpSession does what Locust's does: the same on the wire, in replies, in request events.

fast_calls.json has what came of each call of fast_calls.py here, and what came of it there where that differs. With
LOCUST_REF_PYTHON and BUILDDIR set, `PYTHONPATH=build/python python3 tests/py/test_fast_differential.py` writes it.
"""

import json
from pathlib import Path

import fast_calls
import pytest
import reference
from both import REFERENCE, needs_reference, output
from serving import Server

FILE = Path(__file__).with_name("fast_calls.json")

# Where we differ, and why. Newer: than geventhttpclient 2.3, whose behaviour this is.
KNOWN = {
    "bytearray": "is sent, instead of an AttributeError",
    "empty text": "request.payload is None when nothing was sent",
    "empty form": "request.payload is None when nothing was sent",
    "generator": "request.payload is None for what was read while it was sent",
    "file": "request.payload is None for what was read while it was sent",
    "secure cookie": "newer versions do not send it over http",
    "head of gzip": "there is no body to be decoded",
    "POST 301": "newer versions turn it into GET",
    "PUT 301": "newer versions turn it into GET",
    "no redirects allowed": "newer versions return the redirect",
    "max_redirects of a call": "the text has the limit that was in force",
    "max_retries of a call": "the text has the number that was in force",
    "to a relative path": "newer versions replace the last part of the path",
    "bad chunk": "the header came before it; the text is libcurl's",
    "garbage": "the text is what came",
    "bad status line": "the text is libcurl's",
    "bad gzip": "content is empty; there it raises the same once more",
    "204 with a body": "what comes after a reply is not part of it",
}

# What Locust 2.47 changed: "there" is as it has it.
SINCE_2_47 = {
    "space",
    "umlaut",
    "escapes",
    "brackets",
    "request name",
    "secure cookie",
    "cookies of another path",
    "stream",
    "stream of a failure",
    "not followed",
    "not followed, then followed",
    "to a space",
    "bad chunk",
    "garbage",
    "bad status line",
    "204 with a body",
    "lines",
}


def expected():
    return json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def server():
    with Server("hostile-server") as server:
        yield server


@pytest.fixture(scope="module")
def theirs():
    with Server("hostile-server") as server:
        return json.loads(output(fast_calls.__file__, server.url, python=REFERENCE))


def test_a_kept_connection_may_break_often(server):
    """libcurl counts how often it has sent anew, over all requests of a handle."""
    for _ in range(20):
        events = fast_calls.outcome(fast_calls.CALLS["kept, then closed"], server.url)["events"]
        assert [event["exception"] for event in events] == [None, None]


@pytest.mark.parametrize("name", fast_calls.CALLS)
def test_here(server, name):
    assert fast_calls.outcome(fast_calls.CALLS[name], server.url) == expected()[name]["here"]


@needs_reference
@pytest.mark.parametrize("name", fast_calls.CALLS)
def test_there(theirs, name):
    if name in SINCE_2_47 and reference.version() < (2, 47):
        pytest.skip("Locust 2.47 changed this")
    told = expected()[name]
    assert theirs[name] == told.get("there", told["here"])


def test_each_difference_has_its_reason():
    assert {name for name, told in expected().items() if "there" in told} == set(KNOWN)
    assert len(fast_calls.CALLS) > 200


def write():
    """Writes what both do."""
    with Server("hostile-server") as server:
        here = {name: fast_calls.outcome(call, server.url) for name, call in fast_calls.CALLS.items()}
    with Server("hostile-server") as server:
        there = json.loads(output(fast_calls.__file__, server.url, python=REFERENCE))
    lines = []
    for name in here:
        told = {"here": here[name]}
        if there[name] != here[name]:
            told["there"] = there[name]
        lines.append(f"{json.dumps(name)}: {json.dumps(told, sort_keys=True)}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
