"""What goes through requests' own machinery, over the native engine: hooks, auth objects, adapters, prepared requests,
proxies, jars with rules of their own. The same calls through requests.Session look the same.
"""

import contextlib
import copy
import hashlib
import http.cookiejar
import io
import pickle
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import urllib3
from http_pair import Events, our_outcome, ours, raised_by, seen_of_response, their_outcome, theirs
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth, HTTPProxyAuth
from urllib3.util.retry import Retry

from locust.clients import HttpSession, LocustHttpAdapter, ResponseContextManager


class Site(BaseHTTPRequestHandler):
    """Digest authentication, a proxy that answers itself, replies that fail a few times."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers, body))
        if "/digest" in self.path:
            return self.digest()
        if "/flaky" in self.path and len(self.server.seen) % 3:
            return self.answer(503, b"no", Set_Cookie=f"try={len(self.server.seen)}")
        return self.answer(200, b"%s %s %s" % (self.command.encode(), self.path.encode(), body), Server="x")

    do_POST = do_GET

    def digest(self):
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        right = md5(":".join([md5("joe:here:secret"), "n0", given.get("nc", ""), given.get("cnonce", ""), "auth",
                              md5(f"{self.command}:{self.path}")]))
        if given.get("response") == right:
            return self.answer(200, b"welcome")
        self.answer(401, b"who?", WWW_Authenticate='Digest realm="here", nonce="n0", qop="auth"', Set_Cookie="seen=1")

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.seen = []
    server.url = "http://127.0.0.1:%d" % server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site():
    with serving() as server:
        yield server


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def client(hostile, events):
    return ours(hostile.url, events)


# --- The same as with requests.


class Bearer(AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + request.method
        return request


class Adding(HTTPAdapter):
    """Adds headers, and a time limit, as many do."""

    def add_headers(self, request, **kwargs):
        request.headers["X-Added"] = str(kwargs["timeout"])

    def send(self, request, **kwargs):
        kwargs["timeout"] = kwargs.get("timeout") or 5
        return super().send(request, **kwargs)


class Own(BaseAdapter):
    """A transport of its own."""

    def send(self, request, **kwargs):
        response = requests.Response()
        response.status_code, response.url, response.request = 203, request.url, request
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
        response.raw = urllib3.HTTPResponse(io.BytesIO(b"own"), preload_content=False)
        return response

    def close(self):
        pass


def tag(response, **kwargs):
    response.headers["X-Hook"] = str(sorted(kwargs))


def another(response, **kwargs):
    response = copy.copy(response)
    response.status_code = 418
    return response


def raising(response, **kwargs):
    raise requests.exceptions.InvalidHeader("no", request=response.request)


def crashing(response, **kwargs):
    raise KeyError("hook")


def get(path="/echo", prepare=None, method="get", **kwargs):
    def call(s, base):
        if prepare is not None:
            prepare(s)
        return getattr(s, method)(base + path, **kwargs)
    return call


def mounted(adapter, path="/echo", prefix="http://", **kwargs):
    return get(path, lambda s: s.mount(prefix, adapter()), **kwargs)


def assigned(path="/echo", again=None, **attributes):
    """A call of a session with attributes set, and another one after it."""
    def call(s, base):
        for name, value in attributes.items():
            setattr(s, name, value() if callable(value) else value)
        response = s.get(base + path)
        return response if again is None else s.get(base + again)
    return call


def jar_of(kind, policy=None, **cookies):
    def make():
        jar = kind(policy=policy) if policy is not None else kind()
        for name, value in cookies.items():
            jar.set_cookie(requests.cookies.create_cookie(name, value))
        return jar
    return make


BLOCKING = http.cookiejar.DefaultCookiePolicy(blocked_domains=["127.0.0.1"])
SAME = {
    "hook": get(hooks={"response": tag}),
    "hooks": get(hooks={"response": [tag, another]}),
    "hook of the session": get(prepare=lambda s: s.hooks["response"].append(tag)),
    "hooks of both": get(prepare=lambda s: s.hooks["response"].append(another), hooks={"response": tag}),
    "hook with a redirect": get("/redirect?to=/echo", hooks={"response": tag}),
    "hook with a chain": get("/redirect-chain?n=3", hooks={"response": tag}),
    "hook with cookies": get("/set-cookie?a=1&b=2", hooks={"response": tag}),
    "hook with a loop": get("/redirect-loop", hooks={"response": tag}),
    "hook that fails": get(hooks={"response": raising}),
    "hook that crashes": get(hooks={"response": crashing}),
    "hook and a body": get(method="post", data={"a": "ä"}, hooks={"response": tag}),
    "hook and 307": get("/redirect?to=/echo&code=307", method="post", data=b"abc", hooks={"response": tag}),
    "hook and put with 301": get("/redirect?to=/echo&code=301", method="put", data=b"abc", hooks={"response": tag}),
    "hook and a file": lambda s, base: s.post(base + "/echo", data=io.BytesIO(b"file"), hooks={"response": tag}),
    "hook and a generator": lambda s, base: s.post(base + "/echo", data=iter([b"a", b"bc"]), hooks={"response": tag}),
    "hook and json": get(method="post", json={"a": 1}, hooks={"response": tag}),
    "hook and files": get(method="post", files={"f": ("n", b"x")}, data={"a": 1}, hooks={"response": tag}),
    "hook and auth": get(auth=("a", "b"), hooks={"response": tag}),
    "hook and params": get(params={"a": [1, 2]}, hooks={"response": tag}),
    "hook and no encoding": get(headers={"Accept-Encoding": None, "User-Agent": None}, hooks={"response": tag}),
    "hook and gzip": get("/gzip", hooks={"response": tag}),
    "hook and deflate": get("/deflate", hooks={"response": tag}),
    "hook and chunks": get("/chunked", hooks={"response": tag}),
    "hook and trailers": get("/chunked-trailers", hooks={"response": tag}),
    "hook and no length": get("/no-length", hooks={"response": tag}),
    "hook and head": get("/echo", method="head", hooks={"response": tag}),
    "hook and 204": get("/204-with-body", hooks={"response": tag}),
    "hook and 404": get("/status?code=404", hooks={"response": tag}),
    "hook and much": get("/bytes?n=1000000", hooks={"response": tag}),
    "hook and 1xx": get("/continue", hooks={"response": tag}),
    "hook and a bad gzip": get("/bad-gzip", hooks={"response": tag}),
    "hook and a close": get("/close-before-reply", hooks={"response": tag}),
    "hook and a reset": get("/reset-before-reply", hooks={"response": tag}),
    "hook and a reset header": get("/reset-in-header", hooks={"response": tag}),
    "hook and a reset body": get("/reset-in-body", hooks={"response": tag}),
    "hook and garbage": get("/garbage", hooks={"response": tag}),
    "hook and endless headers": get("/endless-headers", hooks={"response": tag}),
    "hook and nobody": lambda s, base: s.get("http://127.0.0.1:1/x", hooks={"response": tag}),
    "hook and an unknown name": lambda s, base: s.get("http://nobody.invalid/", hooks={"response": tag}),
    "hook and a bad address": lambda s, base: s.get("http:///x", hooks={"response": tag}),
    "hook and not followed": get("/redirect?to=/echo", allow_redirects=False, hooks={"response": tag}),
    "hook and cookies of the call": get(cookies={"a": "1"}, hooks={"response": tag}),
    "auth object": get(auth=Bearer()),
    "auth object of the session": assigned(auth=Bearer),
    "auth object with a redirect": get("/redirect?to=/echo", auth=Bearer()),
    "proxy auth": get(auth=HTTPProxyAuth("a", "b")),
    "adapter": mounted(HTTPAdapter),
    "adapter with retries": mounted(lambda: HTTPAdapter(max_retries=Retry(2, backoff_factor=0)), "/close-before-reply"),
    "adapter with retries of statuses": mounted(
        lambda: HTTPAdapter(max_retries=Retry(2, status_forcelist=[503], backoff_factor=0)), "/status?code=503"),
    "adapter with retries and redirects": mounted(lambda: HTTPAdapter(max_retries=2), "/redirect?to=/echo"),
    "adapter for nobody": lambda s, base: (
        s.mount("http://", HTTPAdapter(max_retries=1)), s.get("http://127.0.0.1:1/x"))[1],
    "adapter of a path": lambda s, base: (s.mount(base + "/ec", Adding()), s.get(base + "/echo"))[1],
    "adapter of another path": lambda s, base: (s.mount(base + "/other", Adding()), s.get(base + "/echo"))[1],
    "adapter that adds": mounted(Adding),
    "adapter that adds with a redirect": mounted(Adding, "/redirect?to=/echo"),
    "adapter that adds and is asked for a time": mounted(Adding, timeout=3),
    "adapter with a transport": mounted(Own),
    "adapter with a transport for a redirect": lambda s, base: (
        s.mount(base.replace("127.0.0.1", "localhost"), Own()),
        s.get(base + "/redirect", params={"to": base.replace("127.0.0.1", "localhost") + "/x"}))[1],
    "adapter that was set": lambda s, base: (s.adapters.__setitem__("http://", Adding()), s.get(base + "/echo"))[1],
    "no adapter": lambda s, base: (s.adapters.clear(), s.get(base + "/echo"))[1],
    "plain jar": assigned(cookies=jar_of(http.cookiejar.CookieJar, a="1")),
    "plain jar that is filled": assigned("/set-cookie?a=1&b=2", "/echo", cookies=jar_of(http.cookiejar.CookieJar)),
    "LWP jar": assigned("/set-cookie?a=1", "/echo", cookies=jar_of(http.cookiejar.LWPCookieJar, c="3")),
    "blocking jar": assigned("/set-cookie?a=1", "/echo", cookies=jar_of(requests.cookies.RequestsCookieJar, BLOCKING)),
    "requests' jar": assigned("/set-cookie?a=1", "/echo", cookies=jar_of(requests.cookies.RequestsCookieJar, c="3")),
    "policy": lambda s, base: (
        s.cookies.set_policy(BLOCKING), s.get(base + "/set-cookie?a=1"), s.get(base + "/echo"))[2],
    "policy that is usual again": lambda s, base: (
        s.cookies.set_policy(BLOCKING), s.cookies.set_policy(http.cookiejar.DefaultCookiePolicy()),
        s.get(base + "/set-cookie?a=1"), s.get(base + "/echo"))[3],
    "no proxies": get(proxies={}),
    "proxies for others": get(proxies={"https": "http://127.0.0.1:1", "http://elsewhere": "http://127.0.0.1:1"}),
    "proxy without a host": get(proxies={"http": "http://"}),
    "unknown argument": get(nonsense=1),
    "verify no file": get(verify="/no/such/file"),
    "cert no file": get(cert="/no/such/file"),
}

@pytest.mark.parametrize("name", SAME)
def test_same(hostile, monkeypatch, name):
    monkeypatch.setattr("urllib3.filepost.choose_boundary", lambda: "boundary")
    call = SAME[name]
    expected = their_outcome(call, hostile.url)
    got = our_outcome(call, hostile.url)
    for key in sorted(got.keys() | expected.keys()):
        assert got.get(key) == expected.get(key), key


def seen_by(call, session, base):
    """What becomes of a call whose response is one of requests, and not reported."""
    try:
        return seen_of_response(call(session, base))
    except Exception as e:
        return type(e).__name__, str(e)


def prepared(s, base, path="/echo", method="GET", **kwargs):
    return s.prepare_request(requests.Request(method, base + path, **kwargs))


SENT = {
    "prepared": lambda s, base: s.send(prepared(s, base, params={"a": 1}, headers={"X": "y"})),
    "prepared with a body": lambda s, base: s.send(prepared(s, base, method="POST", json={"a": 1})),
    "prepared and followed": lambda s, base: s.send(prepared(s, base, "/redirect?to=/echo")),
    "prepared and not followed": lambda s, base: s.send(prepared(s, base, "/redirect?to=/echo"), allow_redirects=False),
    "prepared by hand": lambda s, base: s.send(requests.Request("PUT", base + "/echo", data="abc").prepare()),
    "changed by hand": lambda s, base: s.send(changed(prepared(s, base))),
    "sent with a time limit": lambda s, base: s.send(prepared(s, base), timeout=(3, 4)),
    "sent with a hook": lambda s, base: s.send(prepared(s, base, hooks={"response": tag})),
    "sent to nobody": lambda s, base: s.send(requests.Request("GET", "http://127.0.0.1:1/").prepare()),
    "sent and broken": lambda s, base: s.send(prepared(s, base, "/truncated-gzip")),
    "sent and closed": lambda s, base: s.send(prepared(s, base, "/close-before-reply")),
    "sent and reset": lambda s, base: s.send(prepared(s, base, "/reset-in-body")),
    "no request": lambda s, base: s.send(requests.Request("GET", base)),
    "by the adapter": lambda s, base: s.get_adapter(base).send(prepared(s, base)),
    "redirects by hand": lambda s, base: next(s.resolve_redirects(
        s.send(prepared(s, base, "/redirect?to=/echo"), allow_redirects=False),
        prepared(s, base, "/redirect?to=/echo"))),
    "the next one": lambda s, base: s.send(s.get(base + "/redirect?to=/echo", allow_redirects=False).next),
}


def changed(request):
    request.headers["X-Changed"] = "1"
    request.url += "/more"
    request.body = b"changed"
    request.headers["Content-Length"] = "7"
    return request


@pytest.mark.parametrize("name", SENT)
def test_same_when_sent_by_hand(hostile, name):
    """And nothing is reported: that is request()'s."""
    events = Events()
    session = ours(hostile.url, events)
    with theirs() as reference:
        expected = seen_by(SENT[name], reference, hostile.url)
    got = seen_by(SENT[name], session, hostile.url)
    address = re.compile("0x[0-9a-f]+")
    if isinstance(expected, tuple):
        expected, got = ([address.sub("", text) for text in outcome] for outcome in (expected, got))
    assert got == expected
    assert len(events) == (name == "the next one")


# --- Over the engine.


def test_a_session_has_one_connection_whichever_way(hostile, client):
    for _ in range(3):
        client.get("/ok")
        client.get("/ok", hooks={"response": tag})
        client.send(prepared(client, hostile.url, "/ok"))
        client.get("/ok", stream=True).content
    assert hostile.counts(open=1) == (1, 12)
    client.close()
    hostile.counts(open=0)


def test_a_mounted_adapter_has_connections_of_its_own(hostile, client, events):
    client.mount("http://", HTTPAdapter())
    for _ in range(3):
        assert client.get("/ok").ok
    assert hostile.counts(open=1) == (1, 3)
    client.close()
    events.clear()  # their responses keep the pool
    hostile.counts(open=0)


@pytest.mark.parametrize("block, connections", [(False, 1), (True, 1)])
def test_users_share_a_pool_manager(hostile, block, connections):
    manager = urllib3.PoolManager(num_pools=1, maxsize=1, block=block)
    clients = [HttpSession(hostile.url, Events().hook, None, pool_manager=manager) for _ in range(2)]
    for client in clients * 3:
        assert client.get("/ok").ok
        assert client.get("/ok", hooks={"response": tag}).ok
    assert hostile.counts(open=1) == (connections, 12)
    assert clients[0].get_adapter("http://").poolmanager is manager


def test_a_pool_manager_that_blocks(hostile):
    """Users wait for their turn, and the others run meanwhile."""
    from _locust import Greenlet  # which real Locust, that makes the calls above, has not

    manager = urllib3.PoolManager(num_pools=1, maxsize=1, block=True)
    clients = [HttpSession(hostile.url, Events().hook, None, pool_manager=manager) for _ in range(5)]
    other = ours(hostile.url)
    workers = [Greenlet.spawn(client.get, "/delay?ms=20") for client in clients]
    assert all(other.get("/ok").ok for _ in range(10))
    for worker in workers:
        worker.join()
    assert [worker.value.text for worker in workers] == ["ok\n"] * 5
    assert hostile.counts(open=2) == (2, 15)


def test_sessions_share_a_jar(hostile):
    """The one that was assigned, and whoever holds it sees the cookies of both."""
    first, second = ours(hostile.url), ours(hostile.url)
    jar = requests.cookies.cookiejar_from_dict({"mine": "0"})
    first.cookies = second.cookies = jar
    assert first.cookies is second.cookies is jar
    first.get("/redirect?to=/set-cookie?a=1")
    second.get("/set-cookie?b=2", stream=True).close()
    assert jar.get_dict() == {"mine": "0", "a": "1", "b": "2"}
    assert dict(first.get("/echo").json()["headers"])["Cookie"] == "mine=0; a=1; b=2"
    second.cookies = http.cookiejar.CookieJar()
    second.get("/set-cookie?c=3")
    assert "c" not in jar and [cookie.name for cookie in second.cookies] == ["c"]


def test_a_jar_that_is_saved(hostile, tmp_path):
    client = ours(hostile.url)
    client.cookies = http.cookiejar.LWPCookieJar(tmp_path / "jar")
    client.get("/set-cookie?a=1")
    client.cookies.save(ignore_discard=True)
    other = ours(hostile.url)
    other.cookies = http.cookiejar.LWPCookieJar(tmp_path / "jar")
    other.cookies.load(ignore_discard=True)
    assert dict(other.get("/echo").json()["headers"])["Cookie"] == "a=1"


def test_digest(site, events):
    """The first answer asks for it, the second request is in the history, one request is reported."""
    client = ours(site.url, events)
    response = client.get("/digest/a", auth=HTTPDigestAuth("joe", "secret"))
    assert (response.status_code, response.text) == (200, "welcome")
    assert [r.status_code for r in response.history] == [401] and dict(client.cookies) == {"seen": "1"}
    assert len(events) == 1 and events[0]["exception"] is None and events[0]["name"] == "/digest/a"
    assert events[0]["response_length"] == 7 and events[0]["response_time"] > 0
    client.auth = HTTPDigestAuth("joe", "wrong")
    assert client.post("/digest", data={"a": 1}).status_code == 401
    assert repr(events[-1]["exception"]).startswith("HTTPError('401 Client Error: Unauthorized for url: /digest")


def test_retries_are_one_request(site, events):
    client = ours(site.url, events)
    client.mount(site.url, HTTPAdapter(max_retries=Retry(5, status_forcelist=[503], backoff_factor=0)))
    assert client.get("/flaky", name="n").status_code == 200
    assert len(site.seen) == 3 and [e["name"] for e in events] == ["n"]


def test_a_proxy(site, events):
    client = ours("http://nobody.invalid", events)
    proxy = site.url.replace("//", "//joe:p%40ss@")
    response = client.post("/x?y=1", data="abc", proxies={"http": proxy})
    assert response.text == "POST http://nobody.invalid/x?y=1 b'abc'".replace("b'abc'", "abc")
    assert site.seen[0][2]["Proxy-Authorization"] == requests.auth._basic_auth_str("joe", "p@ss")
    assert "Host" in site.seen[0][2] and events[0]["name"] == "/x?y=1"
    client.proxies = {"http": "http://127.0.0.1:1"}
    assert client.get("/").status_code == 0
    assert type(events[-1]["response"].error) is requests.exceptions.ProxyError


def test_a_proxy_of_the_environment(site, events, monkeypatch):
    monkeypatch.setenv("http_proxy", site.url)
    client = ours("http://nobody.invalid", events)
    client.get("/")
    assert events.exceptions[0] is not None and not site.seen, "trust_env is off"
    client.trust_env = True
    assert client.get("/").ok and len(site.seen) == 1
    monkeypatch.setenv("no_proxy", "nobody.invalid")
    assert client.get("/").status_code == 0


def test_netrc(hostile, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login joe password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client = ours(hostile.url)
    sent = lambda: dict(client.get("/echo").json()["headers"]).get("Authorization")  # noqa: E731
    assert sent() is None
    client.trust_env = True
    assert sent() == requests.auth._basic_auth_str("joe", "secret")


# --- Everybody gets a say.


class Overriding(HttpSession):
    def send(self, request, **kwargs):
        self.sent = [*getattr(self, "sent", []), request.url]
        return super().send(request, **kwargs)


class Prepending(HttpSession):
    def _build_url(self, path):
        return super()._build_url("/echo?" + path)


def test_overridden_methods_are_called(hostile, events):
    client = Overriding(hostile.url, events.hook, None)
    assert client.get("/redirect?to=/ok").ok
    assert client.sent == [hostile.url + "/redirect?to=/ok", hostile.url + "/ok"] and len(events) == 1
    client = Prepending(hostile.url, events.hook, None)
    assert "/echo?/x" in client.get("/x").text


def test_replaced_methods_are_called(hostile, client, monkeypatch):
    calls = []
    original = client.send
    client.send = lambda request, **kwargs: calls.append("send") or original(request, **kwargs)
    assert client.get("/ok").ok and calls == ["send"]
    other = ours(hostile.url)
    assert other.get("/ok").ok
    monkeypatch.setattr(requests.Session, "prepare_request", lambda self, request: calls.append("prepare"))
    with pytest.raises(AttributeError):
        other.get("/ok")
    monkeypatch.undo()
    assert other.get("/ok").ok and calls == ["send", "prepare"]


def test_a_library_answers_instead(client, monkeypatch):
    """As those do that stand for servers in tests: by HTTPAdapter.send, or by get_adapter."""
    monkeypatch.setattr(HTTPAdapter, "send", lambda self, request, **kwargs: Own().send(request))
    assert client.get("/nothing").text == "own"
    monkeypatch.undo()
    monkeypatch.setattr(requests.Session, "get_adapter", lambda self, url: Own())
    assert client.get("/nothing").text == "own"
    monkeypatch.undo()
    assert client.get("/nothing").status_code == 404


def test_an_sdk_with_our_session(site, events):
    """One that has its own requests.Session and is given ours."""
    class Sdk:
        def __init__(self, session):
            self.session = session
            session.headers.update({"X-Sdk": "1"})
            session.auth = ("user", "password")
            session.verify = False
            session.hooks["response"].append(tag)
            session.cookies.set("sdk", "1")

        def call(self):
            request = requests.Request("POST", site.url + "/soap", data=b"<xml/>", headers={"SOAPAction": "x"})
            prepared = self.session.prepare_request(request)
            settings = self.session.merge_environment_settings(prepared.url, {}, None, None, None)
            return self.session.send(prepared, **settings)

    client = ours(site.url, events)
    sdk = Sdk(client)
    assert isinstance(client, requests.Session)
    response = sdk.call()
    assert response.text == "POST /soap <xml/>" and response.headers["X-Hook"] and not events
    sent = site.seen[0][2]
    assert (sent["X-Sdk"], sent["Cookie"], sent["SOAPAction"]) == ("1", "sdk=1", "x")
    assert sdk.session.post("/named", name="n").headers["X-Hook"] and [e["name"] for e in events] == ["n"]


def test_copies_of_sessions(client):
    client.headers["X"] = "1"
    client.mount("http://x", LocustHttpAdapter())
    for other in (copy.copy(client), pickle.loads(pickle.dumps(client))):
        assert other.headers["X"] == "1" and "http://x" in other.adapters


# --- Responses that requests has made are ours.


def test_an_adopted_response(client, events):
    kept = []
    with client.get("/status?code=404", hooks={"response": lambda r, **_: kept.append(r)}, catch_response=True) as r:
        assert isinstance(r, ResponseContextManager) and not events
        r.note = "mine"
        assert kept[0].note == "mine", "they share their attributes"
        assert not r.ok and r.error is None and r.request_meta["url"].endswith("/status?code=404")
        r.failure("no")
    assert repr(events.exceptions) == "[CatchResponseError('no')]"
    r = client.get("/status?code=404", hooks={"response": tag}, name="n", context={"a": 1})
    assert repr(events[-1]["exception"]) == "HTTPError('404 Client Error: Status for url: n')"
    assert events[-1]["context"] == {"a": 1} and events[-1]["response"] is r
    assert raised_by(r.raise_for_status)[0] == "HTTPError"
    for other in (copy.copy(r), pickle.loads(pickle.dumps(r))):
        assert (other.status_code, other.content, other.headers) == (r.status_code, r.content, r.headers)


def test_an_adopted_failure(client, events):
    r = client.get("/close-before-reply", hooks={"response": tag})
    assert (r.status_code, r.content, r.text, r.url) == (0, None, "", None)
    assert r.request.path_url == "/close-before-reply"
    assert repr(events.exceptions) == "[RemoteDisconnected('Remote end closed connection without response')]"
    with pytest.raises(requests.ConnectionError):
        bool(r)


def test_responses_wrapped_by_hand(hostile, events):
    plain = requests.get(hostile.url + "/status?code=404")
    meta = {"request_type": "GET", "name": "n", "response_time": 1, "response_length": 2, "exception": None,
            "context": {}, "url": plain.url, "start_time": 1.0}
    response = ResponseContextManager.wrap_response(plain, events.hook, meta, catch_response=True)
    meta["response"] = response
    assert isinstance(response, ResponseContextManager) and response.text == plain.text and not response.ok
    with response:
        assert not events
    assert repr(events.exceptions) == "[HTTPError('404 Client Error: Status for url: n')]"
    response._report_request()
    assert len(events) == 2 and events[1]["response"] is response
    with pytest.raises(TypeError):
        ResponseContextManager.wrap_response(5, events.hook, meta, True)


def test_what_is_no_response(client, events):
    with pytest.raises(AttributeError):
        client.get("/ok", hooks={"response": lambda r, **_: 5})
    assert not events
