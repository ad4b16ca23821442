"""The hostile server itself: what it does is what its README says."""

import gzip
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import struct
import sys
import time
import zlib

import pytest
from serving import Server, read_line

CLOSE = "Connection: close\r\n"
ZIPPED = b"Compressed by hand, read by many.\n"


def connect(server):
    return socket.create_connection(server.address, timeout=10)


def send(server, data):
    """All that comes on a new connection until the server ends it."""
    received = b""
    with connect(server) as s:
        s.sendall(data)
        while piece := s.recv(65536):
            received += piece
    return received


def ask(server, path, method="GET", headers=""):
    return send(server, f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode())


def get(server, path, method="GET", **more):
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.request(method, path, **more)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply, body


def test_ok_keeps_the_connection(hostile):
    connection = http.client.HTTPConnection(*hostile.address, timeout=10)
    for _ in range(3):
        connection.request("GET", "/ok")
        assert connection.getresponse().read() == b"ok\n"
    connection.close()
    assert hostile.json("/count") == {"connections": 2, "open": 1, "requests": 4}


def test_pipelined_requests_are_answered_in_order(hostile):
    received = send(hostile, b"GET /delay?ms=50 HTTP/1.1\r\n\r\n"
                             b"GET /status?code=404 HTTP/1.1\r\n\r\n"
                             b"GET /close-before-reply HTTP/1.1\r\n\r\n")
    statuses = [line for line in received.split(b"\r\n") if b"HTTP/1.1" in line]
    assert statuses == [b"HTTP/1.1 200 OK", b"ok\nHTTP/1.1 404 Status"]


def test_unknown_path(hostile):
    assert get(hostile, "/nothing")[0].status == 404


def test_not_http_is_closed(hostile):
    with connect(hostile) as s:
        s.sendall(b"this is not HTTP\r\n\r\n")
        assert s.recv(100) == b""


def test_bytes(hostile):
    assert get(hostile, "/bytes?n=300000")[1] == b"x" * 300000


def test_echo_tells_all(hostile):
    received = send(hostile, b"POST /echo?x=%20 HTTP/1.1\r\nb: 2\r\nA:  1\r\n"
                             b"Content-Length: 4\r\nConnection: close\r\n\r\n\xff\"\\\n")
    told = json.loads(received.split(b"\r\n\r\n", 1)[1])
    assert told["line"] == "POST /echo?x=%20 HTTP/1.1"
    assert told["headers"] == [["b", "2"], ["A", "1"], ["Content-Length", "4"],
                               ["Connection", "close"]]
    assert told["body"].encode("latin-1") == b"\xff\"\\\n"


def test_echo_joins_chunks(hostile):
    _, body = get(hostile, "/echo", "POST", body=iter([b"one ", b"two"]), encode_chunked=True,
                  headers={"Transfer-Encoding": "chunked"})
    assert json.loads(body)["body"] == "one two"


def test_large_upload(hostile):
    sent = os.urandom(300000)
    _, body = get(hostile, "/echo", "PUT", body=sent)
    assert json.loads(body)["body"].encode("latin-1") == sent


@pytest.mark.parametrize("code", [201, 204, 304, 404, 503])
def test_status(hostile, code):
    assert get(hostile, f"/status?code={code}")[0].status == code


def test_close(hostile):
    assert ask(hostile, "/close-before-reply") == b""


@pytest.mark.parametrize("path, before", [
    ("/reset-before-reply", b""),
    ("/reset-in-header", b"HTTP/1.1 200 OK\r\nContent-Type: text/pl"),
    ("/reset-in-body", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly the beginning"),
])
def test_reset(hostile, path, before):
    with connect(hostile) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        received = b""
        with pytest.raises(ConnectionResetError):
            while True:
                piece = s.recv(65536)
                assert piece != b"", "FIN instead of RST"
                received += piece
    assert received == before


def test_truncated(hostile):
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(hostile, "/truncated")
    assert caught.value.partial == b"only the beginning"


@pytest.mark.parametrize("path", ["/short-chunk", "/bad-chunk-size"])
def test_bad_chunks(hostile, path):
    with pytest.raises(http.client.IncompleteRead):
        get(hostile, path)


@pytest.mark.parametrize("path", ["/garbage", "/bad-status-line"])
def test_not_a_reply(hostile, path):
    with pytest.raises(http.client.BadStatusLine):
        get(hostile, path)


def test_silent(hostile):
    with connect(hostile) as s:
        s.sendall(b"GET /silent HTTP/1.1\r\n\r\n")
        s.settimeout(0.3)
        with pytest.raises(TimeoutError):
            s.recv(1)
        assert hostile.json("/count")["open"] == 2
    deadline = time.monotonic() + 5
    while hostile.json("/count")["open"] > 1:
        assert time.monotonic() < deadline, "a hang-up goes unnoticed"


def test_close_on_second(hostile):
    connection = http.client.HTTPConnection(*hostile.address, timeout=10)
    connection.request("GET", "/close-on-second")
    assert connection.getresponse().read() == b"ok\n"
    connection.request("GET", "/ok")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()


def test_keepalive_then_close(hostile):
    start = time.monotonic()
    assert ask(hostile, "/keepalive-then-close?ms=200").endswith(b"ok\n")
    assert time.monotonic() - start >= 0.2


def test_keepalive_then_close_waits_for_idleness(hostile):
    connection = http.client.HTTPConnection(*hostile.address, timeout=10)
    connection.request("GET", "/keepalive-then-close?ms=100")
    connection.getresponse().read()
    for path in ("/delay?ms=300", "/ok"):
        connection.request("GET", path)
        assert connection.getresponse().read() == b"ok\n"
        time.sleep(0.2)
    connection.close()


def test_delay_is_exact(hostile):
    connection = http.client.HTTPConnection(*hostile.address, timeout=10)
    took = []
    for _ in range(5):
        start = time.monotonic()
        connection.request("GET", "/delay?ms=50")
        connection.getresponse().read()
        took.append(time.monotonic() - start)
    connection.close()
    assert min(took) >= 0.05
    assert min(took) < 0.06


@pytest.mark.parametrize("path, body, least", [
    ("/slow-header?ms=100", b"ok\n", 0.1),
    ("/slow-body?ms=50&n=3", b"piece\n" * 3, 0.15),
    ("/drip?ms=4", b"ok\n", 0.16),
])
def test_slow(hostile, path, body, least):
    start = time.monotonic()
    assert get(hostile, path)[1] == body
    assert least <= time.monotonic() - start < least + 5


def test_endless_headers(hostile):
    with connect(hostile) as s:
        s.sendall(b"GET /endless-headers HTTP/1.1\r\n\r\n")
        received = 0
        while received < 5_000_000:
            piece = s.recv(65536)
            assert piece and b"\r\n\r\n" not in piece
            received += len(piece)
        assert hostile.json("/count")["open"] == 2, "it has no time for others"


def test_huge_header(hostile):
    received = ask(hostile, "/huge-header?n=200000", headers=CLOSE)
    assert b"X-Huge: " + b"x" * 200000 + b"\r\n\r\nok\n" in received


@pytest.mark.parametrize("method, path, rest", [
    ("HEAD", "/head-with-body", b"Content-Length: 5\r\n\r\nbody\n"),
    ("GET", "/204-with-body", b"Content-Length: 5\r\n\r\nbody\n"),
    ("HEAD", "/ok", b"Content-Type: text/plain\r\n\r\n"),
])
def test_bodies_where_none_may_be(hostile, method, path, rest):
    assert ask(hostile, path, method, CLOSE).endswith(rest)


def test_redirects(hostile):
    reply, _ = get(hostile, "/redirect?to=http%3A%2F%2Felsewhere%2F%3Fa%3Db&code=307")
    assert (reply.status, reply.headers["Location"]) == (307, "http://elsewhere/?a=b")
    assert get(hostile, "/redirect-loop")[0].headers["Location"] == "/redirect-loop"
    assert get(hostile, "/redirect-chain?n=2")[0].headers["Location"] == "/redirect-chain?n=1"
    assert get(hostile, "/redirect-chain?n=0")[1] == b"ok\n"
    assert get(hostile, "/redirect")[0].status == 400


def test_continue(hostile):
    received = ask(hostile, "/continue", headers=CLOSE)
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_expectation_is_met_before_the_body(hostile):
    with connect(hostile) as s:
        s.sendall(b"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert s.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(b"ab")
        assert b'"body": "ab"' in s.recv(65536)


def test_set_cookie(hostile):
    reply, _ = get(hostile, "/set-cookie?a=1&b=two+words")
    assert reply.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=two words; Path=/"]


@pytest.mark.parametrize("path", ["/chunked", "/chunked-trailers"])
def test_chunked(hostile, path):
    assert get(hostile, path)[1] == b"hello world\n"


def test_no_length(hostile):
    reply, body = get(hostile, "/no-length")
    assert (reply.headers["Content-Length"], body) == (None, b"until the end\n")


def test_compressed(hostile):
    assert gzip.decompress(get(hostile, "/gzip")[1]) == ZIPPED
    assert zlib.decompress(get(hostile, "/deflate")[1]) == ZIPPED
    assert zlib.decompress(get(hostile, "/deflate?raw=1")[1], -15) == ZIPPED


def test_brotli_is_one_uncompressed_block(hostile):
    reply, body = get(hostile, "/br")
    assert reply.headers["Content-Encoding"] == "br"
    head = int.from_bytes(body[:3], "little")
    assert head & 0b1111 == 0  # window of 64 KB, not the last block, 4 nibbles
    assert (head >> 4 & 0xFFFF) + 1 == len(ZIPPED)
    assert head >> 20 == 1  # uncompressed
    assert body[3:] == ZIPPED + b"\x03"


def test_bad_gzip(hostile):
    reply, body = get(hostile, "/bad-gzip")
    assert reply.headers["Content-Encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(body)


def test_gzip_bomb(hostile):
    _, body = get(hostile, "/gzip-bomb?mb=20")
    assert len(body) < 100_000
    assert gzip.decompress(body) == bytes(20 << 20)


def test_a_bomb_does_not_keep_others_waiting(hostile):
    with connect(hostile) as s:
        s.sendall(b"GET /gzip-bomb?mb=100000 HTTP/1.1\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200 OK")
        start = time.monotonic()
        assert hostile.json("/count")["open"] == 2
        assert time.monotonic() - start < 5


def test_thousands_of_connections(hostile):
    """Where the limit on descriptors allows it: both ends count."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (sys.maxsize if n == resource.RLIM_INFINITY else n for n in limits)
    wanted = min(6000, hard - 200)
    if soft < wanted + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + 200, limits[1]))
    sockets = []
    try:
        for _ in range(wanted):
            sockets.append(connect(hostile))
        for s in sockets:
            s.sendall(b"GET /delay?ms=500 HTTP/1.1\r\n\r\n")
        for s in sockets:
            assert s.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert hostile.json("/count")["open"] == wanted + 1
    finally:
        for s in sockets:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def tls_get(server, path, context, host="localhost"):
    port = int(server.urls[1].rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_tls(hostile_tls, certs):
    server = hostile_tls("good")
    context = ssl.create_default_context(cafile=certs["ca"].cert)
    assert tls_get(server, "/ok", context) == b"ok\n"
    assert tls_get(server, "/bytes?n=3000000", context) == b"x" * 3_000_000
    assert tls_get(server, "/delay?ms=50", context) == b"ok\n"
    with pytest.raises(http.client.IncompleteRead):
        tls_get(server, "/truncated", context)
    with pytest.raises(ConnectionResetError):
        tls_get(server, "/reset-before-reply", context)


@pytest.mark.parametrize("name, reason", [
    ("expired", "certificate has expired"),
    ("wrong_host", "Hostname mismatch"),
    ("self_signed", "self-signed certificate"),
])
def test_bad_certificates(hostile_tls, certs, name, reason):
    server = hostile_tls(name)
    context = ssl.create_default_context(cafile=certs["ca"].cert)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        tls_get(server, "/ok", context)


def test_plain_http_to_the_tls_place(hostile_tls):
    server = hostile_tls("good")
    port = int(server.urls[1].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"GET /ok HTTP/1.1\r\n\r\n")
        try:
            assert not s.recv(100).startswith(b"HTTP")
        except ConnectionResetError:
            pass
    assert server.json("/count")["open"] == 1


def has_ipv6():
    """Whether this machine has the loopback address; containers may not."""
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="there is no ::1 here")
def test_ipv6():
    with Server("hostile-server", "--bind", "::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert server.json("/count")["connections"] == 1


def test_sigusr1_prints_the_count(hostile):
    get(hostile, "/ok")
    hostile.process.send_signal(signal.SIGUSR1)
    line = read_line(hostile.process.stdout, time.monotonic() + 10)
    assert line == "connections 1 open 0 requests 1\n"


def test_client_that_resets(hostile):
    with connect(hostile) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(b"GET /slow-body?ms=20 HTTP/1.1\r\n\r\n")
        s.recv(10)
    assert get(hostile, "/ok")[1] == b"ok\n"
