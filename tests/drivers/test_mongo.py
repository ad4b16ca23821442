"""MongoDB, with PyMongo. Debian has no server: what is tested is how users wait for one that does not answer."""

import socket

import pytest
from users import all_at_once

pymongo = pytest.importorskip("pymongo")


def test_users_wait_for_a_server_side_by_side():
    def use(n):
        with pymongo.MongoClient("127.0.0.1", port, serverSelectionTimeoutMS=500, connectTimeoutMS=300) as client:
            with pytest.raises(pymongo.errors.ServerSelectionTimeoutError):
                client.admin.command("ping")

    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:
        port = silent.getsockname()[1]
        all_at_once(use, wait=0.5)
