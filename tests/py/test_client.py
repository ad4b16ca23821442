"""HttpSession itself: names, context, success and failure by hand, cookies, connections, kills, true times."""

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests
from _locust import Greenlet, sleep
from _locust_coop import original
from http_pair import Events, ours
from real_thread import RealThread

from locust.exception import CatchResponseError, LocustError, RescheduleTask, ResponseError


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def client(hostile, events):
    return ours(hostile.url, events)


def cookie_line(client, path="/echo", **kwargs):
    """What the next request sends as Cookie."""
    return dict(client.get(path, **kwargs).json()["headers"]).get("Cookie")


# --- What is reported.


def test_what_an_event_says(hostile, client, events):
    response = client.get("/bytes?n=10", context={"a": 1})
    (event,) = events
    assert event.keys() == {"request_type", "response_time", "name", "context", "response", "exception", "start_time",
                            "url", "response_length"}
    assert (event["request_type"], event["name"], event["url"]) == ("GET", "/bytes?n=10", hostile.url + "/bytes?n=10")
    assert (event["response_length"], event["exception"], event["context"]) == (10, None, {"a": 1})
    assert event["response"] is response and abs(time.time() - event["start_time"]) < 5


@pytest.mark.parametrize("call, name", [
    (lambda c: c.get("/ok", name="mine"), "mine"),
    (lambda c: c.get(c.base_url + "/ok?x=1#part"), "/ok?x=1"),
    (lambda c: c.get("/ok", params={"a": 1}), "/ok?a=1"),
    (lambda c: c.get("/redirect-chain?n=2"), "/redirect-chain?n=2"),
    (lambda c: c.get(""), "/"),
])
def test_names(client, events, call, name):
    call(client)
    assert [event["name"] for event in events] == [name]


def test_rename_request(client, events):
    with client.rename_request("block"):
        client.get("/ok")
        client.get("/ok", name="own")
    client.get("/ok")
    client.request_name = "set"
    client.get("/ok")
    assert [event["name"] for event in events] == ["block", "own", "/ok", "set"]


def test_method_is_told_as_given(client, events):
    client.request("get", "/ok")
    client.request("Post", "/ok")
    assert [event["request_type"] for event in events] == ["get", "Post"]


def test_errors_of_status_name_the_request(client, events):
    client.get("/status?code=404", name="mine")
    assert repr(events[0]["exception"]) == "HTTPError('404 Client Error: Status for url: mine')"


def test_a_refused_request_is_one_failure(hostile, client, events):
    response = client.get("/x", headers={"X": 1})
    assert response.status_code == 0 and response.request is None
    assert isinstance(events[0]["exception"], requests.exceptions.InvalidHeader)
    assert (events[0]["name"], events[0]["url"]) == ("/x", hostile.url + "/x")
    with client.get("/x", headers={"X": 1}, catch_response=True, name="mine") as response:
        response.success()
    assert (events[1]["name"], events[1]["exception"]) == ("mine", None)


@pytest.mark.parametrize("base, url, kind", [
    ("", "/x", requests.exceptions.MissingSchema),
    ("", "ftp://127.0.0.1/", requests.exceptions.InvalidSchema),
    ("http://", "", requests.exceptions.InvalidURL),
    ("http://127.0.0.1", b"/x", TypeError),
])
def test_what_reaches_the_task(events, base, url, kind):
    with pytest.raises(kind):
        ours(base, events).get(url)
    assert not events


def test_hooks_that_were_only_looked_at(client, events):
    assert client.hooks == {"response": []} and client.proxies == {}
    assert client.get("/ok").ok


# --- Deciding by hand.


@pytest.mark.parametrize("path, decide, expected", [
    ("/ok", lambda r: None, "None"),
    ("/status?code=500", lambda r: None, "HTTPError('500 Server Error: Status for url: n')"),
    ("/status?code=500", lambda r: r.success(), "None"),
    ("/ok", lambda r: r.failure("no"), "CatchResponseError('no')"),
    ("/ok", lambda r: r.failure(ValueError("v")), "ValueError('v')"),
    ("/ok", lambda r: (r.failure("no"), r.success()), "None"),
    ("/ok", lambda r: (r.success(), r.failure("no")), "CatchResponseError('no')"),
    ("/close-before-reply", lambda r: r.success(), "None"),
    ("/close-before-reply", lambda r: None,
     "RemoteDisconnected('Remote end closed connection without response')"),
])
def test_catch_response(client, events, path, decide, expected):
    with client.get(path, name="n", catch_response=True) as response:
        assert not events
        decide(response)
    assert repr(events.exceptions) == f"[{expected}]"


def test_exceptions_in_the_block(client, events):
    with client.get("/ok", catch_response=True):
        raise ResponseError("swallowed")
    assert repr(events.exceptions) == "[ResponseError('swallowed')]"
    events.clear()
    for error in (ValueError(), RescheduleTask()):
        with pytest.raises(type(error)), client.get("/ok", catch_response=True):
            raise error
        assert not events, "nothing is reported"
        with pytest.raises(type(error)), client.get("/ok", catch_response=True) as response:
            response.failure("first")
            raise error
        assert [type(e) for e in events.exceptions] == [CatchResponseError]
        events.clear()


def test_raise_for_status_follows_the_decision(client):
    with client.get("/status?code=500", catch_response=True) as response:
        with pytest.raises(requests.HTTPError):
            response.raise_for_status()
        response.success()
        response.raise_for_status()
        response.failure("no")
        with pytest.raises(CatchResponseError, match="no"):
            response.raise_for_status()


def test_without_catch_response(client):
    with pytest.raises(LocustError):
        client.get("/ok").success()
    with pytest.raises(LocustError), client.get("/ok"):
        pass


def test_request_meta_may_be_changed(client, events):
    with client.get("/ok", catch_response=True) as response:
        response.request_meta["name"] = "renamed"
        response.request_meta["context"]["a"] = 1
        meta = response.request_meta
    assert events[0]["name"] == "renamed" and events[0]["context"] == {"a": 1}
    assert meta["response_time"] == events[0]["response_time"]


# --- Cookies.


def test_a_hop_sends_what_the_one_before_has_set(hostile):
    """Set-Cookie of a redirect reaches the next request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve():
            with server.accept()[0] as connection:
                connection.recv(10000)
                connection.sendall(b"HTTP/1.1 302 x\r\nLocation: %s/echo\r\nSet-Cookie: hop=1; Path=/\r\n"
                                   b"Content-Length: 0\r\n\r\n" % hostile.url.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        client = ours(f"http://127.0.0.1:{port}")
        reply = client.get("/x", cookies={"mine": "2"})
        thread.join()
    assert dict(reply.json()["headers"])["Cookie"] == "hop=1; mine=2"
    assert dict(client.cookies) == {"hop": "1"} and dict(reply.history[0].cookies) == {"hop": "1"}
    assert dict(reply.cookies) == {}


def test_jar_is_a_requests_jar(client):
    jar = client.cookies
    assert isinstance(jar, requests.cookies.RequestsCookieJar)
    client.get("/set-cookie?a=1&b=2")
    assert jar["a"] == "1" and jar.get("b") == "2" and jar.get("c") is None and "a" in jar and len(jar) == 2
    assert dict(jar) == {"a": "1", "b": "2"} == jar.get_dict()
    jar.set("c", "3")
    jar["d"] = "4"
    jar.update({"e": "5"})
    assert sorted(c.name for c in jar) == list("abcde")
    assert cookie_line(client) == "a=1; b=2; c=3; d=4; e=5"
    del jar["a"]
    jar.set("b", None)
    assert cookie_line(client) == "c=3; d=4; e=5"
    with pytest.raises(KeyError):
        jar["a"]
    copy = jar.copy()
    again = pickle.loads(pickle.dumps(jar))
    jar.clear()
    assert len(jar) == 0 and cookie_line(client) is None
    assert dict(copy) == dict(again) == {"c": "3", "d": "4", "e": "5"}


def test_cookies_may_be_replaced(client):
    client.cookies.set("a", "1")
    client.cookies = {"b": "2"}
    assert cookie_line(client) == "b=2"
    client.cookies = requests.cookies.cookiejar_from_dict({"c": "3"})
    assert cookie_line(client) == "c=3"
    client.cookies = client.cookies
    assert cookie_line(client) == "c=3"


def test_cookies_of_a_call_stay_with_it(client):
    assert cookie_line(client, cookies={"a": "1"}) == "a=1"
    assert cookie_line(client) is None


# --- Connections.


def test_one_connection_is_kept(hostile, client):
    for _ in range(10):
        client.post("/ok", data="x" * 1000)
        sleep(0.02)
    assert hostile.counts(open=1) == (1, 10)


def test_close_and_reuse(hostile, client):
    client.close()
    client.get("/ok")
    client.close()
    hostile.counts(open=0)
    assert client.get("/ok").ok
    client.cookies.set("a", "1")
    client.close()
    assert cookie_line(client) == "a=1"
    with client as same:
        assert same is client and client.get("/ok").ok


def test_connection_close_is_honoured(hostile, client, events):
    for _ in range(3):
        client.get("/ok", headers={"Connection": "close"})
    assert events.exceptions == [None] * 3
    assert hostile.counts(open=0) == (3, 3)


def test_a_session_that_is_forgotten_closes(hostile):
    for _ in range(20):
        ours(hostile.url).get("/ok")
    hostile.counts(open=0)


def test_green_threads_share_a_session(hostile, client, events):
    """At the same time, and each gets its own reply."""
    start = time.monotonic()
    workers = [Greenlet.spawn(client.get, f"/delay?ms=100&n={n}") for n in range(50)]
    for worker in workers:
        worker.join()
    assert time.monotonic() - start < 1
    assert [w.value.url for w in workers] == [f"{hostile.url}/delay?ms=100&n={n}" for n in range(50)]
    assert len(events) == 50 and not any(events.exceptions)


def in_thread(function):
    """What a function gives in another thread of the operating system, while this one waits for it and does nothing."""
    results = []

    def run():
        try:
            results.append(function())
        except Exception as e:
            results.append(e)

    RealThread(target=run).start()
    end = time.monotonic() + 20
    while not results and time.monotonic() < end:
        original("time", "sleep")(0.001)
    return results[0]


def test_another_thread_has_a_session_too(hostile, client, events):
    """It blocks until its reply is there; the users' thread, which waits for it, is not needed."""
    client.get("/set-cookie?a=1")
    assert in_thread(lambda: cookie_line(client)) == "a=1"
    assert in_thread(lambda: client.get("/redirect?to=/ok", hooks={"response": lambda r, **_: None}).text) == "ok\n"
    assert in_thread(lambda: client.post("/echo", data=iter([b"a", b"bc"])).json()["body"]) == "abc"
    pieces = in_thread(lambda: list(client.get("/bytes?n=300000", stream=True).iter_content(999)))
    assert sum(map(len, pieces)) == 300000
    assert in_thread(lambda: client.get("/close-before-reply").status_code) == 0
    assert len(events) == 6 and not any(events.exceptions[:-1]) and events.exceptions[-1] is not None


def test_many_threads_at_once(hostile, client, events):
    threads, texts = [], []
    for n in range(10):
        def use(n=n):
            own = ours(hostile.url, events)
            for k in range(10):
                texts.append((own if k % 2 else client).get(f"/delay?ms=1&n={n}").text)

        threads.append(RealThread(target=use))
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert client.get("/ok").ok
    for thread in threads:
        thread.join(20)
    assert texts == ["ok\n"] * 100 and len(events) == 120


def test_a_stream_belongs_to_its_thread(client):
    response = in_thread(lambda: client.get("/bytes?n=10000000", stream=True))
    with pytest.raises(RuntimeError, match="thread that asked"):
        response.content
    response = client.get("/slow-body?ms=200", stream=True)
    assert "thread that asked" in str(in_thread(lambda: response.content))


# --- Kills.


def kill_in(call, after):
    """Kills a green thread that makes a call, after so many seconds; returns how long that took."""
    victim = Greenlet.spawn(call)
    sleep(after)
    assert not victim.dead
    start = time.monotonic()
    victim.kill()
    assert victim.dead
    return time.monotonic() - start


@pytest.mark.parametrize("path", ["/silent", "/delay?ms=5000", "/slow-header?ms=5000", "/slow-body?ms=5000",
                                  "/drip?ms=100", "/redirect?to=/silent", "/redirect-loop"])
def test_kill(hostile, client, events, path):
    """At once, unreported, the connection closed; others go on."""
    client.max_redirects = 10**6
    other = Greenlet.spawn(client.get, "/delay?ms=150", name="other")
    for _ in range(10):
        assert kill_in(lambda: client.get(path), 0.01) < 1
    other.join()
    assert [event["name"] for event in events] == ["other"] and events.exceptions == [None]
    client.close()
    hostile.counts(open=0)


def test_kill_while_connecting(events):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        for _ in range(20):
            client = ours("http://127.0.0.1:%d" % address[1], events)
            assert kill_in(lambda: client.get("/"), 0.005) < 1
        for filler in fillers:
            filler.close()
    assert not events


def test_kill_in_the_handshake(events):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = ours("https://127.0.0.1:%d" % server.getsockname()[1], events)
        for _ in range(20):
            victim = Greenlet.spawn(client.get, "/")
            with server.accept()[0] as connection:
                victim.kill(timeout=10)
                assert victim.dead
                connection.settimeout(10)
                while connection.recv(10000):
                    pass
    assert not events


def test_kill_in_the_lookup(events):
    """The lookup itself ends when it ends; nobody waits for it."""
    for n in range(20):
        client = ours(f"http://nobody{n}.invalid", events)
        victim = Greenlet.spawn(client.get, "/")
        sleep(0)
        victim.kill()
        del client
    assert not events


# --- The truth.


def test_response_times_are_without_the_wait_for_python(truth_server, events):
    """Python burns while the replies arrive; the response times do not see it.

    It burns for long, so that nobody takes the load of the machine for it.
    """
    clients = [ours(truth_server.url, events) for _ in range(20)]
    for client in clients:
        client.get("/")
    truth_server.json("/reset")
    events.clear()
    for _ in range(2):
        workers = [Greenlet.spawn(client.get, "/") for client in clients]
        sleep(0.002)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            json.dumps(list(range(100)))
        for worker in workers:
            worker.join()
    report = truth_server.json("/report")
    times = sorted(event["response_time"] for event in events)
    assert len(times) == 40
    assert report["min_ms"] <= times[0] + 0.01
    assert times[20] < report["p50_ms"] + 250, "the median has some of the 500 ms of Python in it"


# --- What must not take long, and what is caught.


def test_expect_is_sent_but_not_waited_for(hostile, client):
    """The server of this test never says 100."""
    start = time.monotonic()
    reply = client.post("/echo", data=b"abc", headers={"Expect": "100-continue"})
    assert time.monotonic() - start < 0.8, "libcurl's own limit is 1 s"
    assert dict(reply.json()["headers"])["Expect"] == "100-continue" and reply.json()["body"] == "abc"


SIMPLEJSON = """
import json, sys
sys.path.insert(0, sys.argv[1])
import locust, requests
from http_pair import Events, ours
assert requests.compat.has_simplejson
response = ours(sys.argv[2], Events()).get("/ok")
for kwargs in ({}, {"parse_int": int}):
    for error in (json.JSONDecodeError, requests.exceptions.JSONDecodeError, requests.JSONDecodeError):
        try:
            response.json(**kwargs)
        except error as e:
            print(e.msg, e.pos, e.doc.strip(), e)
"""


def test_both_names_catch_what_is_no_json(hostile, tmp_path):
    """requests prefers simplejson, whose error is none of the standard library's."""
    package = tmp_path / "simplejson"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from json import *\n"
        "from json import loads as _loads\n"
        "class JSONDecodeError(ValueError):\n"
        "    def __init__(self, msg, doc, pos):\n"
        "        ValueError.__init__(self, msg)\n"
        "        self.msg, self.doc, self.pos = msg, doc, pos\n"
        "def loads(*args, **kwargs):\n"
        "    try:\n"
        "        return _loads(*args, **kwargs)\n"
        "    except ValueError as e:\n"
        "        raise JSONDecodeError(e.msg, e.doc, e.pos)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", SIMPLEJSON, os.path.dirname(__file__), hostile.url],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])},
    )
    lines = told.stdout.splitlines()
    assert len(lines) == 6 and set(lines) == {"Expecting value 0 ok Expecting value"}, told
