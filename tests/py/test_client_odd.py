"""Uses of the client that nobody planned: each does what Locust does, or says what is wrong; none crashes."""

import copy
import gc
import pickle

import pytest
import requests
from http_pair import Events, ours

from locust._requests_errors import JSONDecodeError
from locust.clients import HttpSession, ResponseContextManager
from locust.event import EventHook
from locust.exception import LocustError


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def client(hostile, events):
    return ours(hostile.url, events)


# --- Sessions.


class WithoutInit(HttpSession):
    def __init__(self):
        pass


def test_a_subclass_that_forgets_our_constructor(hostile):
    session = WithoutInit()
    for call in (lambda: session.get("/ok"), lambda: session.post(hostile.url + "/ok", data={"a": 1}),
                 lambda: session.request("GET", "/ok", files={"f": b"x"})):
        with pytest.raises(AttributeError, match="'WithoutInit' object has no attribute 'request_name'"):
            call()
    assert session.headers["Accept"] == "*/*" and session.auth is None and not session.params
    assert len(session.adapters) == 2 and list(session.cookies) == []
    session.close()


def test_a_subclass_that_sets_what_is_needed(hostile, events):
    session = WithoutInit()
    session.base_url, session.request_event, session.request_name = hostile.url, events.hook, None
    assert session.get("/ok").ok and len(events) == 1


@pytest.mark.parametrize("name", ["base_url", "request_event", "request_name"])
def test_what_is_needed_is_deleted(client, events, name):
    delattr(client, name)
    with pytest.raises(AttributeError, match=f"'HttpSession' object has no attribute '{name}'"):
        getattr(client, name)
    with pytest.raises(AttributeError, match=name):
        client.get("/ok")
    with pytest.raises(AttributeError, match=name):
        client.post("/ok", files={"f": b"x"})
    with pytest.raises(AttributeError):
        delattr(client, name)
    assert not events


@pytest.mark.parametrize("name", ["user", "explicit_name", "auth", "verify", "cert", "headers", "params", "hooks",
                                  "proxies", "adapters"])
def test_what_has_a_default_is_deleted(client, events, name):
    delattr(client, name)
    assert client.get("/ok").ok
    delattr(client, name if name not in ("user",) else "explicit_name")
    assert client.get("/redirect?to=/ok", catch_response=True).ok
    with client.post("/ok", data="x", catch_response=True) as response:
        assert response.request_meta["name"] == "/ok"


@pytest.mark.parametrize("base", [None, 5, b"x"])
def test_a_base_that_is_no_text(client, base):
    """As in Locust: its str() stands before the path."""
    client.base_url = base
    with pytest.raises(requests.exceptions.MissingSchema) as raised:
        client.get("/ok")
    assert f"Invalid URL {str(base) + '/ok'!r}" in str(raised.value)


def test_an_event_that_is_none(client):
    client.request_event = None
    with pytest.raises(AttributeError, match="fire"):
        client.get("/ok")


def test_a_copied_session(client):
    """requests copies what it knows of; what Locust has added is missing, as in Locust."""
    client.get("/set-cookie?a=1")
    other = copy.copy(client)
    assert dict(other.cookies) == {"a": "1"}
    with pytest.raises(AttributeError, match="request_name"):
        other.get("/ok")


# --- Responses.


def of_kind(kind, client):
    if kind == "empty":
        return ResponseContextManager.__new__(ResponseContextManager)
    if kind == "error":
        return ResponseContextManager(requests.RequestException("no", request=requests.PreparedRequest()))
    if kind == "redirect":
        return client.get("/redirect?to=/ok").history[0]
    if kind == "copy":
        return copy.copy(client.get("/ok"))
    if kind == "refused":
        return client.get("/ok", headers={"X": 1})
    return client.get({"failed": "/close-before-reply", "good": "/ok"}[kind])


KINDS = ["empty", "error", "redirect", "copy", "refused", "failed", "good"]

# What raises as soon as one asks whether the request went well.
ERRORS = {"error": requests.RequestException, "failed": requests.ConnectionError,
          "refused": requests.exceptions.InvalidHeader}
ASKING = {"ok", "raise_for_status", "__bool__"}

# Those that are not what the client returned: nothing is reported of them.
UNREPORTED = {"empty", "error", "redirect", "copy"}

# What cannot be set (nor deleted), beside what is private; and what takes certain types alone.
READ_ONLY = {"apparent_encoding", "is_permanent_redirect", "is_redirect", "links", "next", "ok", "text", "timings"}
CHECKED = {"_catch_response", "_entered", "request_meta"}


def untouched(kind, name):
    """What asking for an attribute (and calling it) raises, if nothing was changed."""
    if name in ASKING:
        return ERRORS.get(kind)
    if name == "request_meta":
        return AttributeError if kind in UNREPORTED else None
    if name in ("success", "failure"):
        return LocustError
    if name == "__enter__":
        return None if kind in UNREPORTED else LocustError
    if name in ("iter_content", "iter_lines", "__iter__", "apparent_encoding"):
        return TypeError if kind in ERRORS else None
    return {"json": JSONDecodeError, "wrap_response": TypeError}.get(name)


def touched(kind, name, change, what):
    """The same, after an attribute was changed."""
    if what in ASKING and name == "error":
        return TypeError if change == 5 else None
    if what in ASKING and (change == 5 and name == "_manual_result" or name == what and change != "deleted"):
        return None
    if what == "__exit__" and name == "_request_event" and change != "deleted" and kind not in UNREPORTED:
        return AttributeError
    return untouched(kind, what)


def outcome(action):
    try:
        action()
    except Exception as e:
        return type(e)
    return None


ARGUMENTS = {"__exit__": [(None, None, None)], "failure": [("x",)], "iter_content": [(10,)], "__reduce_ex__": [(2,)],
             "__setstate__": [({},)]}
DUNDERS = {"__exit__", "__enter__", "__repr__", "__bool__", "__iter__", "__reduce_ex__", "__setstate__", "__getstate__"}


def is_for_users(name):
    """All but what Python has itself, and private methods: who replaces one of those takes over its work."""
    return name in DUNDERS or not name.startswith("__") and not (
        name.startswith("_") and callable(getattr(ResponseContextManager, name)))


NAMES = [name for name in dir(ResponseContextManager) if is_for_users(name)]
LATER = ("ok", "text", "url", "request", "request_meta", "__exit__", "raise_for_status")


def visit(response, name):
    value = getattr(response, name)
    if callable(value) and not isinstance(value, (type, EventHook)):
        for args in ARGUMENTS.get(name, [()]):
            result = value(*args)
            if name.startswith("iter") or name == "__iter__":
                list(result)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_there_is_may_be_looked_at(client, kind):
    for name in NAMES:
        response = of_kind(kind, client)
        for what in (name, *LATER):
            assert outcome(lambda: visit(response, what)) == untouched(kind, what), (name, what)


def changing(response, name, change):
    if change == "deleted":
        delattr(response, name)
    else:
        setattr(response, name, change)


@pytest.mark.parametrize("change", ["deleted", None, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_there_is_may_be_changed(client, kind, change):
    for name in NAMES:
        response = of_kind(kind, client)
        refused = outcome(lambda: changing(response, name, change))
        if refused is not None:
            of_class = change == "deleted" and not hasattr(getattr(ResponseContextManager, name), "__set__")
            assert name in READ_ONLY | CHECKED or name.startswith("_") or of_class, name
            assert refused == (TypeError if name in CHECKED else AttributeError), name
        else:
            assert name not in READ_ONLY | CHECKED or name == "request_meta" and change is None, name
            for what in LATER:
                assert outcome(lambda: visit(response, what)) == touched(kind, name, change, what), (name, what)
    gc.collect()


def test_a_redirect_on_the_way_is_a_plain_response(client, events):
    hop = client.get("/redirect?to=/ok").history[0]
    events.clear()
    with hop as same:
        assert same is hop
    assert hop.__exit__(None, None, None) is None
    assert not events
    with pytest.raises(AttributeError, match="'ResponseContextManager' object has no attribute 'request_meta'"):
        hop.request_meta
    for change in (hop.success, lambda: hop.failure("x")):
        with pytest.raises(LocustError, match="you must pass catch_response=True"):
            change()


def test_one_that_stands_for_an_error():
    error = requests.RequestException("no", request=requests.PreparedRequest())
    response = ResponseContextManager(error)
    assert (response.status_code, response.text, response.error) == (0, "", error)
    assert response.request is error.request and response.content is None
    with pytest.raises(requests.RequestException, match="no"):
        response.raise_for_status()
    with pytest.raises(TypeError, match="error"):
        ResponseContextManager()
    with pytest.raises(AttributeError, match="request"):
        ResponseContextManager(None)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
@pytest.mark.parametrize("path", ["/redirect?to=/echo", "/set-cookie?a=1", "/status?code=404", "/gzip"])
def test_copies(client, events, duplicate, path):
    """What requests keeps of a response is in the copy; the rest is not."""
    response = client.get(path)
    other = duplicate(response)
    assert type(other) is ResponseContextManager
    for name in ("status_code", "content", "text", "url", "headers", "encoding", "reason", "elapsed", "ok"):
        assert getattr(other, name) == getattr(response, name), name
    assert other.request.url == response.request.url and dict(other.cookies) == dict(response.cookies)
    assert [(hop.status_code, hop.url) for hop in other.history] == [
        (hop.status_code, hop.url) for hop in response.history]
    assert bool(other) is bool(response)
    if path == "/redirect?to=/echo":
        assert other.json() == response.json()
    if not response.ok:
        with pytest.raises(requests.HTTPError, match="404 Client Error: Status for url: http"):
            other.raise_for_status()
    events.clear()
    with other:
        pass
    assert not events and not hasattr(other, "request_meta")


def test_a_copy_of_a_failure(client):
    other = pickle.loads(pickle.dumps(client.get("/close-before-reply")))
    assert (other.status_code, other.content, other.text, other.url) == (0, None, "", None)


def test_attributes_may_be_set(client, events):
    """As those of a requests.Response, and they count."""
    with client.get("/ok", catch_response=True, name="n") as response:
        response.status_code, response.reason, response.url = 418, "Teapot", "http://there/"
        assert not response.ok and not response
        with pytest.raises(requests.HTTPError, match="418 Client Error: Teapot for url: http://there/"):
            response.raise_for_status()
    assert repr(events[0]["exception"]) == "HTTPError('418 Client Error: Teapot for url: n')"
    response.history = ["x"]
    assert response.history == ["x"] and response.status_code == 418


def test_the_request_shows_the_cookies_that_were_sent(client):
    client.cookies.set("a", "1")
    response = client.get("/echo", cookies={"b": "2"})
    assert response.request.headers["Cookie"] == "a=1; b=2" == dict(response.json()["headers"])["Cookie"]
    response = client.get("/redirect?to=/close-before-reply", cookies={"b": "2"})
    assert response.request.headers["Cookie"] == "a=1; b=2"
