"""What goes wrong on the way: each time one failed request, told apart as Locust tells it, and no hang."""

import contextlib
import ctypes
import gc
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from _locust import Greenlet, sleep
from http_pair import Events, our_outcome, ours, their_outcome

RESET = "ConnectionResetError(104, 'Connection reset by peer')"
CLOSED = "RemoteDisconnected('Remote end closed connection without response')"

# What the statistics call the failure; a place for the port where there is one.
FAILURES = {
    "/close-before-reply": CLOSED,
    "/reset-before-reply": RESET,
    "/reset-in-header": RESET,
    "/reset-in-body": f'ChunkedEncodingError(ProtocolError("Connection broken: {RESET}", {RESET}))',
    "/truncated": "ChunkedEncodingError(ProtocolError('Connection broken: IncompleteRead(18 bytes read, 982 more "
                  "expected)', IncompleteRead(18 bytes read, 982 more expected)))",
    "/short-chunk": "ChunkedEncodingError(ProtocolError('Connection broken: IncompleteRead(5 bytes read)', "
                    "IncompleteRead(5 bytes read)))",
    "/bad-chunk-size": "ChunkedEncodingError(ProtocolError(\"Connection broken: HTTPException('Illegal or missing "
                       "hexadecimal sequence in chunked-encoding')\", HTTPException('Illegal or missing hexadecimal "
                       "sequence in chunked-encoding')))",
    "/garbage": "BadStatusLine('\\x16\\x03\\x01 this is\\x00 notÿ HTTP\\r\\n')",
    "/bad-status-line": "BadStatusLine('Unsupported HTTP version in response')",
    "/bad-gzip": "ContentDecodingError(DecodeError('Received response with content-encoding: gzip, but failed to "
                 "decode it.', error('Error -3 while decompressing data: incorrect header check')))",
    "/endless-headers": "HTTPException('got more than 100 headers')",
    "/huge-header?n=70000": "LineTooLong('got more than 65536 bytes when reading header line')",
    "/huge-header?n=200000": "LineTooLong('got more than 65536 bytes when reading header line')",
    "/redirect-loop": "TooManyRedirects('Exceeded 30 redirects.')",
    "/redirect?to=/close-before-reply": CLOSED,
}
LIMITED = {
    "/silent": 'ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host=\'127.0.0.1\', port=PORT): Read timed out. '
               '(read timeout=0.2)"))',
    "/slow-header?ms=3000": 'ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host=\'127.0.0.1\', port=PORT): Read '
                            'timed out. (read timeout=0.2)"))',
    "/slow-body?ms=3000": 'ReadTimeoutError("HTTPConnectionPool(host=\'127.0.0.1\', port=PORT): Read timed out.")',
    "/redirect?to=/silent": 'ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host=\'127.0.0.1\', port=PORT): Read '
                            'timed out. (read timeout=0.2)"))',
}
# Where requests of this age says the same.
SAME = [path for path in FAILURES if path not in (
    "/truncated",           # an older urllib3 does not notice
    "/short-chunk",         # libcurl does not say what the chunk lacks,
    "/bad-chunk-size",      # nor how its length is written,
    "/bad-status-line",     # nor what the line is
)]


def attempt(session, events, url, within=5, **kwargs):
    """One request that must fail in time, and what was reported of it."""
    events.clear()
    start = time.monotonic()
    response = session.get(url, **kwargs)
    assert time.monotonic() - start < within
    assert (response.status_code, response.content, response.text) == (0, None, "")
    assert (response.url, response.reason, response.history) == (None, None, [])
    assert not response.headers and isinstance(response.error, requests.RequestException)
    assert response.elapsed.total_seconds() == 0
    with pytest.raises(type(response.error)):
        response.raise_for_status()
    with pytest.raises(type(response.error)):
        bool(response)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()
    assert len(events) == 1 and events[0]["response"] is response
    assert events[0]["response_length"] == 0 and events[0]["response_time"] >= 0
    return response, repr(events[0]["exception"])


@pytest.fixture
def events():
    return Events()


@pytest.mark.parametrize("path", FAILURES)
def test_failure(hostile, events, path):
    session = ours(hostile.url, events)
    _, told = attempt(session, events, path)
    assert told == FAILURES[path]
    assert session.get("/ok").text == "ok\n", "the session goes on"


@pytest.mark.parametrize("path, told", [("/close-before-reply", CLOSED), ("/redirect?to=/close-before-reply", CLOSED)])
def test_kept_connections_that_are_closed(hostile, events, path, told):
    """Each time the same, however often."""
    session = ours(hostile.url, events)
    for _ in range(15):
        session.get("/ok")
        session.get(path)
    assert list(map(repr, events.exceptions)) == ["None", told] * 15


@pytest.mark.parametrize("path", SAME)
def test_failure_is_that_of_requests(hostile, path):
    def call(s, base):
        return s.get(base + path, timeout=5)

    assert our_outcome(call, hostile.url) == their_outcome(call, hostile.url)


@pytest.mark.parametrize("path", LIMITED)
def test_read_timeout(hostile, events, path):
    session = ours(hostile.url, events)
    response, told = attempt(session, events, path, within=1, timeout=0.2)
    assert told == LIMITED[path].replace("PORT", str(hostile.address[1]))
    assert 200 <= events[0]["response_time"] < 800


@pytest.mark.parametrize("path", ["/drip?ms=20", "/slow-body?ms=150&n=4", "/slow-header?ms=150"])
def test_what_moves_does_not_time_out(hostile, path):
    assert ours(hostile.url).get(path, timeout=0.3).status_code == 200


def test_a_slow_upload_does_not_time_out():
    """The limit is for silence, not for the whole request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        statuses = []
        url = "http://127.0.0.1:%d/" % server.getsockname()[1]
        sent = b"x" * 8_000_000
        client = Greenlet.spawn(lambda: statuses.append(ours(url).post(url, data=sent, timeout=0.8).status_code))
        sleep(0.05)
        with server.accept()[0] as connection:
            connection.settimeout(5)
            received = 0
            start = time.monotonic()
            while received < len(sent):
                piece = connection.recv(200_000)
                assert piece, "the client has given up"
                received += len(piece)
                sleep(max(0, start + 1.2 * received / len(sent) - time.monotonic()))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            client.join(3)
        assert time.monotonic() - start > 1
    assert statuses == [200]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_refused(events):
    session = ours(f"http://127.0.0.1:{closed_port()}", events)
    response, told = attempt(session, events, "/x?a=1")
    assert told == "ConnectionRefusedError(111, 'Connection refused')"
    assert isinstance(response.error, requests.exceptions.ConnectionError)
    assert (events[0]["name"], events[0]["url"]) == ("/x?a=1", session.base_url + "/x?a=1")
    assert response.request.path_url == "/x?a=1"


def test_unknown_name(events):
    response, told = attempt(ours("http://nobody.invalid", events), events, "/x")
    assert re.fullmatch(r"gaierror\(-\d+, '.+'\)", told)
    assert events[0]["name"] == "/x"


def test_a_name_that_libcurl_looks_up(hostile, events):
    """With a port in ten digits, which only a redirect lets through; libcurl's resolver has descriptors of its own."""
    session = ours(hostile.url, events)
    for _ in range(5):
        _, told = attempt(session, events, "/redirect?to=http://nobody.invalid:0000000080/", timeout=2)
        assert re.fullmatch(r"gaierror\(-\d+, '.+'\)", told)
        events.clear()
        for _ in range(3):
            assert ours(hostile.url, events).get("/ok", timeout=2).ok
        session.close()


# In a process of its own, whose descriptors run out at each step.
DESCRIPTORS_SCRIPT = """
import os
import resource
import sys
from locust.clients import HttpSession
from locust.event import EventHook
told = []
hook = EventHook()
hook.add_listener(lambda exception, **kwargs: told.append(repr(exception)))
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
while os.dup(0) < 60:
    pass
resource.setrlimit(resource.RLIMIT_NOFILE, (61 + int(sys.argv[2]), limits[1]))
try:
    HttpSession(sys.argv[1], hook, None).get("/ok")
except OSError as e:
    told.append(str(e))
os.fstat(0)
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
HttpSession(sys.argv[1], hook, None).get("/ok")
print(told)
"""


def test_descriptors_run_out(hostile):
    """Whatever cannot be opened: it is said, nothing else is closed, and later it works."""
    outcomes = []
    for room in (0, 2, 4, 8):
        done = subprocess.run([sys.executable, "-c", DESCRIPTORS_SCRIPT, hostile.url, str(room)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        outcomes.append(done.stdout.strip())
    assert outcomes[0] == "[\"[Errno 24] Too many open files: 'starting the I/O threads'\", 'None']"
    assert outcomes[-1] == "['None', 'None']"
    assert set(outcomes) == {outcomes[0], outcomes[-1], "[\"OSError(24, 'Too many open files')\", 'None']"}


def test_helpers_stay_while_requests_exist(hostile):
    """The module may be loaded again only before the first request."""
    script = """
import importlib
import sys
from locust import clients
from locust.event import EventHook
importlib.reload(clients)
response = clients.HttpSession(sys.argv[1], EventHook(), None).get("/ok")
try:
    importlib.reload(clients)
except RuntimeError as e:
    print(e)
print(response.request.headers["Accept"])
"""
    done = subprocess.run([sys.executable, "-c", script, hostile.url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("client helpers cannot be replaced once a request was made; locust.clients must not be "
                           "reloaded then\n*/*\n")


def test_connect_timeout(events):
    """A queue of connections that is full: the kernel does not answer any more."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        session = ours(f"http://127.0.0.1:{port}", events)
        for timeout in (0.3, (0.3, 10)):
            response, told = attempt(session, events, "/", within=1, timeout=timeout)
            assert isinstance(response.error, requests.exceptions.ConnectTimeout)
            assert "timed out. (connect timeout=0.3)" in told
            assert 300 <= events[0]["response_time"] < 800


# In a process of its own, since the trusted certificates are loaded once.
CERTIFICATE_SCRIPT = """
import sys
import requests.certs
requests.certs.where = lambda: sys.argv[1]
from locust.clients import HttpSession
from locust.event import EventHook
hook = EventHook()
hook.add_listener(lambda exception, **kwargs: print(repr(exception)))
session = HttpSession(sys.argv[2], hook, None)
session.get("/ok")
session.get("/ok", verify=False)
session.get("/ok")
session.verify = False
session.get("/ok")
"""


@pytest.mark.parametrize("name, host, text", [
    ("good", "127.0.0.1", None),
    ("good", "localhost", None),
    ("expired", "127.0.0.1", "certificate has expired"),
    ("self_signed", "127.0.0.1", "self.signed certificate"),
    ("wrong_host", "127.0.0.1", "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ("wrong_host", "localhost", "Hostname mismatch, certificate is not valid for 'localhost'"),
])
def test_certificates(hostile_tls, certs, name, host, text):
    url = hostile_tls(name).urls[1].replace("127.0.0.1", host)
    told = subprocess.run([sys.executable, "-c", CERTIFICATE_SCRIPT, certs["ca"].cert, url],
                          capture_output=True, text=True, timeout=60)
    lines = told.stdout.splitlines()
    if text is None:
        assert lines == ["None"] * 4, told
        return
    assert lines[1] == lines[3] == "None" and lines[0] == lines[2], told
    assert re.match(r"SSLError\(SSLCertVerificationError\(1, .\[SSL: CERTIFICATE_VERIFY_FAILED\] ", lines[0])
    assert re.search(text, lines[0])


def test_tls_to_a_server_that_speaks_none(events):
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = ours("https://127.0.0.1:%d" % server.getsockname()[1], events)
        response, told = attempt(session, events, "/", within=1, timeout=0.3)
        assert isinstance(response.error, requests.exceptions.ReadTimeout), "the connection stood"
        assert "(read timeout=0.3)" in told
        client = Greenlet.spawn(attempt, session, events, "/")
        sleep(0.05)
        for _ in range(2):
            with server.accept()[0] as connection:
                connection.settimeout(2)
                with contextlib.suppress(ConnectionResetError):
                    connection.recv(10)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.join(3)
        response, told = client.value
        assert isinstance(response.error, requests.exceptions.SSLError)
        assert told.startswith("SSLError(SSLError(1, ")


def test_a_kept_connection_that_closes_is_one_failure(hostile, events):
    """And nothing is sent a second time behind the user's back."""
    session = ours(hostile.url, events)
    assert session.get("/close-on-second").ok
    _, told = attempt(session, events, "/ok")
    assert told == CLOSED
    assert session.get("/ok").ok
    # Three of ours; this one asks.
    assert hostile.json("/count")["requests"] == 3 + 1


def test_an_idle_connection_that_was_closed_is_replaced(hostile, events):
    session = ours(hostile.url, events)
    for _ in range(3):
        assert session.get("/keepalive-then-close?ms=30").text == "ok\n"
        sleep(0.1)
    assert session.post("/ok", data="x").ok
    assert events.exceptions == [None] * 4
    assert hostile.json("/count")["connections"] == 4 + 1


def test_a_broken_body_is_named_as_the_url_was_given(hostile, events):
    """As in Locust: requests has forgotten the request by then."""
    session = ours(hostile.url, events)
    attempt(session, events, hostile.url + "/truncated")
    assert events[0]["name"] == hostile.url + "/truncated"
    attempt(session, events, "/truncated", params={"a": 1})
    assert events[0]["name"] == "/truncated"
    attempt(session, events, "/truncated", name="mine")
    assert events[0]["name"] == "mine"


def test_a_failed_hop_is_the_one_that_is_named(hostile, events):
    attempt(ours(hostile.url, events), events, "/redirect?to=/close-before-reply")
    assert events[0]["name"] == "/close-before-reply"


@pytest.mark.parametrize("path", ["/204-with-body", "/status?code=204", "/status?code=304", "/continue",
                                  "/no-length", "/chunked-trailers", "/head-with-body", "/br"])
def test_what_is_odd_but_succeeds(hostile, events, path):
    session = ours(hostile.url, events)
    for method in ("GET", "HEAD"):
        for _ in range(3):
            session.request(method, path, timeout=3)
            if path == "/no-length":
                hostile.counts(open=0)      # or the next one may meet the end of this connection
    assert events.exceptions == [None] * 6


class Mallinfo(ctypes.Structure):
    """What mallinfo2(3) gives."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


def allocated():
    """Bytes that malloc has given out, and those of Python's own allocator at a guess."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Mallinfo
    gc.collect()
    info = mallinfo()
    return info.uordblks + info.hblkhd + sys.getallocatedblocks() * 64


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("path", [*FAILURES, "/silent", "/ok", "/redirect-chain?n=3", "/set-cookie?a=1"])
def test_no_leak(hostile, path):
    """Hundreds of the same: neither memory nor descriptors grow."""
    session = ours(hostile.url)
    count = 40 if path in ("/silent", "/reset-in-header", "/reset-in-body") else 200

    def burst():
        workers = [Greenlet.spawn(session.get, path, timeout=0.05 if path == "/silent" else 5) for _ in range(count)]
        for worker in workers:
            worker.join()

    def grown():
        """By how many bytes."""
        before = allocated()
        burst()
        session.close()
        session.get("/ok")
        return allocated() - before

    grown()
    before = descriptors()
    # Pools grow with the number that is under way at once, which is not always the same; a leak is there each time.
    for _ in range(20):
        growth = grown()
        if growth < 500 * count or os.environ.get("LOCUST_SANITIZERS"):
            break
    end = time.monotonic() + 10
    while descriptors() > before + 1 and time.monotonic() < end:
        sleep(0.02)
    assert descriptors() <= before + 1
    if not os.environ.get("LOCUST_SANITIZERS"):
        assert growth < 500 * count


# The same through another Locust, if there is one.
REFERENCE_SCRIPT = """
import json
import sys
from locust.clients import HttpSession
from locust.event import EventHook
hook = EventHook()
told = []
hook.add_listener(lambda exception, name, url, request_type, response_length, **kwargs: told.append(
    [repr(exception), name, request_type, response_length]))
for path in json.loads(sys.argv[2]):
    session = HttpSession(sys.argv[1], hook, None)
    with session.get(path, timeout=0.3, catch_response=True) as response:
        told.append([response.status_code, response.text, response.reason, repr(response.elapsed) if not
                     response.status_code else "", type(response.error).__name__])
    with session.get(path, timeout=0.3, catch_response=True, name="n") as response:
        response.failure("no")
print(json.dumps(told))
"""


def told_by(python, base, paths, path=None):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environment["PYTHONPATH"] = path
    done = subprocess.run([python, "-c", REFERENCE_SCRIPT, base, json.dumps(paths)], env=environment,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_like_another_locust(hostile):
    reference = os.environ.get("LOCUST_REF_PYTHON")
    if not reference:
        pytest.skip("LOCUST_REF_PYTHON is not set")
    odd = ("/short-chunk", "/bad-chunk-size", "/bad-status-line")   # see SAME
    paths = [path for path in FAILURES if path not in odd]
    paths += [*LIMITED, "/ok", "/status?code=404", "/status?code=503", "/redirect-chain?n=3", "/gzip", "/chunked"]
    theirs = told_by(reference, hostile.url, paths)
    assert told_by(sys.executable, hostile.url, paths, os.environ.get("PYTHONPATH")) == theirs
