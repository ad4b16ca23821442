"""Socket.IO, with python-socketio's client; the server is its asyncio one, or its threaded one in plain Python."""

import threading

import pytest
from test_websockets import child
from users import USERS, all_at_once

socketio = pytest.importorskip("socketio")
pytest.importorskip("websocket")

SERVER = """
import socketserver, wsgiref.simple_server
import socketio

server = socketio.Server(async_mode="threading")

@server.event
def ask(sid, question):
    server.sleep(0.2)
    server.emit("told", question * 2, to=sid)
    return question + 1

class Threads(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 100

class Silent(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass

app = socketio.WSGIApp(server)
httpd = wsgiref.simple_server.make_server("127.0.0.1", 0, app, Threads, Silent)
print(httpd.server_port, flush=True)
httpd.serve_forever()
"""


@pytest.fixture(scope="module")
def url():
    process, port = child(SERVER)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()
    process.stdout.close()


def test_calls_and_events(url):
    def use(n):
        told, heard = [], threading.Event()
        client = socketio.Client()
        client.on("told", lambda answer: (told.append(answer), heard.set()))
        client.connect(url, wait_timeout=30)
        answer = client.call("ask", n, timeout=30)
        assert heard.wait(30)
        client.disconnect()
        return answer, told

    assert all_at_once(use, wait=0.2) == [(n + 1, [2 * n]) for n in range(USERS)]
