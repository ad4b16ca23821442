"""FastHttpSession and FastHttpUser themselves: users, pools, streams, TLS, kills, limits."""

import argparse
import gc
import io
import pickle
import socket
import ssl
import threading
import time
import urllib.parse

import _locust
import nginx
import pytest
from _locust import Greenlet, Group, sleep
from fake import Environment, run
from http_pair import Events

import locust
from locust import FastHttpUser, HttpUser, task
from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    CompatResponse,
    ConnectionError,
    ErrorResponse,
    FastHttpSession,
    FastResponse,
    Headers,
    HTTPClientPool,
    LocustBadStatusCode,
    LocustUserAgent,
    ResponseContextManager,
)
from locust.exception import LocustError, RescheduleTask, ResponseError, StopTest


@pytest.fixture
def events():
    return Events()


def session(base, events=None, **settings):
    settings = {"max_retries": 0, "max_redirects": 30, "network_timeout": 5, "connection_timeout": 5, **settings}
    return FastHttpSession(base, (Events() if events is None else events).hook, None, **settings)


@pytest.fixture
def client(hostile, events):
    return session(hostile.url, events)


def sent(response):
    """Headers that a reply of /echo tells of."""
    return {name.lower(): value for name, value in response.json()["headers"]}


# --- Replies.


def test_what_they_are(client):
    reply = client.get("/ok")
    assert type(reply) is FastResponse and isinstance(reply, CompatResponse)
    assert type(client.get("/ok", catch_response=True)) is ResponseContextManager
    assert type(client.get("http://127.0.0.1:1/")) is ErrorResponse
    assert issubclass(LocustBadStatusCode, ConnectionError) and ConnectionError in FAILURE_EXCEPTIONS
    assert isinstance(reply.content, bytes) and isinstance(reply.headers, Headers)
    assert bool(reply) and len(reply) == 3 and reply.status == "200" and reply.data == b"ok\n"
    assert reply.info() is reply.headers and reply.isclosed() and reply.elapsed.total_seconds() > 0
    assert [hop.status_code for hop in client.get("/redirect-chain?n=2").history] == [302, 302]


def test_without_a_reply(client):
    reply = client.get("http://127.0.0.1:1/x", headers={"X": "1"})
    assert (reply.status_code, reply.content, reply.text, reply.headers) == (0, None, None, None)
    assert reply.ok and not reply and reply.url == reply.request.url == "http://127.0.0.1:1/x"
    assert reply.request.headers["x"] == "1" and isinstance(reply.error, ConnectionRefusedError)
    with pytest.raises(TypeError):
        reply.json()
    with pytest.raises(ConnectionRefusedError):
        reply.raise_for_status()


def test_a_bad_status(client):
    reply = client.get("/status?code=404")
    error = reply.error
    assert (str(error), repr(error)) == (f"URL {reply.url}: code=404", "LocustBadStatusCode(code=404)")
    assert error.code == 404 and error.response is reply and error.url == reply.url
    assert error.http_log.startswith(f"REQUEST: {reply.url}\nGET /status?code=404 HTTP/1.1\r\n")
    assert "RESPONSE: HTTP/1.1 404\n" in error.http_log and error.http_log.endswith("status 404\n")
    assert not hasattr(client.get("/ok"), "error")


def test_made_by_hand(client):
    error = ErrorResponse(None, ValueError("x"))
    assert error.status_code == 0 and error.url is None
    with pytest.raises(ValueError):
        error.raise_for_status()
    reply, hook = client.get("/status?code=404"), Events()
    meta = {"request_type": "GET", "name": "n", "response_time": 1, "response_length": 2, "exception": None,
            "context": {}, "response": reply, "url": "u", "start_time": 1.0}
    with ResponseContextManager(reply, hook.hook, meta, True) as block:
        assert (block.status_code, block.text, block.request_meta) == (404, "status 404\n", meta)
    assert hook[0]["name"] == "n" and isinstance(hook[0]["exception"], LocustBadStatusCode)


def test_text(client):
    reply = client.get("/ok")
    assert reply.encoding is None and reply.text == "ok\n" and reply.encoding == "ISO-8859-1"
    reply = client.get("/bytes?n=3")
    reply.encoding = "utf-16-be"
    assert reply.text.startswith("\u7878")
    assert client.get("/status?code=204").text == ""


def test_headers(client):
    headers = client.get("/set-cookie?a=1&b=2").headers
    assert headers["set-cookie"] == headers.getlist("SET-COOKIE") == ["a=1; Path=/", "b=2; Path=/"]
    assert headers.get("x") is None and "Content-Length" in headers and headers.getheaders("x") == []
    headers.add("X", "1")
    headers["x-y"] = "2"
    assert list(headers.items())[-2:] == [("X", "1"), ("x-y", "2")] and pickle.loads(pickle.dumps(headers)) == headers
    headers.update({"X": "3"}, Z="4")
    assert (headers["x"], headers.pop("Z"), headers.pop("Z", None), headers.setdefault("z", "5")) == ("3", "4", None, "5")
    headers.discard("nothing")
    del headers["Z"]
    assert "z" not in headers and len(Headers(a="1", b=["2", "3"])) == 3
    assert repr(Headers({"A": "1", "b": ["2", "3"]})) == "Headers({'A': '1', 'b': '2, 3'})"
    assert str(Headers({"A": "1"})) == "A: 1" and Headers({"A": "1"}) == {"a": "1"} != Headers()
    assert Headers({"A": "1"}) | {"B": "2"} == Headers(a="1", b="2") and Headers(a="1").values() == ["1"]
    with pytest.raises(KeyError):
        headers["nothing"]


def test_debug_stream(client):
    log = io.StringIO()
    client.post("/redirect?to=/echo&code=302", data="the body", debug_stream=log)
    assert log.getvalue().count("REQUEST: ") == 2 and "the body" in log.getvalue()
    assert "RESPONSE: HTTP/1.1 302\n" in log.getvalue() and "RESPONSE: HTTP/1.1 200\n" in log.getvalue()


def test_the_callers_headers_stay(client):
    headers = {"X": "1"}
    client.post("/ok", json={}, headers=headers, auth=("a", "b"))
    assert headers == {"X": "1"}


def test_request_name_and_rename_request(client, events):
    with client.rename_request("block"):
        client.get("/ok")
        client.get("/ok", name="own")
    client.get("/ok")
    assert [event["name"] for event in events] == ["block", "own", "/ok"]


@pytest.mark.parametrize("arguments", [("GET",), (), ("GET", "/", *range(10))])
def test_wrong_arguments(client, events, arguments):
    with pytest.raises(TypeError):
        client.request(*arguments)
    with pytest.raises(TypeError):
        client.get("/ok", "a", "b")
    assert not events


def test_credentials_of_the_host(hostile):
    client = session(hostile.url.replace("//", "//joe:p%40ss@"))
    assert client.base_url == hostile.url and client.auth_header == "Basic am9lOnBAc3M="
    assert sent(client.get("/echo"))["authorization"] == "Basic am9lOnBAc3M="
    assert sent(client.get("/echo", auth=("a", "b")))["authorization"] == "Basic YTpi"


# --- Streams.


def test_lines_come_as_they_are_sent(client, events):
    start, times = time.monotonic(), []
    lines = []
    for line in client.iter_lines("/slow-body?ms=80&n=3"):
        lines.append(line)
        times.append(time.monotonic() - start)
    assert lines == ["piece"] * 3 and times[0] < 0.2 < times[2]
    assert events[0]["response_length"] == 18 and events[0]["response_time"] < 150


def test_parts_of_a_stream(client):
    reply = client.get("/bytes?n=100000", stream=True)
    assert reply.stream.read(10) == b"x" * 10 and len(reply.read(70000)) == 70000 and not reply.isclosed()
    assert len(reply.content) == 29990 == len(reply.content) and reply.isclosed()
    reply = client.get("/chunked", stream=True)
    assert reply.readline(b"o") == b"hello" and reply.stream.readline(b"\n") == b" world\n"
    assert b"".join(client.get("/chunked", stream=True)) == b"hello world\n"
    assert client.get("/gzip", stream=True).text == "Compressed by hand, read by many.\n"
    assert list(client.get("/ok").iter_content(2)) == ["ok", "\n"]
    assert list(client.get("/ok").iter_content(2, decode_content=False)) == [b"ok", b"\n"]


def test_a_character_in_two_chunks():
    """iter_content() splits no character, and keeps what is no text."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = "http://127.0.0.1:%d/" % server.getsockname()[1]
        body = "aé€".encode() + b"\xff\xfe"

        def answer():
            with server.accept()[0] as connection:
                connection.recv(10000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        thread = threading.Thread(target=answer)
        thread.start()
        chunks = list(session(url).get("", stream=True).iter_content(2))
        thread.join()
    assert "".join(chunk for chunk in chunks if isinstance(chunk, str)) == "aé€"
    assert b"".join(chunk for chunk in chunks if isinstance(chunk, bytes)) == b"\xff\xfe"


def test_a_stream_that_breaks(client, events):
    reply = client.get("/truncated", stream=True)
    assert reply.read(4) == b"only"
    with pytest.raises(FAILURE_EXCEPTIONS, match="Incomplete"):
        reply.read()
    assert events[0]["exception"] is None and reply.status_code == 200


def test_a_stream_that_is_not_wanted(hostile, client):
    with client.get("/bytes?n=30000000", stream=True) as reply:
        assert len(reply.read(100)) == 100
    reply = client.get("/slow-body?ms=1000&n=100", stream=True)
    reply.release()
    del reply
    gc.collect()
    assert client.get("/ok").text == "ok\n"
    hostile.counts(open=1)


def test_uploads(client, tmp_path):
    file = tmp_path / "upload.bin"
    file.write_bytes(b"y" * 200_000)
    with open(file, "rb") as f:
        f.seek(50_000)
        told = client.post("/echo", data=f).json()
    assert len(told["body"]) == 150_000 and ["Content-Length", "150000"] in told["headers"]
    told = client.post("/echo", data=(part for part in (b"a", "b", b""))).json()
    assert told["body"] == "ab" and ["Transfer-Encoding", "chunked"] in told["headers"]
    with open(file, "rb") as f:
        assert len(client.post("/redirect?to=/echo&code=307", data=f).json()["body"]) == 200_000
    with pytest.raises(ZeroDivisionError):
        client.post("/echo", data=(b"x" * (1 // n) for n in (1, 0)))
    assert client.get("/ok").ok


# --- Connections.


def test_concurrency(hostile, events):
    client = session(hostile.url, events, concurrency=2)
    start = time.monotonic()
    group = [Greenlet.spawn(client.get, "/delay?ms=100") for _ in range(4)]
    for one in group:
        one.join(5)
    assert 0.2 <= time.monotonic() - start < 1 and all(one.value.ok for one in group)
    assert sorted(event["response_time"] > 190 for event in events) == [False, False, True, True]
    assert hostile.counts(open=2)[0] == 2


def test_a_pool_of_several(hostile):
    pool = HTTPClientPool(concurrency=1)
    one, other = (session(hostile.url, client_pool=pool) for _ in range(2))
    one.get("/set-cookie?a=1")
    assert "cookie" not in sent(other.get("/echo")) and sent(one.get("/echo"))["cookie"] == "a=1"
    assert hostile.counts(open=1)[0] == 1
    assert one.client.clientpool is pool is other.client.clientpool
    group = [Greenlet.spawn(client.get, "/delay?ms=50") for client in (one, other)]
    start = time.monotonic()
    for each in group:
        each.join(5)
    assert time.monotonic() - start >= 0.1
    assert list(pool.clients) == [hostile.address] and pool.client_args == {"concurrency": 1}
    assert pool.get_client(hostile.url).get("/status?code=404").status_code == 404
    hostile.counts(open=1)
    pool.close()
    hostile.counts(open=0)
    assert one.get("/ok").ok
    del one, other, pool, group, each
    gc.collect()
    hostile.counts(open=0)


def test_closing_the_pool_of_a_user(hostile, client):
    client.get("/ok")
    client.client.clientpool.close()
    hostile.counts(open=0)
    assert client.get("/ok").ok and list(client.client.clientpool.clients) == [hostile.address]
    client.client.close()
    hostile.counts(open=0)
    assert client.client.clientpool.client_args["insecure"] is True
    with pytest.raises(TypeError):
        client.client.clientpool = None


def test_kept_connections(hostile, client):
    """One that the server closed is replaced, without a failure; a new one that it closes is not."""
    client.get("/close-on-second")
    assert client.get("/ok").ok and client.post("/ok", data="x").ok
    told = hostile.counts(open=1)
    assert told[0] == 2
    before = hostile.json("/count")["connections"]
    assert session(hostile.url).get("/close-before-reply").status_code == 0
    assert hostile.json("/count")["connections"] == before + 2, "asked once, and this question"


def test_the_agent(client, hostile):
    agent = client.client
    assert (agent.max_redirects, agent.max_retries, agent.retry_delay) == (30, 0, 0)
    assert agent.cookiejar is client.cookiejar and isinstance(agent, LocustUserAgent)
    agent.default_headers["X-All"] = "1"
    assert sent(client.get("/echo"))["x-all"] == "1"
    agent.redirect_resonse_codes = frozenset()
    assert client.get("/redirect?to=/ok").status_code == 302 and agent.redirect_response_codes == frozenset()
    assert agent.urlopen(hostile.url + "/ok").content == b"ok\n"
    assert agent.urlopen(hostile.url + "/ok", to_string=True) == b"ok\n"
    with pytest.raises(ConnectionError):
        agent.urlopen(hostile.url + "/status?code=500")


def test_retries_with_a_delay(hostile, events):
    client = session(hostile.url, events, max_retries=2, network_timeout=0.1, retry_delay=0.1)
    error = client.get("/silent").error
    assert repr(error).endswith("/silent', 2, original=timed out)") and isinstance(error.original, TimeoutError)
    assert events[0]["response_time"] >= 500
    assert hostile.counts(open=0)[1] == 3


@pytest.mark.parametrize("proxy", ["http", "tunnel"])
def test_proxy(hostile, hostile_tls, proxy):
    """A proxy is asked for the whole URL, or for a tunnel."""
    heard = []

    def serve(listener):
        with listener.accept()[0] as connection:
            heard.append(connection.recv(10000).decode())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" if proxy == "http"
                               else b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        host, port = listener.getsockname()
        client = session("http://site.example" if proxy == "http" else "https://site.example", proxy_host=host,
                         proxy_port=port)
        reply = client.get("/page")
        thread.join()
    if proxy == "http":
        assert heard[0].startswith("GET http://site.example/page HTTP/1.1\r\n") and reply.text == "hi"
    else:
        assert heard[0].startswith("CONNECT site.example:443 HTTP/1.1\r\n") and reply.status_code == 0
    with pytest.raises(AssertionError):
        session("http://x", proxy_host="h")


# --- TLS.


@pytest.mark.parametrize("certificate", ["good", "expired", "wrong_host", "self_signed"])
def test_certificates(hostile_tls, certs, certificate):
    url = hostile_tls(certificate).urls[1]
    assert session(url).get("/ok").ok, "nothing is checked"

    def context(cafile=None):
        return ssl.create_default_context(cafile=str(certs["ca"].cert))

    reply = session(url, insecure=False, ssl_context_factory=context).get("/ok")
    assert reply.status_code == (200 if certificate == "good" else 0)
    if certificate != "good":
        assert isinstance(reply.error, ssl.SSLError) and "CERTIFICATE_VERIFY_FAILED" in repr(reply.error)
    assert session(url, insecure=False).get("/ok").status_code == 0, "the authority is not among the usual ones"
    reply = session(url, ssl_context_factory=context).get("/ok")
    assert reply.status_code == (200 if certificate in ("good", "wrong_host") else 0), "insecure: any name will do"


def test_authorities_of_the_environment(hostile_tls, certs, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certs["ca"].cert))
    assert session(hostile_tls("good").urls[1], insecure=False).get("/ok").status_code == 200


def contexts(certs):
    """Contexts that trust our authority, made in all ways."""
    def loaded():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certs["ca"].cert)
        return context

    def of_data():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certs["ca"].cert.read_text())
        return context

    def of_binary():
        der = ssl.PEM_cert_to_DER_cert(certs["ca"].cert.read_text())
        return ssl.create_default_context(cadata=der)

    def of_two_files():
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=str(certs["ca"].cert))
        return context

    return {"loaded": loaded, "data": of_data, "binary": of_binary, "two files": of_two_files}


@pytest.mark.parametrize("name", ["loaded", "data", "binary", "two files"])
def test_what_a_context_trusts(hostile_tls, certs, name):
    factory = contexts(certs)[name]
    url = hostile_tls("good").urls[1]
    assert session(url, insecure=False, ssl_context_factory=factory).get("/ok").status_code == 200
    assert session(url, insecure=False, ssl_context_factory=factory).client.clientpool.client_args[
        "ssl_context_factory"] is factory


def test_a_context_that_checks_nothing(hostile_tls):
    def factory():
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    assert session(hostile_tls("self_signed").urls[1], ssl_context_factory=factory).get("/ok").ok


def test_a_client_certificate(certs):
    """What load_cert_chain() was told is shown to the server."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certs["good"].cert, certs["good"].key)
    server_context.load_verify_locations(certs["ca"].cert)
    server_context.verify_mode = ssl.CERT_REQUIRED
    seen = []

    class Certified(FastHttpUser):
        host = "https://127.0.0.1"
        insecure = True

        def ssl_context_factory(self):
            context = ssl.create_default_context(cafile=str(certs["ca"].cert))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(str(certs["good"].cert), str(certs["good"].key))
            return context

    def serve(listener):
        with listener.accept()[0] as plain, server_context.wrap_socket(plain, server_side=True) as connection:
            seen.append(connection.getpeercert()["subject"])
            connection.recv(10000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Certified.host += f":{listener.getsockname()[1]}"
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        reply = Certified(Environment()).client.get("/")
        thread.join()
    assert reply.text == "hi" and seen == [((("commonName", "test good"),),)]


# --- What others lack.


@pytest.fixture(scope="module")
def web(tmp_path_factory, certs):
    if nginx.program() is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    with nginx.Nginx(tmp_path_factory.mktemp("nginx") / "root", certs["good"]) as server:
        yield server


def test_http_2(web, events):
    client = session(web.secure, events, http_version="2")
    client.report_timings = True
    first, second = client.get("/ok"), client.get("/ok")
    assert first.text == second.text == "ok"
    assert (first.timings["reused"], second.timings["reused"]) == (False, True) and first.timings["tls"] > 0
    assert [event["timings"] for event in events] == [first.timings, second.timings]
    with client.get("/ok", catch_response=True) as third:
        assert third.request_meta["timings"] == third.timings
    with pytest.raises(ValueError, match="http_version must be"):
        session(web.plain, http_version="3").get("/ok")


def test_versions_of_a_user(web, hostile):
    seen = []
    environment = Environment()
    environment.parsed_options = argparse.Namespace(http_version="1.0")
    for version in (None, "1.1"):
        user = user_of(hostile, None, http_version=version, report_timings=True)(environment)
        reply = user.client.get("/echo")
        seen.append((reply.json()["line"], reply.timings["total"] > 0))
    assert seen == [("GET /echo HTTP/1.0", True), ("GET /echo HTTP/1.1", True)]
    assert session(hostile.url).get("/ok").timings is None


def test_a_unix_socket(web):
    client = session(f"http+unix://{urllib.parse.quote(str(web.socket), safe='')}")
    assert client.base_url == "http://localhost" and client.get("/ok").text == "ok"


# --- Hostile servers, beyond those of fast_calls.py.


@pytest.mark.parametrize("path, kind", [
    ("/endless-headers", "HTTPParseError"),
    ("/huge-header?n=200000", "HTTPParseError"),
    ("/gzip-bomb?mb=200", "ConnectionError"),
])
def test_too_much(client, events, path, kind):
    """A server that sends without end is a failure, and takes no memory."""
    start = time.monotonic()
    reply = client.get(path)
    assert time.monotonic() - start < 5 and len(events) == 1
    assert type(events[0]["exception"]).__name__ == kind and not events[0]["response_length"]
    assert reply.content is None or len(reply.content) < 100_000_000
    assert client.get("/ok").ok


def test_limits_of_a_connection(hostile, events):
    """Nobody accepts: connection_timeout, not network_timeout."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = "http://127.0.0.1:%d/" % full.getsockname()[1]
        with socket.create_connection(full.getsockname()):
            reply = session(url, events, connection_timeout=0.2, network_timeout=5).get("")
        assert repr(reply.error) == f"RetriesExceeded('{url}', 0, original=timed out)"
        assert 200 <= events[0]["response_time"] < 3000


# --- Users.


def user_of(hostile, body, base=FastHttpUser, **attributes):
    """A class of users that do one thing and are done."""
    def work(self):
        body(self)
        self.stop()

    return type("Somebody", (base,), {"host": hostile.url, "work": task(work), **attributes})


def test_a_user(hostile):
    seen = []
    environment = Environment()
    environment.events.request.add_listener(lambda **event: seen.append(event))
    run(user_of(hostile, lambda self: self.client.get("/ok"), context=lambda self: {"who": "me"},
                default_headers={"X-A": "1"}), environment=environment)
    assert seen[0]["name"] == "/ok" and seen[0]["exception"] is None and seen[0]["context"] == {"who": "me"}
    assert locust.FastHttpUser is FastHttpUser


def test_settings_reach_the_session(hostile):
    user = user_of(hostile, None, max_redirects=1, max_retries=2, default_headers={"User-Agent": "me"},
                   concurrency=3, network_timeout=0.2)(Environment())
    agent = user.client.client
    assert (agent.max_redirects, agent.max_retries) == (1, 2) and agent.clientpool.client_args["concurrency"] == 3
    assert sent(user.client.get("/echo"))["user-agent"] == "me" and user.client.user is user
    assert user.client.get("/redirect-chain?n=2").status_code == 0


def test_a_user_without_host():
    with pytest.raises(StopTest):
        type("Nobody", (FastHttpUser,), {"work": task(lambda self: None)})(Environment())


def test_a_kill(hostile, events):
    """A user that is killed in a request reports nothing, and its connection goes."""
    client = session(hostile.url, events)
    group = Group()
    one = group.spawn(client.get, "/silent")
    sleep(0.1)
    one.kill()
    assert not events
    hostile.counts(open=0)
    assert client.get("/ok").ok


def test_a_timeout_around_a_call_is_a_failure(client, events):
    with _locust.Timeout(0.1) as timeout:
        reply = client.get("/silent")
    assert reply.error.original is timeout and events[0]["exception"] is reply.error
    assert 90 < events[0]["response_time"] < 1000 and client.get("/ok").ok


def test_other_exceptions_go_on(client, events):
    def throw():
        with pytest.raises(KeyError):
            client.get("/silent")

    one = Greenlet.spawn(throw)
    sleep(0.05)
    one.kill(KeyError("x"), block=True)
    assert one.successful() and not events


def test_listeners_that_raise(client, events):
    def listener(**event):
        raise RescheduleTask

    client.request_event.add_listener(listener)
    with pytest.raises(RescheduleTask):
        client.get("/ok")
    with pytest.raises(RescheduleTask), client.get("/ok", catch_response=True) as reply:
        reply.success()


def test_what_leaves_a_block(client, events):
    with client.get("/ok", catch_response=True):
        raise ResponseError("bad")
    assert repr(events[0]["exception"]) == "ResponseError('bad')"
    with pytest.raises(RescheduleTask), client.get("/ok", catch_response=True):
        raise RescheduleTask
    assert len(events) == 1
    with pytest.raises(LocustError):
        client.get("/ok").success()


# --- rest()


JSON = "/echo"


@pytest.fixture(params=[FastHttpUser, HttpUser])
def rest_user(request, hostile):
    """A user, and what it reports."""
    environment = Environment()
    events = []
    environment.events.request.add_listener(lambda **event: events.append(event))
    user = user_of(hostile, None, base=request.param)(environment)
    user.events = events
    return user


def failure(user):
    return str(user.events[-1]["exception"])


def test_rest(rest_user):
    with rest_user.rest("POST", JSON, json={"a": 1}) as reply:
        assert reply.js["body"] == '{"a": 1}' and sent(reply)["accept"] == sent(reply)["content-type"] == "application/json"
    assert rest_user.events[-1]["exception"] is None
    headers = {"Accept": "text/x"}
    with rest_user.rest("GET", JSON, headers=headers) as reply:
        assert sent(reply)["accept"] == "text/x"
    with rest_user.rest("GET", "/status?code=204") as reply:
        assert reply.js is None
    assert headers == {"Accept": "text/x"} and rest_user.events[-1]["exception"] is None


def test_rest_of_no_json(rest_user):
    with rest_user.rest("GET", "/bytes?n=300") as reply:
        assert reply.js is None
    assert failure(rest_user) == (f"Could not parse response as JSON. {'x' * 250}, response code 200, error "
                                  "Expecting value: line 1 column 1 (char 0)")


def test_rest_without_a_reply(rest_user):
    with rest_user.rest("GET", "http://127.0.0.1:1/") as reply:
        assert reply.js is None
    assert "Connection refused" in failure(rest_user)


@pytest.mark.parametrize("error, text", [
    (AssertionError(), "Assertion failed"),
    (AssertionError("wrong"), "wrong"),
    (AssertionError("wrong,"), 'wrong, response was {"line": "GET /echo HTTP/1.1"'),
    (KeyError("x"), "KeyError: 'x' at "),
    (RescheduleTask("y"), "RescheduleTask: y at "),
])
def test_rest_and_what_a_block_raises(rest_user, error, text):
    with rest_user.rest("GET", JSON):
        raise error
    told = failure(rest_user)
    assert told.startswith(text)
    if not isinstance(error, AssertionError):
        assert f"{__file__}:" in told and ' in test_rest_and_what_a_block_raises. Response was {"line"' in told
        assert len(told.partition("Response was ")[2]) == 200


def test_rest_with_a_time(rest_user):
    with rest_user.rest_("GET", JSON) as reply:
        number = reply.js["line"].split("_=")[1].split()[0]
        assert abs(int(number) / 1000 - time.time()) < 60
    with rest_user.rest_("GET", JSON + "?a=1") as reply:
        assert "/echo?a=1&_=" in reply.js["line"]
    with rest_user.rest_("GET", JSON, name="mine"):
        pass
    assert [event["name"] for event in rest_user.events] == ["/echo?_=...", "/echo?a=1&_=...", "mine"]


# --- geventhttpclient


def test_the_package(hostile):
    import geventhttpclient
    from geventhttpclient.client import HTTPClientPool as Pool
    from geventhttpclient.header import Headers as PackageHeaders
    from geventhttpclient.response import HTTPConnectionClosed
    from geventhttpclient.url import URL
    from geventhttpclient.useragent import BadStatusCode, CompatRequest, UserAgent

    assert Pool is HTTPClientPool and PackageHeaders is Headers and UserAgent is geventhttpclient.UserAgent
    client = geventhttpclient.HTTPClient.from_url(hostile.url + "/ignored", headers={"X": "1"})
    assert client.get("/status?code=500").status_code == 500
    reply = client.post("/echo", body=b"abc", headers={"Y": "2"})
    told = reply.json()
    assert told["body"] == "abc" and {"X", "Y"} <= {name for name, _ in told["headers"]}
    assert client.get("/redirect?to=/ok").status_code == 302
    client.close()
    with pytest.raises(HTTPConnectionClosed), UserAgent() as agent:
        agent.urlopen(hostile.url + "/close-before-reply")
    with pytest.raises(BadStatusCode):
        UserAgent().urlopen(hostile.url + "/status?code=404")
    url = URL("https://user:secret@Example.org/a;b?c=d#e", params={"x": 1})
    assert (url.host, url.port, url.scheme, url.request_uri) == ("example.org", 443, "https", "/a;b?c=d&x=1")
    request = CompatRequest("http://h:1/x", headers=Headers(a="1"))
    assert request.get_full_url() == "http://h:1/x" and request.get_host() == "h" and request.get_header("A") == "1"
