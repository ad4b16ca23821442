"""Proxies for tests: http (forwarding and CONNECT), socks4, socks4a and socks5 on one port of 127.0.0.1."""

import base64
import contextlib
import socket
import ssl
import threading
from urllib.parse import urlsplit


class Proxy:
    """One proxy that speaks all of them, as a context manager.

    `seen` tells what clients asked for, as (protocol, "host:port") in order of their coming; `heads` has the lines of
    requests over http. `credentials`, "user:password", are demanded if given. Names that end in .invalid are taken
    for 127.0.0.1: who asks for one leaves the looking up to the proxy. With `refuse`, a status line, http proxies
    refuse everything. With `certificate`, a pair of files, it is an https proxy that forwards, without tunnels.
    """

    def __init__(self, credentials=None, refuse=None, certificate=None):
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.credentials = credentials
        self.refuse = refuse
        self.seen = []
        self.heads = []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception):
        for s in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def url(self, scheme="http", credentials=""):
        return f"{scheme}://{credentials}{'@' if credentials else ''}127.0.0.1:{self.port}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, ValueError), client:
            if self.context is not None:
                with self.context.wrap_socket(client, server_side=True) as secure:
                    self._http(secure)
                return
            first = client.recv(1, socket.MSG_PEEK)
            if first == b"\x04":
                self._socks4(client)
            elif first == b"\x05":
                self._socks5(client)
            else:
                self._http(client)

    def _connect(self, protocol, host, port):
        self.seen.append((protocol, f"{host}:{port}"))
        server = socket.create_connection(("127.0.0.1" if host.endswith(".invalid") else host, port), timeout=20)
        self._open.append(server)
        return server

    def _relay(self, client, server):
        def copy(source, target):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        if self.context is not None:
            copy(server, client)
            return
        back = threading.Thread(target=copy, args=(server, client), daemon=True)
        back.start()
        copy(client, server)
        back.join()

    @staticmethod
    def _exactly(client, count):
        data = b""
        while len(data) < count:
            data += client.recv(count - len(data)) or bytes(count)
        return data[:count]

    def _text(self, client):
        text = b""
        while (byte := self._exactly(client, 1)) != b"\0":
            text += byte
        return text.decode()

    def _socks4(self, client):
        head = self._exactly(client, 8)
        self._text(client)
        port = int.from_bytes(head[2:4], "big")
        by_name = head[4:7] == b"\0\0\0"
        host = self._text(client) if by_name else socket.inet_ntoa(head[4:8])
        server = self._connect("socks4a" if by_name else "socks4", host, port)
        client.sendall(b"\0\x5a" + bytes(6))
        self._relay(client, server)

    def _socks5(self, client):
        self._exactly(client, self._exactly(client, 2)[1])
        if self.credentials:
            client.sendall(b"\x05\x02")
            user = self._exactly(client, self._exactly(client, 2)[1]).decode()
            password = self._exactly(client, self._exactly(client, 1)[0]).decode()
            good = f"{user}:{password}" == self.credentials
            client.sendall(b"\x01\0" if good else b"\x01\x01")
            if not good:
                return
        else:
            client.sendall(b"\x05\0")
        kind = self._exactly(client, 4)[3]
        if kind == 3:
            host = self._exactly(client, self._exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntoa(self._exactly(client, 4))
        port = int.from_bytes(self._exactly(client, 2), "big")
        server = self._connect("socks5h" if kind == 3 else "socks5", host, port)
        client.sendall(b"\x05\0\0\x01" + bytes(6))
        self._relay(client, server)

    def _http(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._exactly(client, 1)
        lines = head.decode("latin-1").split("\r\n")[:-2]
        self.heads.append(lines)
        wanted = self.credentials and "Basic " + base64.b64encode(self.credentials.encode()).decode()
        if self.refuse or (wanted and f"Proxy-Authorization: {wanted}" not in lines):
            status = self.refuse or "407 Proxy Authentication Required"
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        method, target, version = lines[0].split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            server = self._connect("connect", host, int(port))
            client.sendall(b"HTTP/1.1 200 Fine\r\n\r\n")
        else:
            parts = urlsplit(target)
            server = self._connect("http", parts.hostname, parts.port or 80)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            kept = [line for line in lines[1:] if not line.startswith(("Proxy-Authorization", "Connection"))]
            server.sendall("\r\n".join([f"{method} {path} {version}", "Connection: close", *kept, "", ""]).encode("latin-1"))
        self._relay(client, server)
