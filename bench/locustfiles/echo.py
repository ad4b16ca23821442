"""Users without HTTP, who talk to an echo server by sockets of the standard library; the server is in the same process."""

import socket
import threading

from bench_inside import counts

from locust import User, constant, task

ROUNDS = 100  # per task: what the task itself costs is measured elsewhere


def _serve(connection):
    with connection:
        while data := connection.recv(1024):
            connection.sendall(data)


def _accept(listener):
    while True:
        threading.Thread(target=_serve, args=(listener.accept()[0],), daemon=True).start()


_listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
threading.Thread(target=_accept, args=(_listener,), daemon=True).start()


class Talker(User):
    wait_time = constant(0)

    def on_start(self):
        self.connection = socket.create_connection(_listener.getsockname())

    @task
    def talk(self):
        for _ in range(ROUNDS):
            self.connection.sendall(b"x" * 100)
            self.connection.recv(1024)
            counts["ticks"] += 1
