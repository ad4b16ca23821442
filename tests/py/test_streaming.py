"""Large bodies, up and down, through one user: memory stays small, and others go on meanwhile."""

import io
import os
import subprocess
import sys

import pytest
from _locust import Greenlet
from http_pair import ours
from serving import plain_environment, read_line

MB = 1 << 20
SANITIZED = bool(os.environ.get("LOCUST_SANITIZERS"))
SIZE = int(os.environ.get("LOCUST_STREAM_MB", 64 if SANITIZED else 512)) * MB
ROOM = 20 * MB

SERVER = """
import socket, sys, threading

def serve(client):
    stream = client.makefile("rb")
    piece = bytes(range(256)) * 4096
    while line := stream.readline():
        method, path, _ = line.split(b" ", 2)
        length, chunked = 0, False
        while (line := stream.readline()) not in (b"\\r\\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            chunked = chunked or name.lower() == b"transfer-encoding"
        got = 0
        while chunked and (size := int(stream.readline(), 16)):
            got += len(stream.read(size))
            stream.read(2)
        if chunked:
            stream.read(2)
        buffer = memoryview(bytearray(1 << 20))
        while got < length:
            got += stream.readinto(buffer[:min(len(buffer), length - got)])
        if method == b"GET":
            left = int(path[1:])
            client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % left)
            while left > 0:
                left -= client.send(piece[:left])
        else:
            answer = b"%d" % got
            client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(answer), answer))

listener = socket.create_server(("127.0.0.1", 0))
print("http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.fixture(scope="module")
def url():
    import time

    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=plain_environment())
    yield read_line(server.stdout, time.monotonic() + 20).strip()
    server.kill()
    server.wait()
    server.stdout.close()


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture
def small():
    """Fails if the test leaves, or needs, much memory; peak() is to be called now and then."""
    before = resident()
    peaks = [before]

    def peak():
        peaks.append(resident())

    yield peak
    peak()
    if not SANITIZED:       # they keep what was freed
        assert max(peaks) - before < ROOM


def test_down(url, small):
    with ours(url) as client:
        client.get("/1000")
        with client.get(f"/{SIZE}", stream=True, catch_response=True) as response:
            assert response.headers["Content-Length"] == str(SIZE)
            got = 0
            for number, piece in enumerate(response.iter_content(65536)):
                if number % 512 == 0:
                    assert piece[:256] == bytes(range(256))
                    small()
                got += len(piece)
        assert got == SIZE


def test_up_from_a_file(url, small, tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(SIZE)
    with ours(url) as client:
        client.get("/1000")
        with path.open("rb") as file:
            assert client.post("/", data=file).text == str(SIZE)
        small()
        with path.open("rb") as file:
            response = client.post("/", files={"large": file}, data={"a": "b"})
        assert int(response.text) > SIZE


def test_up_from_a_generator(url, small):
    def pieces():
        piece = bytes(MB)
        for number in range(SIZE // MB):
            if number % 64 == 0:
                small()
            yield piece

    with ours(url) as client:
        assert client.post("/", data=pieces()).text == str(SIZE)


def test_up_from_something_to_read(url, small):
    class Zeros(io.RawIOBase):
        left = SIZE

        def readable(self):
            return True

        def readinto(self, buffer):
            n = min(len(buffer), self.left)
            self.left -= n
            return n

    with ours(url) as client:
        assert client.post("/", data=io.BufferedReader(Zeros())).text == str(SIZE)


def test_two_at_once(url, small):
    """Both make progress, and so does a third user who wants little."""
    progress = {0: 0, 1: 0}
    others = []

    def download(number):
        with ours(url) as client, client.get(f"/{SIZE // 8}", stream=True, catch_response=True) as response:
            for piece in response.iter_content(65536):
                progress[number] += len(piece)
                others.append(progress[1 - number])

    def ask():
        with ours(url) as client:
            return [client.get("/1000").status_code for _ in range(20)]

    users = [Greenlet.spawn(download, 0), Greenlet.spawn(download, 1), Greenlet.spawn(ask)]
    for user in users:
        user.join(60)
    assert progress == {0: SIZE // 8, 1: SIZE // 8} and users[2].value == [200] * 20
    # When one was half done, the other one had begun.
    assert others[len(others) // 2] > 0
    small()
