"""Packages that were written for gevent, over ours. Those that are not installed are skipped."""

import http.client

import gevent
import pytest
from gevent.pywsgi import WSGIServer

import locust  # noqa: F401  (patches the standard library)


@pytest.fixture
def serve():
    """Starts a WSGIServer for an application; its port."""
    servers = []

    def start(application, **options):
        server = WSGIServer(("127.0.0.1", 0), application, log=None, **options)
        server.start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.stop(timeout=1)


def test_gevent_websocket(serve):
    handler = pytest.importorskip("geventwebsocket.handler").WebSocketHandler
    websocket = pytest.importorskip("websocket")

    def application(environ, start_response):
        socket = environ["wsgi.websocket"]
        while (message := socket.receive()) is not None:
            socket.send(message)
        return []

    port = serve(application, handler_class=handler)

    def client(i):
        connection = websocket.create_connection(f"ws://127.0.0.1:{port}/")
        for n in range(5):
            connection.send(f"{i} {n}")
            assert connection.recv() == f"{i} {n}"
        connection.close()

    for g in [gevent.spawn(client, i) for i in range(20)]:
        g.get(timeout=30)


def test_flask(serve):
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)

    @app.route("/<name>", methods=["GET", "POST"])
    def hello(name):
        gevent.sleep(0.005)
        return f"{name} {flask.request.method} {flask.request.get_data(as_text=True)}"

    port = serve(app)

    def client(i):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for n in range(3):
            connection.request("POST" if n else "GET", f"/user{i}", body="x" * n)
            assert connection.getresponse().read() == f"user{i} {'POST' if n else 'GET'} {'x' * n}".encode()
        connection.close()

    for g in [gevent.spawn(client, i) for i in range(20)]:
        g.get(timeout=30)


def test_psycogreen():
    pytest.importorskip("psycopg2")
    psycogreen = pytest.importorskip("psycogreen.gevent")
    extensions = pytest.importorskip("psycopg2.extensions")
    before = extensions.get_wait_callback()
    psycogreen.patch_psycopg()
    assert extensions.get_wait_callback() is psycogreen.gevent_wait_callback
    extensions.set_wait_callback(before)


def test_zmq_green():
    zmq = pytest.importorskip("zmq.green")
    context = zmq.Context()
    server = context.socket(zmq.REP)
    port = server.bind_to_random_port("tcp://127.0.0.1")

    def serve():
        for _ in range(30):
            server.send(server.recv().upper())

    def client(i):
        socket = context.socket(zmq.REQ)
        socket.connect(f"tcp://127.0.0.1:{port}")
        for _ in range(3):
            socket.send(b"m%d" % i)
            assert socket.recv() == b"M%d" % i
        socket.close()

    serving = gevent.spawn(serve)
    for g in [gevent.spawn(client, i) for i in range(10)]:
        g.get(timeout=20)
    serving.get(timeout=20)
    waiting = gevent.spawn(server.recv)
    gevent.sleep(0.01)
    waiting.kill(timeout=5)
    assert waiting.dead
    with gevent.Timeout(0.02, False):
        server.recv()
    poller = zmq.Poller()
    poller.register(server, zmq.POLLIN)
    assert poller.poll(20) == []
    server.close()
    context.term()
