"""The demo site of the quickstart: each page, as docs/first-test.md promises."""

import http.client
import json
import subprocess
import time
from urllib.parse import urlencode

import pytest
from serving import BUILDDIR, Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def ask(demo_site):
    """ask(path, method, body, headers) gives (reply, body), on one connection."""
    connection = http.client.HTTPConnection(*demo_site.address, timeout=10)

    def request(path, method="GET", body=None, headers={}):
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply, reply.read()

    yield request
    connection.close()


@pytest.mark.parametrize("path, status, text", [
    ("/", 200, b"Demo shop"),
    ("/hello", 200, b"Hello!"),
    ("/world", 200, b"World"),
    ("/login", 200, b"<form"),
    ("/me", 401, b"Log in"),
    ("/item?id=7", 200, b"Item 7 costs"),
    ("/item?id=0", 404, b"No such item"),
    ("/item?id=1001", 404, b"No such item"),
    ("/item?id=7x", 404, b"No such item"),
    ("/item", 404, b"No such item"),
    ("/slow?ms=1", 200, b"That took 1 ms"),
    ("/slow?ms=1000000", 400, b"How slow?"),
    ("/error", 500, b"always fails"),
    ("/hello/", 404, b"No such page"),
    ("/%2e%2e/%2e%2e/etc/passwd", 404, b"No such page"),
])
def test_page(ask, path, status, text):
    reply, body = ask(path)
    assert (reply.status, text in body) == (status, True), body
    assert reply.headers["Access-Control-Allow-Origin"] is None


def test_login_opens_the_account(ask):
    form = urlencode({"username": "bob", "password": "x"})
    reply, _ = ask("/login", "POST", form, FORM)
    assert (reply.status, reply.headers["Location"]) == (303, "/me")
    cookie = reply.headers["Set-Cookie"].split(";")[0]
    reply, body = ask("/me", headers={"Cookie": cookie})
    assert (reply.status, b"You are bob." in body) == (200, True)


@pytest.mark.parametrize("form", [
    {}, {"username": "bob"}, {"username": "<b>", "password": "x"},
    {"username": "b" * 33, "password": "x"},
    {"username": "bob", "password": "x", "more": "y" * 2000},
])
def test_login_refuses(ask, form):
    reply, _ = ask("/login", "POST", urlencode(form), FORM)
    assert (reply.status, reply.headers["Set-Cookie"]) == (403, None)


def test_forged_cookie(ask):
    assert ask("/me", headers={"Cookie": "session=<script>"})[0].status == 401


def test_api(ask):
    reply, body = ask("/api/items")
    assert reply.headers["Content-Type"] == "application/json"
    assert [item["id"] for item in json.loads(body)["items"]] == [1, 2, 3]
    sent = json.dumps({"name": "cherry", "price": 5})
    assert ask("/api/items", "POST", sent, JSON)[1].decode() == sent
    assert ask("/api/items", "POST", sent, FORM)[0].status == 400
    assert ask("/api/items", "POST", b"1" * 65536, JSON)[0].status == 400


def test_methods(ask):
    reply, body = ask("/hello", "HEAD")
    assert (reply.status, body) == (200, b"")
    reply, _ = ask("/hello", "POST", "x", FORM)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")
    assert ask("/login", "DELETE")[0].headers["Allow"] == "GET, HEAD, POST"


def test_no_other_site_is_let_in(ask):
    """civetweb answers a browser's question whether it may by itself."""
    reply, _ = ask("/api/items", "OPTIONS", headers={
        "Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"})
    assert reply.headers["Access-Control-Allow-Origin"] is None


def test_connection_is_kept(demo_site):
    connection = http.client.HTTPConnection(*demo_site.address, timeout=10)
    connection.request("GET", "/me")
    connection.getresponse().read()
    kept = connection.sock
    for path in ("/error", "/nowhere", "/"):
        connection.request("GET", path)
        connection.getresponse().read()
        assert connection.sock is kept is not None
    connection.close()


def test_delay_is_for_every_page():
    with Server("demo-site", "--delay", 100, "--threads", 4) as site:
        connection = http.client.HTTPConnection(*site.address, timeout=10)
        for path in ("/", "/nowhere"):
            start = time.monotonic()
            connection.request("GET", path)
            connection.getresponse().read()
            assert 0.1 <= time.monotonic() - start < 5
        connection.close()


def test_ends_while_pages_are_slow():
    with Server("demo-site") as site:
        connection = http.client.HTTPConnection(*site.address, timeout=20)
        connection.request("GET", "/slow?ms=10000")
        time.sleep(0.2)
        start = time.monotonic()
    assert time.monotonic() - start < 8
    connection.close()


@pytest.mark.parametrize("arguments", [
    ["--port", "x"], ["--port", "65536"], ["--threads", "0"], ["--delay", "-1"], ["more"],
    ["--nonsense"],
])
def test_bad_arguments(arguments):
    done = subprocess.run([BUILDDIR / "demo-site", *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "demo-site" in done.stderr


def test_port_taken(demo_site):
    done = subprocess.run([BUILDDIR / "demo-site", "--port", str(demo_site.address[1])],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "cannot listen on" in done.stderr
