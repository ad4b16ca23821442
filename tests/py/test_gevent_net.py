"""gevent's servers, sockets and files. As test_gevent.py, also run against the real gevent."""

import io
import os
import subprocess
import sys

import gevent
import gevent.event
import gevent.fileobject
import gevent.monkey
import gevent.os
import gevent.pool
import gevent.pywsgi
import gevent.select
import gevent.server
import gevent.socket
import gevent.ssl
import gevent.subprocess
import pytest


def connect(server):
    return gevent.socket.create_connection(("127.0.0.1", server.server_port), timeout=10)


def talk(server, data, sock=None):
    """Sends data, and reads to the end."""
    client = sock or connect(server)
    client.sendall(data)
    received = b""
    while part := client.recv(65536):
        received += part
    client.close()
    return received


@pytest.fixture
def serve():
    """Starts servers, and stops them."""
    running = []

    def start(server):
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop(timeout=1)


# --- StreamServer.


def echo(sock, address):
    while data := sock.recv(1000):
        sock.sendall(data)


def test_many_talk_to_a_stream_server(serve):
    server = serve(gevent.server.StreamServer(("127.0.0.1", 0), echo))
    assert server.started and server.server_port > 0 and server.address[0] == "127.0.0.1"

    def client(i):
        sock = connect(server)
        for n in range(10):
            message = f"{i} {n}".encode()
            sock.sendall(message)
            assert sock.recv(1000) == message
        sock.close()

    for g in [gevent.spawn(client, i) for i in range(50)]:
        g.get(timeout=20)
    server.stop()
    assert not server.started
    with pytest.raises(OSError):
        connect(server)


def test_a_stream_server_with_so_many_at_once(serve):
    now = [0, 0]

    def handle(sock, address):
        now[0] += 1
        now[1] = max(now)
        gevent.sleep(0.005)
        now[0] -= 1

    server = serve(gevent.server.StreamServer(("127.0.0.1", 0), handle, spawn=2))
    gevent.joinall([gevent.spawn(talk, server, b"") for _ in range(8)], timeout=10)
    assert now == [0, 2]


def test_serve_forever_ends_with_stop():
    server = gevent.server.StreamServer(("127.0.0.1", 0), echo)
    serving = gevent.spawn(server.serve_forever)
    gevent.sleep(0.01)
    assert server.started
    server.stop()
    serving.get(timeout=5)
    assert server.closed


def test_what_the_handler_raises_ends_only_its_connection(serve, capfd):
    def handle(sock, address):
        raise KeyError("bad handler")

    server = serve(gevent.server.StreamServer(("127.0.0.1", 0), handle))
    assert talk(server, b"") == b"" and talk(server, b"") == b""
    gevent.sleep(0.01)
    assert "bad handler" in capfd.readouterr().err


def test_datagram_server(serve):
    received = gevent.event.AsyncResult()

    def handle(data, address):
        received.set(data)
        server.sendto(data.upper(), address)

    server = gevent.server.DatagramServer("127.0.0.1:0", handle)
    serve(server)
    client = gevent.socket.socket(gevent.socket.AF_INET, gevent.socket.SOCK_DGRAM)
    client.settimeout(5)
    client.sendto(b"hello", ("127.0.0.1", server.server_port))
    assert client.recvfrom(100)[0] == b"HELLO" and received.get() == b"hello"
    client.close()


# --- WSGIServer.


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/plain":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]
    if path == "/chunks":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (part for part in (b"one", b"", b"two"))
    if path == "/list":
        start_response("200 OK", [])
        return [b"one part"]
    if path == "/write":
        write = start_response("201 Created", [("Content-Length", "6")])
        write(b"abc")
        write(b"def")
        return []
    if path == "/echo":
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    if path == "/lines":
        lines = [environ["wsgi.input"].readline(), *environ["wsgi.input"]]
        start_response("200 OK", [])
        return [b"|".join(lines)]
    if path == "/ignore":
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    if path == "/nothing":
        start_response("204 No Content", [])
        return []
    if path == "/fail":
        raise ValueError("application failed")
    if path == "/environ":
        names = sorted(n for n in environ if n.isupper() and n not in ("REMOTE_PORT", "SERVER_PORT", "SERVER_SOFTWARE"))
        text = "\n".join(f"{n}={environ[n]}" for n in names if n not in ("RAW_URI", "REQUEST_URI"))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{text}\n{environ['wsgi.url_scheme']} {environ.get('own')}".encode()]
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]


def wsgi(**options):
    options = {"log": None, "error_log": None, **options}
    return gevent.pywsgi.WSGIServer(("127.0.0.1", 0), application, **options)


def get(path, *headers, method="GET", version="HTTP/1.1", body=b""):
    lines = [f"{method} {path} {version}", "Host: test", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def split(reply):
    """Status line, headers (lower case, without the date), body."""
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert "GMT" in headers.pop("date", "GMT")
    return status, headers, body


CASES = {
    "length": (get("/plain", "Connection: close"), "200 OK", b"hello"),
    "chunks": (get("/chunks", "Connection: close"), "200 OK", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
    "one part": (get("/list", "Connection: close"), "200 OK", b"one part"),
    "write": (get("/write", "Connection: close"), "201 Created", b"abcdef"),
    "1.0": (get("/chunks", version="HTTP/1.0"), "200 OK", b"onetwo"),
    "no content": (get("/nothing", "Connection: close"), "204 No Content", b""),
    "not found": (get("/other", "Connection: close"), "404 Not Found", b""),
    "failure": (get("/fail", "Connection: close"), "500 Internal Server Error", b"Internal Server Error"),
    "body": (get("/echo", "Connection: close", "Content-Length: 4", method="POST", body=b"body"), "200 OK", b"body"),
    "chunked body": (
        get("/echo", "Connection: close", "Transfer-Encoding: chunked", method="POST", body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
        "200 OK",
        b"abcde",
    ),
    "lines": (
        get("/lines", "Connection: close", "Content-Length: 8", method="POST", body=b"a\nbc\nd\n\n"),
        "200 OK",
        b"a\n|bc\n|d\n|\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_wsgi_server_answers(serve, name):
    request, status, body = CASES[name]
    got_status, headers, got_body = split(talk(serve(wsgi()), request))
    assert (got_status, got_body) == (f"HTTP/1.1 {status}", body)
    assert ("transfer-encoding" in headers) == (name == "chunks")


def test_connections_are_kept(serve):
    requests = [
        get("/plain"),
        get("/chunks"),
        get("/ignore", "Content-Length: 3", method="POST", body=b"abc"),
        get("/echo", "Content-Length: 3", method="POST", body=b"xyz"),
        get("/plain", "Connection: close"),
        get("/never"),
    ]
    reply = talk(serve(wsgi()), b"".join(requests))
    assert reply.count(b"HTTP/1.1 200 OK\r\n") == 5 and b"xyz" in reply and b"404" not in reply
    old = talk(serve(wsgi()), get("/plain", "Connection: keep-alive", version="HTTP/1.0") + get("/plain", version="HTTP/1.0"))
    assert old.count(b"hello") == 2


def test_bad_requests(serve):
    server = serve(wsgi())
    assert talk(server, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert talk(server, get("/plain", "Content-Length: many")).startswith(b"HTTP/1.1 400 ")
    assert talk(server, get("/" + "x" * 9000)).startswith(b"HTTP/1.1 414 ")
    assert b"hello" in talk(server, get("/plain", "Connection: close"))


@pytest.mark.skipif(gevent.Greenlet.__module__ != "_locust", reason="sends what the application returns")
def test_a_head_has_no_body(serve):
    for path in "/plain", "/chunks", "/list":
        status, headers, body = split(talk(serve(wsgi()), get(path, "Connection: close", method="HEAD")))
        assert (status, body) == ("HTTP/1.1 200 OK", b"")


def test_who_waits_for_the_word_gets_it(serve):
    request = get("/echo", "Connection: close", "Expect: 100-continue", "Content-Length: 2", method="POST", body=b"ok")
    reply = talk(serve(wsgi()), request)
    assert reply.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n") and reply.endswith(b"ok")


def test_environ(serve):
    request = get(
        "/environ?a=b%20c", "Connection: close", "Content-Type: x/y", "X-Twice: 1", "X-Twice: 2", "X_Under: no", "Cookie: a=1"
    )
    _, _, body = split(talk(serve(wsgi(environ={"own": "value"})), request))
    assert body.decode().splitlines() == [
        "CONTENT_TYPE=x/y",
        "GATEWAY_INTERFACE=CGI/1.1",
        "HTTP_CONNECTION=close",
        "HTTP_COOKIE=a=1",
        "HTTP_HOST=test",
        "HTTP_X_TWICE=1,2",
        "PATH_INFO=/environ",
        "QUERY_STRING=a=b%20c",
        "REMOTE_ADDR=127.0.0.1",
        "REQUEST_METHOD=GET",
        "SCRIPT_NAME=",
        "SERVER_NAME=" + gevent.socket.getfqdn("127.0.0.1"),
        "SERVER_PROTOCOL=HTTP/1.1",
        "http value",
    ]


def test_logs(serve, capfd):
    log = io.StringIO()
    server = serve(wsgi(log=log))
    talk(server, get("/plain", "Connection: close"))
    talk(server, get("/fail", "Connection: close"))
    gevent.sleep(0.01)
    first, second = log.getvalue().splitlines()
    assert first.startswith("127.0.0.1 - - [") and '] "GET /plain HTTP/1.1" 200 ' in first
    assert '"GET /fail HTTP/1.1" 500 ' in second
    err = capfd.readouterr().err
    assert "ValueError: application failed" in err and "failed with ValueError" in err


def test_a_handler_class_of_ones_own(serve):
    class Handler(gevent.pywsgi.WSGIHandler):
        def run_application(self):
            self.environ["own"] = "handler"
            super().run_application()

    reply = talk(serve(wsgi(handler_class=Handler)), get("/environ", "Connection: close"))
    assert reply.endswith(b"http handler\r\n0\r\n\r\n") or reply.endswith(b"http handler")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    key, cert = directory / "key.pem", directory / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    return {"keyfile": str(key), "certfile": str(cert)}


def test_tls(serve, certificate):
    server = serve(wsgi(**certificate))
    context = gevent.ssl.SSLContext(gevent.ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, gevent.ssl.CERT_NONE

    def client(i):
        sock = context.wrap_socket(connect(server), server_hostname="localhost")
        reply = talk(server, get("/plain") + get("/environ", "Connection: close"), sock)
        assert b"hello" in reply and b"https None" in reply

    # Somebody who never shakes hands keeps nobody waiting.
    silent = connect(server)
    for g in [gevent.spawn(client, i) for i in range(10)]:
        g.get(timeout=20)
    silent.close()


# --- Files.


def test_file_object_thread(tmp_path):
    path = tmp_path / "file"
    with gevent.fileobject.FileObjectThread(open(path, "w"), "w") as file:
        file.write("one\ntwo\n")
        file.flush()
        assert path.read_text() == "one\ntwo\n" and file.fileno() >= 0
    file = gevent.fileobject.FileObjectThread(open(path), "r")
    assert file.readline() == "one\n" and file.read() == "two\n"
    file.close()
    with gevent.fileobject.FileObjectThread(open(path, "rb"), "rb") as file:
        assert list(file) == [b"one\n", b"two\n"]


def test_file_object_for_a_pipe():
    r, w = os.pipe()
    reader = gevent.fileobject.FileObject(r, "rb")
    writer = gevent.fileobject.FileObject(w, "wb")
    line = gevent.spawn(reader.readline)
    gevent.sleep(0.01)
    assert not line.dead
    writer.write(b"a line\nand more")
    writer.flush()
    assert line.get(timeout=5) == b"a line\n"
    writer.close()
    assert reader.read() == b"and more"
    reader.close()
    with pytest.raises(OSError):
        os.fstat(r)


def test_reading_and_writing_descriptors():
    r, w = os.pipe()
    for fd in r, w:
        assert gevent.os.make_nonblocking(fd)
    reading = gevent.spawn(gevent.os.nb_read, r, 10)
    gevent.sleep(0.005)
    assert gevent.os.nb_write(w, b"x") == 1 and reading.get(timeout=5) == b"x"
    with pytest.raises(gevent.socket.timeout):
        gevent.socket.wait_read(r, timeout=0.01)
    gevent.socket.wait_write(w, timeout=1)
    assert gevent.select.select([r], [w], [], 0.01) == ([], [w], [])
    os.close(r)
    os.close(w)


# --- Others.


def test_subprocess():
    commands = [gevent.spawn(gevent.subprocess.check_output, ["sh", "-c", "sleep 0.2; echo out"]) for _ in range(3)]
    gevent.sleep(0.01)
    assert not any(c.dead for c in commands)
    assert [c.get(timeout=30) for c in commands] == [b"out\n"] * 3


def test_kill_and_timeout_reach_sockets(serve):
    server = serve(gevent.server.StreamServer(("127.0.0.1", 0), echo))
    sock = connect(server)
    sock.settimeout(None)
    with pytest.raises(gevent.Timeout):
        with gevent.Timeout(0.01):
            sock.recv(1)
    waiting = gevent.spawn(sock.recv, 1)
    gevent.sleep(0.005)
    waiting.kill(timeout=2)
    assert isinstance(waiting.value, gevent.GreenletExit)
    sock.sendall(b"still")
    assert sock.recv(10) == b"still"
    sock.close()


PATCHED = """
from gevent import monkey
monkey.patch_all()
monkey.patch_all()
import time, socket, threading, gevent
assert monkey.is_module_patched("socket") and monkey.is_object_patched("time", "sleep")
assert monkey.get_original("time", "sleep") is not time.sleep
began = time.monotonic()
threads = [threading.Thread(target=time.sleep, args=(0.1,)) for _ in range(20)]
for t in threads:
    t.start()
gevent.joinall([gevent.spawn(time.sleep, 0.1) for _ in range(20)])
for t in threads:
    t.join()
assert time.monotonic() - began < 3
print("patched")
"""


def test_monkey(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PATCHED + "import sys; print(sys.argv[1:])\n")
    done = subprocess.run([sys.executable, script, "a"], capture_output=True, text=True)
    assert done.stdout == "patched\n['a']\n", done.stderr
    script.write_text("import time, sys; print(time.sleep.__module__ != 'time', sys.argv[1:])\n")
    done = subprocess.run([sys.executable, "-m", "gevent.monkey", script, "a"], capture_output=True, text=True)
    assert done.stdout == "True ['a']\n", done.stderr
