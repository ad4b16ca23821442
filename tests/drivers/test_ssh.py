"""SFTP with paramiko, whose transports run in threads; the server is paramiko's too, in the same process."""

import io
import os
import socket
import threading

import pytest
from programs import Directory
from users import all_at_once

paramiko = pytest.importorskip("paramiko")
USERS = 10  # each costs two key exchanges


class Door(paramiko.ServerInterface):
    """Who knows the password may use SFTP."""

    def check_auth_password(self, username, password):
        """There is one password."""
        return paramiko.AUTH_SUCCESSFUL if password == "secret" else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        """Everything is allowed."""
        return paramiko.OPEN_SUCCEEDED


class Files(paramiko.SFTPServerInterface):
    """Files of one directory."""

    root = None

    def _path(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def open(self, path, flags, attributes):
        """A file."""
        handle = paramiko.SFTPHandle(flags)
        mode = "r+b" if flags & os.O_WRONLY and os.path.exists(self._path(path)) else "wb" if flags & os.O_WRONLY else "rb"
        handle.readfile = handle.writefile = open(self._path(path), mode)  # noqa: SIM115  paramiko closes it
        return handle

    def stat(self, path):
        """What is known of it."""
        return paramiko.SFTPAttributes.from_stat(os.stat(self._path(path)))

    lstat = stat


@pytest.fixture
def port():
    key = paramiko.RSAKey.generate(2048)
    transports = []

    def serve(connection):
        transport = paramiko.Transport(connection)
        transports.append(transport)
        transport.add_server_key(key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
        transport.start_server(server=Door())

    def accept():
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,)).start()

    with Directory() as directory, socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        Files.root = str(directory)
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield server.getsockname()[1]
        server.close()
        accepting.join()
        for transport in transports:
            transport.close()


def test_files_go_there_and_back(port):
    def use(n):
        content = os.urandom(100_000)
        with paramiko.SSHClient() as client:
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect("127.0.0.1", port, "user", "secret", allow_agent=False, look_for_keys=False)
            with client.open_sftp() as sftp:
                sftp.putfo(io.BytesIO(content), f"file{n}")
                back = io.BytesIO()
                sftp.getfo(f"file{n}", back)
        return back.getvalue() == content

    assert all(all_at_once(use, USERS))


def test_a_wrong_password(port):
    with paramiko.SSHClient() as client, pytest.raises(paramiko.AuthenticationException):
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect("127.0.0.1", port, "user", "wrong", allow_agent=False, look_for_keys=False)
