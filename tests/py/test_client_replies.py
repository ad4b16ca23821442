"""Replies as servers are seen to send them, byte by byte, and what both clients make of them."""

import contextlib
import gzip
import random
import socket
import sys
import threading

import pytest
import requests
from http_pair import Events, ours

from locust import _requests_pools as pools
from locust.contrib.fasthttp import FastHttpSession


class Scripted:
    """A server that replies with the bytes that were last given to it; to /end with its own."""

    END = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"
    reply = END

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.requests = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as file:
            while (lines := self.read_head(file)) and b" HTTP/" in lines[0]:
                self.requests.append(lines)
                connection.sendall(self.END if lines[0].split()[1].endswith(b"/end") else self.reply)

    @staticmethod
    def read_head(file):
        lines = []
        while (line := file.readline()) not in (b"", b"\r\n"):
            lines.append(line.rstrip())
        return lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.fixture
def server():
    with Scripted() as server:
        yield server


@pytest.fixture
def events():
    return Events()


def fast(base, events, **settings):
    settings = {"max_retries": 0, "max_redirects": 30, "network_timeout": 5.0, "connection_timeout": 5.0, **settings}
    return FastHttpSession(base, events.hook, None, **settings)


@pytest.fixture(params=[ours, fast])
def client(request, server, events):
    return request.param(server.url, events)


def reply(*headers, status="200 OK", body=b"body"):
    head = "".join(f"{line}\r\n" for line in [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"])
    return head.encode("latin-1") + b"\r\n" + body


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["X-Folded: one", " two"], "one two"),
        (["X-Folded: one", "\ttwo", "   three"], "one two three"),
        (["X-Folded: one", " two: three"], "one two: three"),
        (["X-Folded:", " one"], "one"),
        ([" lost: because it follows nothing", "X-Folded: one"], "one"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_folded_headers(server, client, lines, value, stream):
    client.get("/end")  # what libcurl keeps of this must not be taken for a part of the next
    server.reply = reply(*lines)
    headers = dict(client.get("/", stream=stream).headers.items())
    assert {name.lower(): text for name, text in headers.items()} == {"x-folded": value, "content-length": "4"}


def test_a_folded_cookie_and_a_folded_location(server, client):
    server.reply = reply("Set-Cookie: a=1;", " path=/end", "Location:", " /end", status="302 Found")
    assert client.get("/").text == "end"
    assert b"Cookie: a=1" in server.requests[-1]


def chunked(body, size=1000):
    chunks = (body[i : i + size] for i in range(0, len(body), size))
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"


SENT = {
    "plain": lambda body: reply(body=body),
    "long header": lambda body: reply("X-Long: " + "l" * min(len(body), 30000), body=body),
    "gzip": lambda body: reply("Content-Encoding: gzip", body=gzip.compress(body)),
    "zeros in gzip": lambda body: reply("Content-Encoding: gzip", body=gzip.compress(bytes(len(body)))),
    "chunked": chunked,
}


@pytest.mark.parametrize("way", SENT)
def test_sizes_that_change(server, client, way):
    """What is read at a time depends on the sizes of the replies before; what comes of it does not."""
    few = [0, 5, 1000] * 40
    for n in [*few, 70000, 5, 3000, *few, 2047, *few, 2049, *few, 16385, *few, 3000000, 5]:
        body = random.Random(n).randbytes(n)
        server.reply = SENT[way](body)
        assert client.get("/").content == (bytes(n) if "zeros" in way else body)


@pytest.mark.parametrize("coding", ["utf-8", "aws-chunked", "gzip, utf-8", "none", ""])
def test_a_coding_that_nobody_knows(server, client, events, coding):
    server.reply = reply(f"Content-Encoding: {coding}")
    assert client.get("/").content == b"body"
    assert events.exceptions == [None]


def test_a_coding_that_nobody_knows_is_forgotten(server, client, events):
    """The handle that the transfer used undoes the next coding."""
    server.reply = reply("Content-Encoding: utf-8")
    client.get("/")
    server.reply = reply("Content-Encoding: gzip", body=gzip.compress(b"body"))
    assert client.get("/").content == b"body"
    assert events.exceptions == [None, None]


def test_a_location_that_is_empty(server, client, events):
    server.reply = reply("Location: ", status="302 Found")
    response = client.get("/")
    assert (response.status_code, response.content, len(response.history)) == (302, b"body", 0)
    assert len(server.requests) == 1 and events.exceptions == [None]


@pytest.mark.parametrize("age", ["later", "1.5", "1e3", "", "-"])
def test_a_cookie_whose_age_is_no_number(server, client, age):
    server.reply = reply(f"Set-Cookie: a=1; Max-Age={age}")
    client.get("/")
    client.get("/end")
    assert not any(line.startswith(b"Cookie") for line in server.requests[-1])


@pytest.mark.parametrize("age", ["60", "+60", "9" * 30])
def test_a_cookie_that_lives_long(server, client, age):
    server.reply = reply(f"Set-Cookie: a=1; Max-Age={age}")
    client.get("/")
    client.get("/end")
    assert b"Cookie: a=1" in server.requests[-1]


# Settings whose numbers are large.


@pytest.mark.parametrize("make", [ours, fast])
@pytest.mark.parametrize("most", [2**31, sys.maxsize])
def test_any_number_of_redirects(server, events, make, most):
    client = make(server.url, events)
    (client if make is ours else client.client).max_redirects = most
    server.reply = reply("Location: /end", status="302 Found")
    assert client.get("/").text == "end"


@pytest.mark.parametrize("limit", [float("inf"), 1e10, 1e300, 10**15])
def test_time_limits_that_never_end(server, events, limit):
    server.reply = reply()
    clients = [fast(server.url, events, network_timeout=limit, connection_timeout=limit), ours(server.url, events)]
    assert clients[0].get("/").ok
    assert clients[1].get("/", timeout=limit).ok and clients[1].get("/", timeout=(limit, limit)).ok
    assert events.exceptions == [None, None, None]


@pytest.mark.parametrize("port", [65536, 99999])
def test_a_port_that_is_none(events, port):
    with pytest.raises(requests.exceptions.InvalidURL):
        ours("http://127.0.0.1", events).get(f"http://127.0.0.1:{port}/")
    assert not events


@pytest.mark.parametrize("method", ["GET\r\nX: y", "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET", "GET\0", "G\tT", " GET", "G\x7f"])
def test_a_method_is_one_word(server, client, events, method):
    with pytest.raises(ValueError, match="invalid HTTP method"):
        client.request(method, "/")
    assert not server.requests and not events


# Odd uses of HttpSession.


def test_credentials_of_a_proxy_are_sent_once(server, events):
    proxy = server.url.replace("//", "//joe:secret@")
    assert ours(server.url, events).get("http://example.invalid/end", proxies={"http": proxy}).text == "end"
    (line,) = [line for line in server.requests[-1] if line.lower().startswith(b"proxy-authorization")]
    assert line == b"Proxy-Authorization: Basic am9lOnNlY3JldA=="


def test_a_session_without_headers(server, events):
    server.reply = reply()
    session = ours(server.url, events)
    session.headers = None
    assert session.get("/").ok
    assert {line.split(b":")[0] for line in server.requests[-1][1:]} == {b"Host", b"User-Agent", b"Accept-Encoding"}


def test_a_hook_that_raises_for_status(server, events):
    server.reply = reply(status="500 No")
    response = ours(server.url, events).get("/", hooks={"response": lambda r, **_: r.raise_for_status()})
    assert response.status_code == 0 and not response.ok and not response
    assert isinstance(events.exceptions[0], requests.HTTPError)


@pytest.mark.parametrize("make", [ours, fast])
def test_what_is_no_exception_is_wrapped(server, events, make):
    server.reply = reply()
    with make(server.url, events).get("/", catch_response=True) as response:
        response.failure(KeyboardInterrupt("no"))
    assert repr(events.exceptions[0]) == "CatchResponseError(KeyboardInterrupt('no'))"


@pytest.mark.parametrize("error", [OSError(5, "broken"), requests.ConnectionError("broken")])
@pytest.mark.parametrize("name", [None, "named"])
def test_a_body_that_breaks_off_is_a_failure(server, events, error, name):
    def body():
        yield b"begun"
        raise error

    response = ours(server.url, events).post("/x?a=1#f", data=body(), params={"b": 2}, name=name)
    (event,) = events
    assert (response.status_code, event["exception"], event["response_length"]) == (0, error, 0)
    assert event["name"] == (name or "/x?a=1&b=2") and event["url"] == server.url + "/x?a=1&b=2#f"
    assert event["response_time"] > 0 and response.request.method == "POST"
    with pytest.raises(requests.ConnectionError, match="Connection aborted"):
        response.raise_for_status()


def test_another_exception_of_a_body_goes_on(server, events):
    def body():
        yield b"begun"
        raise KeyError("broken")

    with pytest.raises(KeyError):
        ours(server.url, events).post("/", data=body())
    assert not events


def test_a_file_that_is_closed_while_it_is_read():
    """By another green thread, say."""

    class Reply:
        status, reason, version, headers, is_read, failure = 200, "OK", 11, [], False, None

        def read(self, most, fill):
            file.close()
            return b"x"

    for read in ("read", "read1"):
        file = pools.ReplyFile(Reply(), pools.message_of([]))
        assert getattr(file, read)(4) == b"x" and file.closed
