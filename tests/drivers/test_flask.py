"""Flask under gevent.pywsgi, in the same process as its users: what tests and demos use."""

import threading
import time

import pytest
import requests
from users import USERS, all_at_once

flask = pytest.importorskip("flask")
WAIT = 0.2


@pytest.fixture
def address():
    from gevent.pywsgi import WSGIServer

    app = flask.Flask(__name__)
    lock = threading.Lock()
    visits = []

    @app.route("/slow/<int:n>")
    def slow(n):
        with lock:
            visits.append(n)
        time.sleep(WAIT)
        return flask.jsonify(n=n, agent=flask.request.headers["X-User"])

    @app.route("/stream")
    def stream():
        def lines():
            for n in range(3):
                time.sleep(0.01)
                yield f"line {n}\n"

        return flask.Response(lines())

    server = WSGIServer(("127.0.0.1", 0), app, log=None)
    server.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stop()
    assert sorted(visits) == list(range(USERS))


def test_users_of_an_application(address):
    def use(n):
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(f"{address}/slow/{n}", headers={"X-User": f"user {n}"})
            lines = list(session.get(f"{address}/stream", stream=True).iter_lines())
            missing = session.get(f"{address}/nothing").status_code
        return reply.json(), lines, missing

    lines = [b"line 0", b"line 1", b"line 2"]
    assert all_at_once(use, wait=WAIT) == [({"n": n, "agent": f"user {n}"}, lines, 404) for n in range(USERS)]
