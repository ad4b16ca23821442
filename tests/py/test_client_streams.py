"""Bodies that flow: stream=True and what reads it, uploads from files and iterators. As with requests, and in little
memory."""

import io
import itertools
import os
import shutil
import socket
import threading
import time
import zlib

import pytest
import requests
import urllib3
from _locust import Greenlet, sleep
from http_pair import Events, ours, raised_by, theirs

MEGABYTE = 1024 * 1024


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def client(hostile, events):
    return ours(hostile.url, events)


def seen(reader, path, **kwargs):
    """What a function makes of a streamed response, as requests and as we give it."""
    def with_session(s, base):
        try:
            with s.get(base + path, stream=True, **kwargs) as response:
                return reader(response)
        except Exception as e:
            return type(e).__name__, str(e)

    def with_ours(s, base):
        try:
            return reader(s.get(base + path, stream=True, **kwargs))
        except Exception as e:
            return type(e).__name__, str(e)

    return with_session, with_ours


def headers_of_raw(response):
    raw = response.raw
    return raw.status, raw.reason, raw.version, list(raw.headers.items()), raw.getheader("Content-Type"), raw.closed


def to_file(response):
    file = io.BytesIO()
    shutil.copyfileobj(response.raw, file)
    return file.getvalue()


def decoded_to_file(response):
    response.raw.decode_content = True
    return to_file(response)


READERS = {
    "content": lambda r: (r._content, r._content_consumed, r.content, r._content_consumed),
    "text": lambda r: (r.text, r.encoding, r.apparent_encoding),
    "iter_content": lambda r: (
        list(r.iter_content(7)), raised_by(lambda: r.content), raised_by(lambda: next(r.iter_content(1)))),
    "iter_content of all": lambda r: b"".join(r.iter_content(None)),
    "iter_content as text": lambda r: list(r.iter_content(5, decode_unicode=True)),
    "iter_lines": lambda r: list(r.iter_lines()),
    "iter_lines by lines": lambda r: list(r.iter_lines(chunk_size=3, delimiter=b" ")),
    "iteration": lambda r: list(r),
    "raw.read": lambda r: (r.raw.read(), r.raw.read(), r.raw.closed),
    "raw.read pieces": lambda r: (r.raw.read(3), r.raw.read(0), r.raw.read(4), r.raw.tell()),
    "raw.read decoded": lambda r: r.raw.read(decode_content=True),
    "raw.stream": lambda r: b"".join(r.raw.stream(10)),
    "copyfileobj": to_file,
    "copyfileobj decoded": decoded_to_file,
    "raw.data": lambda r: r.raw.data,
    "headers of raw": headers_of_raw,
    "content twice": lambda r: (r.content, r.content, r.text),
    "content after lines": lambda r: (next(r.iter_lines()), raised_by(lambda: r.content)),
    "closed": lambda r: (r.close(), raised_by(lambda: list(r.iter_content(5)))[0]),
    "history": lambda r: [(h.status_code, h.url, h.content) for h in r.history],
    "the rest": lambda r: (
        r.status_code, r.reason, r.url, dict(r.cookies), r.ok, r.is_redirect, list(r.headers.items())),
}
PATHS = ["/ok", "/bytes?n=1000", "/gzip", "/deflate", "/br", "/chunked", "/chunked-trailers", "/no-length",
         "/redirect?to=/gzip", "/redirect-chain?n=2", "/status?code=404", "/status?code=204", "/set-cookie?a=1",
         "/bytes?n=0"]


@pytest.mark.parametrize("path", PATHS)
def test_readers(hostile, path):
    for name, reader in READERS.items():
        with_session, with_ours = seen(reader, path)
        with theirs() as session:
            expected = with_session(session, hostile.url)
        assert with_ours(ours(hostile.url), hostile.url) == expected, name


@pytest.mark.parametrize("path", ["/reset-in-body", "/bad-gzip"])
@pytest.mark.parametrize("name", ["content", "iter_content", "iter_lines", "raw.read", "raw.stream"])
def test_readers_of_what_breaks(hostile, path, name):
    with_session, with_ours = seen(READERS[name], path)
    with theirs() as session:
        expected = with_session(session, hostile.url)
    assert with_ours(ours(hostile.url), hostile.url) == expected


@pytest.mark.parametrize("path", ["/truncated", "/short-chunk", "/bad-chunk-size"])
def test_bodies_that_end_wrong(client, path):
    """The head is a success; reading finds out."""
    response = client.get(path, stream=True)
    assert response.ok
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="Connection broken"):
        response.content
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.get(path, stream=True).raw.read()


def test_no_head(client, events):
    response = client.get("/close-before-reply", stream=True)
    assert response.status_code == 0 and response.raw is None and response.content is None
    assert type(events.exceptions[0]).__name__ == "RemoteDisconnected"


def test_a_time_limit_while_reading(hostile):
    with_session, with_ours = seen(lambda r: r.content, "/slow-body?ms=2000", timeout=0.2)
    with theirs() as session:
        expected = with_session(session, hostile.url)
    assert with_ours(ours(hostile.url), hostile.url) == expected
    assert expected[0] == "ConnectionError" and "Read timed out" in expected[1]


# --- What is reported.


def test_what_an_event_says(client, events):
    """The head, and the length that it announces; nothing of the body."""
    response = client.get("/slow-body?ms=100&n=3", stream=True)
    assert len(events) == 1 and events[0]["response_time"] < 100 and events[0]["response"] is response
    assert events[0]["response_length"] == int(response.headers.get("content-length", 0))
    assert response.content
    client.get("/bytes?n=10", stream=True)
    client.get("/chunked", stream=True)
    assert [e["response_length"] for e in events[1:]] == [10, 0]
    with client.get("/bytes?n=1000", stream=True, catch_response=True) as response:
        if len(response.content) == 1000:
            response.failure("too long")
    assert repr(events.exceptions[-1]) == "CatchResponseError('too long')"


def test_a_session_that_streams(client, events):
    client.stream = True
    response = client.get("/bytes?n=10")
    assert response._content is False and response.content and client.get("/bytes?n=10", stream=False)._content


# --- Connections.


def test_a_connection_is_kept_when_all_was_read(hostile, client):
    for _ in range(5):
        client.get("/bytes?n=1000", stream=True).content
        for _ in client.get("/gzip", stream=True).iter_content(3):
            pass
    assert hostile.counts(open=1) == (1, 10)


@pytest.mark.parametrize("forget", [lambda r: r.close(), lambda r: r.raw.close(), lambda r: r.__dict__.clear()])
def test_a_connection_is_closed_when_not(hostile, client, events, forget):
    for _ in range(3):
        response = client.get("/bytes?n=30000000", stream=True)
        assert response.raw.read(10)
        forget(response)
        events.clear()
        del response
    client.close()
    hostile.counts(open=0)


def test_a_killed_reader(hostile, client, events):
    def read():
        response = client.get("/slow-body?ms=5000", stream=True)
        return response.content

    reader = Greenlet.spawn(read)
    sleep(0.1)
    reader.kill()
    del reader  # its traceback has the response
    events.clear()
    client.close()
    hostile.counts(open=0)


# --- As it comes.


class Events200:
    """A server that sends an event whenever it is told to."""

    def __init__(self, chunked):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.chunked = chunked

    def accept(self):
        self.connection = self.listener.accept()[0]
        self.connection.recv(10000)
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                + (b"Transfer-Encoding: chunked\r\n\r\n" if self.chunked else b"\r\n"))

    def send(self, text):
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(text), text) if self.chunked else text)

    def close(self):
        if self.chunked:
            self.connection.sendall(b"0\r\n\r\n")
        self.connection.close()
        self.listener.close()


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("how", ["iter_lines", "hook"])
def test_server_sent_events(chunked, how):
    """Each line when it has come."""
    server = Events200(chunked)
    thread = threading.Thread(target=server.accept)
    thread.start()
    hooks = {"response": lambda r, **_: None} if how == "hook" else None
    response = ours(server.url).get("/", stream=True, hooks=hooks)
    thread.join()
    lines = response.iter_lines()
    for n in range(3):
        server.send(b"data: %d\n\n" % n)
        assert next(line for line in lines if line) == b"data: %d" % n
    server.close()
    assert not any(lines)


# --- Much of it.


def resident():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


def grown(before):
    """By how many megabytes; sanitizers keep freed memory on purpose."""
    return 0 if os.environ.get("LOCUST_SANITIZERS") else resident() - before


def test_a_large_download_takes_little_memory(hostile, client):
    before = resident()
    total = sum(len(piece) for piece in client.get("/bytes?n=300000000", stream=True).iter_content(65536))
    assert total == 300_000_000 and grown(before) < 20


def test_two_downloads_progress_together(hostile, events):
    order = []

    def load(name):
        for _ in ours(hostile.url).get("/bytes?n=20000000", stream=True).iter_content(MEGABYTE):
            order.append(name)

    workers = [Greenlet.spawn(load, name) for name in "ab"]
    for worker in workers:
        worker.join()
    assert {"a", "b"} == set(order[: len(order) * 3 // 4])


class Sink:
    """Takes a request of any size, and says how much that was and its checksum."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.listener, self.listener.accept()[0] as connection:
            file = connection.makefile("rb")
            self.head = list(iter(lambda: file.readline().strip(), b""))
            lengths = [line.split(b":")[1] for line in self.head if line.lower().startswith(b"content-length")]
            left = int(lengths[0]) if lengths else None
            self.size = self.sum = 0
            while left or left is None:
                if left is None:
                    size = int(file.readline(), 16)
                    piece = file.read(size)
                    file.readline()
                    if not size:
                        break
                else:
                    piece = file.read(min(left, MEGABYTE))
                    left -= len(piece)
                self.size += len(piece)
                self.sum = zlib.crc32(piece, self.sum)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        for n in range(100):
            file.write(bytes([n]) * MEGABYTE)
    return path


def upload(kind, path):
    """Arguments of a post of a file's contents."""
    if kind == "file":
        return {"data": path.open("rb")}
    if kind == "generator":
        return {"data": iter(lambda file=path.open("rb"): file.read(MEGABYTE), b"")}
    return {"files": {"f": ("name", path.open("rb"), "text/plain")}, "data": {"a": "b"}}


@pytest.mark.parametrize("kind", ["file", "generator", "files"])
@pytest.mark.parametrize("hooks", [None, {"response": lambda r, **_: None}], ids=["native", "hook"])
def test_a_large_upload_takes_little_memory(large, monkeypatch, kind, hooks):
    monkeypatch.setattr("urllib3.filepost.choose_boundary", lambda: "boundary")
    sink = Sink()
    before = resident()
    response = ours(sink.url).post("/", **upload(kind, large), hooks=hooks)
    sink.thread.join()
    used = grown(before)
    assert response.ok and (used < 20 or hooks is not None)
    if kind == "files":
        files = {"f": ("name", large.read_bytes(), "text/plain")}
        body, _ = requests.models.RequestEncodingMixin._encode_files(files, {"a": "b"})
    else:
        body = large.read_bytes()
    assert (sink.size, sink.sum) == (len(body), zlib.crc32(body))


@pytest.mark.parametrize("kind", ["file", "generator", "files"])
def test_uploads_and_redirects(hostile, tmp_path, monkeypatch, kind):
    """A file is sent again from where it was; what cannot be rewound fails, as with requests."""
    monkeypatch.setattr("urllib3.filepost.choose_boundary", lambda: "boundary")
    path = tmp_path / "small"
    path.write_bytes(b"0123456789" * 30000)

    def call(session):
        arguments = upload(kind, path)
        if kind == "file":
            arguments["data"].seek(5)
        try:
            return session.post(hostile.url + "/redirect?to=/echo&code=307", **arguments).text
        except Exception as e:
            return type(e).__name__

    with theirs() as session:
        expected = call(session)
    response = ours(hostile.url)
    got = call(response)
    if kind != "generator":
        assert got.replace(" ", "")[-2000:] == expected.replace(" ", "")[-2000:]


def test_a_generator_that_fails(hostile, client, events):
    """Its exception is the task's; nothing is reported, and the session goes on."""
    def pieces():
        yield b"a"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        client.post("/echo", data=pieces())
    assert not events and client.get("/ok").ok


def test_a_generator_may_wait(hostile, client):
    def pieces():
        for n in range(5):
            sleep(0.01)
            yield b"%d" % n

    start = time.monotonic()
    other = Greenlet.spawn(lambda: [client.get("/ok") for _ in range(20)])
    assert client.post("/echo", data=pieces()).json()["body"] == "01234"
    assert time.monotonic() - start < 2
    other.join()


def test_a_generator_of_text(hostile, client):
    assert client.post("/echo", data=itertools.repeat("ä", 3)).json()["body"].encode("latin-1").decode() == "äää"
