"""Cooperative sockets and TLS under kills, closed sockets, time limits, and other OS threads."""

import contextlib
import errno
import gc
import os
import select
import selectors
import socket
import ssl
import subprocess
import threading
import time

import _locust
import _locust_coop
import pytest
from _locust import Greenlet, GreenletExit, offload, sleep
from real_thread import RealThread, elsewhere

import locust  # noqa: F401  patches


@contextlib.contextmanager
def pair():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@pytest.fixture
def contexts(certs):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certs["good"].cert, certs["good"].key)
    return ssl.create_default_context(cafile=certs["ca"].cert), server


def shaken(contexts, one, other):
    """Both sides of a TLS connection."""
    client, server = contexts
    serving = Greenlet.spawn(server.wrap_socket, other, server_side=True)
    return client.wrap_socket(one, server_hostname="localhost"), serving.get()


# --- Whoever closes what others wait for.


def closed_under(wait, close):
    """What a green thread gets that waits, when another one closes."""
    waiting = Greenlet.spawn(lambda: pytest.raises(OSError, wait).value)
    sleep(0.01)
    assert not waiting.dead
    close()
    return waiting.get(timeout=10)


def test_a_closed_socket_ends_the_wait():
    waits = {
        "recv": lambda s: s.recv(1),
        "recvfrom": lambda s: s.recvfrom(1),
        "select": lambda s: select.select([s], [], []),
        "poll": lambda s: in_poll(s),
    }

    def in_poll(s):
        poll = select.poll()
        poll.register(s, select.POLLIN)
        return poll.poll()

    for wait in waits.values():
        with pair() as (one, other):
            assert closed_under(lambda: wait(one), one.close).errno == errno.EBADF
            assert other.recv(1) == b""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert closed_under(server.accept, server.close).errno == errno.EBADF
    with pair() as (one, other):
        assert closed_under(lambda: one.sendall(bytes(10_000_000)), one.close).errno == errno.EBADF
    with pair() as (one, other):
        descriptors = []
        assert closed_under(lambda: one.recv(1), lambda: descriptors.append(one.detach())).errno == errno.EBADF
        os.close(descriptors[0])


def test_a_closed_number_used_again_is_another_socket():
    """The old waiter is told, the new one waits for the new socket."""
    with pair() as (one, _other):
        number = one.fileno()
        old = Greenlet.spawn(lambda: pytest.raises(OSError, one.recv, 1).value.errno)
        sleep(0)
        one.close()
        with pair() as (new, peer):
            assert number in (new.fileno(), peer.fileno())
            sockets = (new, peer) if new.fileno() == number else (peer, new)
            waiting = Greenlet.spawn(sockets[0].recv, 5)
            sleep(0)
            sockets[1].sendall(b"new")
            assert waiting.get() == b"new" and old.get() == errno.EBADF


def test_closed_tls_and_epoll(contexts):
    with pair() as (one, other):
        client, server = shaken(contexts, one, other)
        assert closed_under(lambda: client.recv(1), client.close).errno == errno.EBADF
        server.close()
    epoll = select.epoll()
    error = closed_under(epoll.poll, epoll.close)
    assert error.errno == errno.EBADF and epoll.closed


# --- Kills and time limits.


class Late(Exception):
    """Thrown."""


def everything_that_waits(contexts, stack):
    """Functions that wait for ever, each with what must be fine after it was thrown out."""
    one, other = stack.enter_context(pair())
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
    datagrams = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    datagrams.bind(("127.0.0.1", 0))
    bare, silent = stack.enter_context(pair())
    tls_one, tls_other = stack.enter_context(pair())
    client, server = shaken(contexts, tls_one, tls_other)
    stack.enter_context(client), stack.enter_context(server)
    lock, again, event = threading.Lock(), threading.RLock(), threading.Event()
    lock.acquire()
    Greenlet.spawn(again.acquire).join()
    slow = _locust_coop.original("time", "sleep")
    selector = stack.enter_context(selectors.DefaultSelector())
    selector.register(one, selectors.EVENT_READ)
    child = subprocess.Popen(["sleep", "1000"], stdout=subprocess.PIPE)
    stack.callback(child.stdout.close)
    stack.callback(child.wait)
    stack.callback(child.kill)

    def start_a_thread():
        thread = threading.Thread(target=event.wait, daemon=True)
        thread.start()
        try:
            thread.join()
        finally:
            event.set()

    return {
        "recv": lambda: one.recv(1),
        "recv_into": lambda: one.recv_into(bytearray(1)),
        "sendall": lambda: one.sendall(bytes(50_000_000)),
        "accept": listener.accept,
        "recvfrom": lambda: datagrams.recvfrom(1),
        "handshake": lambda: contexts[0].wrap_socket(bare.dup(), server_hostname="x").close(),
        "tls read": lambda: client.recv(1),
        "tls write": lambda: client.sendall(bytes(50_000_000)),
        "tls shutdown": server.unwrap,
        "name lookup": lambda: offload(slow, 0.5),
        "lock": lock.acquire,
        "rlock": again.acquire,
        "event": threading.Event().wait,
        "select": lambda: select.select([one], [], []),
        "selector": selector.select,
        "thread": start_a_thread,
        "child": child.wait,
        "pipe": child.stdout.read,
    }


NAMES = sorted(
    ["recv", "recv_into", "sendall", "accept", "recvfrom", "handshake", "tls read", "tls write", "tls shutdown", "name lookup"]
    + ["lock", "rlock", "event", "select", "selector", "thread", "child", "pipe"]
)


def test_a_kill_reaches_every_wait(contexts):
    with contextlib.ExitStack() as stack:
        waits = everything_that_waits(contexts, stack)
        assert sorted(waits) == NAMES
        victims = {}
        for name, wait in waits.items():
            if name != "tls shutdown":  # it would spoil the other two
                victims[name] = Greenlet.spawn(wait)
        sleep(0.05)
        assert [name for name, victim in victims.items() if victim.dead] == []
        for name, victim in victims.items():
            victim.kill(Late if name < "m" else GreenletExit, block=False)
        for victim in victims.values():
            victim.join(10)
        assert {type(victim.exception or victim.value) for victim in victims.values()} == {Late, GreenletExit}
        last = Greenlet.spawn(waits["tls shutdown"])
        sleep(0.01)
        last.kill()
        assert last.dead


def test_a_thread_thrown_out_leaves_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pair() as (one, _other):
            victims = [Greenlet.spawn(one.recv, 1), Greenlet.spawn(lambda: subprocess.run(["sleep", "0.05"]))]
            sleep(0.01)
            for victim in victims:
                victim.kill()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_lookup_left_behind():
    """Its end finds nobody, and does no harm."""
    slow = _locust_coop.original("time", "sleep")
    victims = [Greenlet.spawn(offload, slow, 0.02) for _ in range(20)]
    sleep(0.001)
    for victim in victims:
        victim.kill()
    sleep(0.05)
    assert offload(lambda: 5) == 5
    with pytest.raises(Late):
        offload(lambda: (_ for _ in ()).throw(Late))


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        sleep(0.005)


def test_calls_that_wait_keep_nobody_waiting():
    """However many they are: neither one another nor name lookups."""
    begun, event = [], threading.Event()
    greens = [Greenlet.spawn(offload, lambda: begun.append(1) or event.wait(30)) for _ in range(200)]
    wait_for(lambda: len(begun) == len(greens))
    assert Greenlet.spawn(socket.gethostbyname, "localhost").get(timeout=20)
    event.set()
    assert all(green.get(timeout=20) for green in greens)


def test_a_lookup_is_not_begun_for_somebody_who_has_gone():
    asked, event = [], threading.Event()
    look_up = _locust.resolver("gethostbyname", lambda host: asked.append(host) or event.wait(30))
    greens = [Greenlet.spawn(look_up, "first") for _ in range(128)]
    wait_for(lambda: len(asked) == len(greens))
    late = [Greenlet.spawn(look_up, "late") for _ in range(10)]
    sleep(0)
    for green in late:
        green.kill()
    last = Greenlet.spawn(look_up, "last")
    sleep(0)
    assert len(asked) == len(greens)
    event.set()
    assert last.get(timeout=20) and set(asked) == {"first", "last"}
    assert all(green.get(timeout=20) for green in greens)


# --- TLS.


def test_handshakes_side_by_side(contexts):
    """A hundred connections, with a server that has one green thread for each."""

    def serve(connection):
        with contexts[1].wrap_socket(connection, server_side=True) as tls:
            while data := tls.recv(100):
                sleep(0.01)
                tls.sendall(data)

    def accept():
        while True:
            Greenlet.spawn(serve, listener.accept()[0])

    def use(n):
        with socket.create_connection(address) as plain, contexts[0].wrap_socket(plain, server_hostname="localhost") as tls:
            for _ in range(3):
                tls.sendall(b"%d" % n)
                assert tls.recv(100) == b"%d" % n
        return True

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        accepting = Greenlet.spawn(accept)
        assert all(user.get() for user in [Greenlet.spawn(use, n) for n in range(100)])
        accepting.kill()


def test_certificates_of_a_server(contexts, certs):
    def serve():
        with contextlib.suppress(OSError):
            contexts[1].wrap_socket(listener.accept()[0], server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = Greenlet.spawn(serve)
        text = ssl.get_server_certificate(listener.getsockname())
        serving.join()
    assert text.strip() in certs["good"].cert.read_text()


# --- Other OS threads.


def test_another_os_thread_uses_the_same_objects(contexts):
    with pair() as (one, other):
        other.settimeout(30)
        thread = RealThread(lambda: other.sendall(other.recv(10) + b" back"))
        thread.start()
        one.sendall(b"there")
        assert one.recv(20) == b"there back"
        thread.join()
    with pair() as (one, other):
        client, server = shaken(contexts, one, other)
        thread = RealThread(lambda: server.sendall(server.recv(10) + b" back"))
        thread.start()
        client.sendall(b"there")
        assert client.recv(20) == b"there back"
        thread.join()
        client.close(), server.close()


def test_another_os_thread_waits_and_polls():
    def work():
        with pair() as (one, other):
            assert select.select([one], [], [], 0.01) == ([], [], [])
            poll = select.poll()
            poll.register(one, select.POLLIN)
            assert poll.poll(10) == []
            with select.epoll() as epoll:
                epoll.register(one, select.EPOLLIN)
                assert epoll.poll(0.01) == []
                other.sendall(b"x")
                assert len(poll.poll()) == len(epoll.poll()) == 1
        assert socket.getaddrinfo("localhost", 80) and socket.create_server(("localhost", 0)).close() is None
        assert subprocess.check_output(["echo", "x"]) == b"x\n" and os.system("exit 3") >> 8 == 3
        time.sleep(0.001)
        return "done"

    assert elsewhere(work) == "done"


def test_a_fork_takes_no_waits_along():
    with pair() as (one, other):
        waiting = Greenlet.spawn(one.recv, 10)
        slow = Greenlet.spawn(offload, _locust_coop.original("time", "sleep"), 0.1)
        lock = threading.RLock()
        Greenlet.spawn(lock.acquire).join()
        sleep(0)
        pid = os.fork()
        if pid == 0:
            with pair() as (here, there):
                reading = Greenlet.spawn(here.recv, 10)
                sleep(0)
                there.sendall(b"child")
                fine = reading.get() == b"child" and offload(lambda: 5) == 5 and socket.gethostbyname("localhost")
            os._exit(0 if fine and not lock.acquire(blocking=False) else 1)
        assert os.waitpid(pid, 0)[1] == 0
        other.sendall(b"parent")
        assert waiting.get() == b"parent" and slow.get() is None


def test_descriptors_stay_blocking(contexts):
    """Who is given one, a child process above all, finds what it expects."""
    with pair() as (one, other), socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        accepted = server.accept()[0]
        one.sendall(b"line\n")
        assert subprocess.check_output(["head", "-n", "1"], stdin=other) == b"line\n"
        with accepted:
            for s in one, other, server, client, accepted:
                assert os.get_blocking(s.fileno())
        tls, _server = shaken(contexts, one, other)
        assert os.get_blocking(tls.fileno())
        tls.close(), _server.close()


def test_a_wait_without_end_for_what_is_no_socket():
    reader, writer = os.pipe()
    waiting = Greenlet.spawn(_locust.wait_fd, reader, 1)
    sleep(0)
    os.write(writer, b"x")
    assert waiting.get() == 1
    os.close(reader), os.close(writer)
