"""dnspython, by UDP and TCP, against a name server of our own that takes its time."""

import socket
import struct
import threading
import time

import pytest
from users import USERS, all_at_once

dns_message = pytest.importorskip("dns.message")
WAIT = 0.2


def answer(wire):
    """What the server says after a while: the number in the name is the address's last part."""
    import dns.rrset

    query = dns_message.from_wire(wire)
    reply = dns_message.make_response(query)
    name = query.question[0].name
    number = int(name.labels[0].decode().removeprefix("user"))
    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", f"127.0.0.{number + 1}"))
    time.sleep(WAIT)
    return reply.to_wire()


def reply_to(s, wire, address):
    reply = answer(wire)
    if s.fileno() >= 0:
        s.sendto(reply, address)


def serve_datagrams(s):
    while True:
        try:
            wire, address = s.recvfrom(1000)
        except OSError:
            return
        threading.Thread(target=reply_to, args=(s, wire, address)).start()


def serve_connection(connection):
    with connection:
        size = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
        reply = answer(connection.recv(size, socket.MSG_WAITALL))
        connection.sendall(struct.pack("!H", len(reply)) + reply)


def serve_connections(server):
    while True:
        try:
            connection, _address = server.accept()
        except OSError:
            return
        threading.Thread(target=serve_connection, args=(connection,)).start()


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(server.getsockname())
        threads = [threading.Thread(target=serve_datagrams, args=(datagrams,)), threading.Thread(target=serve_connections, args=(server,))]
        for thread in threads:
            thread.start()
        yield server.getsockname()[1]
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_queries(port, way):
    import dns.query

    def use(n):
        query = dns_message.make_query(f"user{n}.example", "A")
        reply = getattr(dns.query, way)(query, "127.0.0.1", port=port, timeout=30)
        return reply.answer[0][0].address

    assert all_at_once(use, wait=WAIT) == [f"127.0.0.{n + 1}" for n in range(USERS)]


def test_a_resolver(port):
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    found = all_at_once(lambda n: resolver.resolve(f"user{n}.example", "A")[0].address, wait=WAIT)
    assert found == [f"127.0.0.{n + 1}" for n in range(USERS)]
