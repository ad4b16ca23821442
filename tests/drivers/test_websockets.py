"""websocket-client, against a server of websockets in a process of its own; Socket.IO over it."""

import subprocess
import sys

import pytest
from programs import plain_environment
from users import USERS, all_at_once

WAIT = 0.2

ECHO = """
import asyncio, websockets
async def echo(connection, path=None):
    async for message in connection:
        await asyncio.sleep(0.2)
        await connection.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
"""


def child(script):
    """A server in plain Python that prints its port first; the process and the port."""
    environment = {name: value for name, value in plain_environment().items() if name != "PYTHONPATH"}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    return process, process.stdout.readline().strip()


@pytest.fixture
def echo():
    pytest.importorskip("websockets")
    process, port = child(ECHO)
    yield f"ws://127.0.0.1:{port}/"
    process.kill()
    process.wait()
    process.stdout.close()


def test_echo(echo):
    websocket = pytest.importorskip("websocket")

    def use(n):
        connection = websocket.create_connection(echo, timeout=30)
        connection.send(f"from {n}")
        text = connection.recv()
        connection.settimeout(0.01)
        with pytest.raises(websocket.WebSocketTimeoutException):
            connection.recv()
        connection.close()
        return text

    assert all_at_once(use, wait=WAIT) == [f"from {n}" for n in range(USERS)]


def test_an_application_with_callbacks(echo):
    websocket = pytest.importorskip("websocket")

    def use(n):
        got = []
        app = websocket.WebSocketApp(
            echo,
            on_open=lambda app: app.send(f"from {n}"),
            on_message=lambda app, message: (got.append(message), app.close()),
        )
        app.run_forever()
        return got

    assert all_at_once(use, wait=WAIT) == [[f"from {n}"] for n in range(USERS)]
