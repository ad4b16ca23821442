"""requests, urllib3, http.client, urllib and xmlrpc, used directly."""

import contextlib
import http.client
import http.server
import socketserver
import ssl
import threading
import time
import urllib.request
import xmlrpc.client
import xmlrpc.server

import pytest
import requests
import urllib3
from users import USERS, all_at_once

WAIT = 0.2


class Handler(http.server.BaseHTTPRequestHandler):
    """Waits, then says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        """Any path."""
        time.sleep(WAIT)
        body = f"{self.command} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Says nothing."""


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Server(http.server.ThreadingHTTPServer):
    """With TLS, if there is a context."""

    request_queue_size = 100
    context = None

    def finish_request(self, request, client_address):
        """The handshake is made in the connection's thread."""
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        request.close()


@pytest.fixture
def plain():
    with serving(Server(("127.0.0.1", 0), Handler)) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
def secure(certs):
    server = Server(("127.0.0.1", 0), Handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(certs["good"].cert, certs["good"].key)
    with serving(server) as port:
        yield f"localhost:{port}"


def test_http_client(plain):
    def use(n):
        connection = http.client.HTTPConnection(plain)
        connection.request("GET", f"/{n}")
        with contextlib.closing(connection):
            return connection.getresponse().read()

    assert all_at_once(use, wait=WAIT) == [b"GET /%d" % n for n in range(USERS)]


def test_urllib(plain):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def use(n):
        with opener.open(f"http://{plain}/{n}") as reply:
            return reply.read()

    assert all_at_once(use, wait=WAIT) == [b"GET /%d" % n for n in range(USERS)]


def test_requests(plain, secure, certs):
    def use(n):
        with requests.Session() as session:
            session.trust_env = False
            first = session.get(f"http://{plain}/{n}", timeout=30)
            second = session.get(f"https://{secure}/{n}", verify=str(certs["ca"].cert))
            with pytest.raises(requests.exceptions.ReadTimeout):
                session.get(f"http://{plain}/{n}", timeout=0.01)
            return first.text, second.text

    assert all_at_once(use, wait=2 * WAIT) == [(f"GET /{n}",) * 2 for n in range(USERS)]


def test_a_pool_of_urllib3_that_all_share(plain):
    """Ten connections for thirty: whoever gets none waits for one."""
    with urllib3.PoolManager(maxsize=10, block=True) as pool:
        found = all_at_once(lambda n: pool.request("GET", f"http://{plain}/{n}").data, wait=3 * WAIT)
    assert found == [b"GET /%d" % n for n in range(USERS)]


def test_xmlrpc():
    class Both(socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
        """A thread for each connection."""

        request_queue_size = 100

    server = Both(("127.0.0.1", 0), logRequests=False)
    server.register_function(lambda n: (time.sleep(WAIT), n * n)[1], "square")

    def use(n):
        with xmlrpc.client.ServerProxy(f"http://127.0.0.1:{port}") as proxy:
            return proxy.square(n)

    with serving(server) as port:
        assert all_at_once(use, wait=WAIT) == [n * n for n in range(USERS)]
