"""What the standard library does, as a list of lines: the same in plain Python and cooperatively.

`python3 differential_coop.py` runs it in plain Python; with the argument "green", in a green thread, with everything patched.
"""

import asyncio
import concurrent.futures
import contextlib
import errno
import functools
import io
import os
import pickle
import queue
import re
import select
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import time
import _thread

CASES = []
CERTIFICATE, KEY, AUTHORITY = sys.argv[1:4]


def case(function):
    """One function, whose calls of say() are compared."""
    CASES.append(function)
    return function


def said(function, *args, **kwargs):
    """What a call gives or raises, as text."""
    try:
        return re.sub(r"0x[0-9a-f]+", "0x", repr(function(*args, **kwargs)))
    except BaseException as error:
        text = re.sub(r"\(_ssl\.c:\d+\)", "(_ssl.c)", repr(error))
        text = re.sub(r"(TimeoutExpired\(\[.*\], )[0-9.]+", r"\1", text)
        return re.sub(r"0x[0-9a-f]+", "0x", text)


def pair(timeout=None):
    """Two connected sockets; the first with a time limit."""
    one, other = socket.socketpair()
    one.settimeout(timeout)
    return one, other


def in_thread(function, *args):
    """Starts a thread."""
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


# --- Sockets.


@case
def socket_arguments(say):
    one, other = pair(0.01)
    other.sendall(b"0123456789")
    for name in "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "send", "sendall", "sendto", "sendmsg":
        method = getattr(one, name)
        for args in (), (None,), ("text",), (-1,), (bytearray(3), -1), (b"x", "flags"), (b"x", 0, 0, 0), (bytearray(2), 5), (0,):
            if name != "sendmsg" or args not in ((bytearray(3), -1),):
                say(name, args, said(method, *args))
    say(said(one.recv_into, bytearray(4), nbytes=2), said(one.recv_into, bytearray(4), flags=socket.MSG_PEEK))
    say(said(one.recv_into, memoryview(bytearray(8))[2:4]), said(one.recv_into, b"readonly"))
    for address in None, "text", ("h",), ("127.0.0.1", "x"), ("127.0.0.1", 99999), (1, 2), ("127.0.0.1", 80, 1), ("no.such.host.invalid", 1):
        with socket.socket() as s:
            for name in "connect", "connect_ex", "bind":
                say(name, address, said(getattr(s, name), address))


@case
def socket_timeouts(say):
    with socket.socket() as s:
        for value in None, 0, 0.0, 1.5, 1e-10, -1, "x", 1e30, True:
            say(value, said(s.settimeout, value), s.gettimeout(), s.timeout, s.getblocking(), os.get_blocking(s.fileno()))
        say(said(s.setblocking, True), s.gettimeout(), said(s.setblocking, False), s.gettimeout())
        say(repr(s).replace(str(s.fileno()), "N", 1))
    socket.setdefaulttimeout(3)
    with socket.socket() as s:
        say(s.gettimeout(), socket.getdefaulttimeout())
    socket.setdefaulttimeout(None)
    for limit in 0.01, 0:
        one, other = pair(limit)
        say(said(one.recv, 1), said(one.recv_into, bytearray(1)), said(one.recvfrom, 1), said(one.recvmsg, 1))
        say(said(one.sendall, bytes(10_000_000)), said(one.send, b"x"), said(one.makefile("rb").read, 1))
    with socket.create_server(("127.0.0.1", 0)) as server:
        for limit in 0.01, 0:
            server.settimeout(limit)
            say(said(server.accept))


@case
def socket_ends(say):
    one, other = pair()
    other.sendall(b"rest")
    other.close()
    say(one.recv(10), one.recv(10), said(one.sendall, b"x"), one.fileno() >= 0)
    one.close()
    say(one.fileno(), said(one.recv, 1), said(one.send, b""), said(one.connect, "x"), said(one.accept), said(one.getpeername))
    say(said(pickle.dumps, one), said(one.detach), said(one.close), repr(one))
    one, other = pair(1.5)
    fd = one.detach()
    say(one.fileno(), os.get_blocking(fd))
    again = socket.socket(fileno=fd)
    say(again.family, again.type, again.gettimeout(), again.getblocking())
    copy = again.dup()
    say(type(copy) is socket.socket, copy.fileno() != again.fileno(), said(copy.sendall, b"dup"), other.recv(3))
    one, other = pair()
    with one, other, one.makefile("rwb") as file:
        one.close()
        say(said(file.write, b"after close\n"), said(file.flush), other.recv(20))
    one, other = pair()
    thread = in_thread(lambda: (time.sleep(0.01), one.shutdown(socket.SHUT_RDWR)))
    say(one.recv(1))
    thread.join()


@case
def socket_transfers(say):
    one, other = pair()
    data = bytes(range(256)) * 4000
    thread = in_thread(one.sendall, data)
    got = b""
    while len(got) < len(data):
        got += other.recv(100_000)
    say(got == data)
    thread.join()
    thread = in_thread(lambda: [other.sendall(b"12") or time.sleep(0.01) for _ in range(3)])
    say(one.recv(6, socket.MSG_WAITALL), one.recv_into(bytearray(0)))
    thread.join()
    other.sendall(b"peek")
    say(one.recv(4, socket.MSG_PEEK), one.recv(2, socket.MSG_DONTWAIT), one.recv(100), said(one.recv, 1, socket.MSG_DONTWAIT))
    say(one.sendmsg([b"a", b"bc"]), other.recvmsg(10)[:2], other.sendmsg([b"to"]), one.recvmsg_into([bytearray(1), bytearray(5)])[0])
    socket.send_fds(one, [b"fd"], [1])
    message, fds, _flags, _address = socket.recv_fds(other, 10, 1)
    say(message, len(fds))
    os.close(fds[0])


@case
def socket_lines(say):
    one, other = pair()
    with one.makefile("rw", encoding="utf-8") as file, other.makefile("rb", buffering=0) as raw:
        file.write("grün\n")
        file.flush()
        say(raw.readline(), type(raw).__name__, raw.readable(), said(raw.write, b""))
        other.sendall("zurück\nund mehr\n".encode())
        say(file.readline(), file.readline())
    one, other = pair(0.01)
    file = one.makefile("rb")
    say(said(file.read, 1), said(file.read, 1))


@case
def datagrams(say):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("localhost", 0))
        say(other.sendto(b"to", one.getsockname()), one.recvfrom(10)[0], other.sendto(b"to", 0, ("localhost", one.getsockname()[1])))
        buffer = bytearray(5)
        say(one.recvfrom_into(buffer, 2)[0], buffer, said(other.sendto, b"x", ("no.such.host.invalid", 1)))
        other.connect(one.getsockname())
        say(other.send(b"connected"), one.recv(20), said(one.recvfrom, 1, socket.MSG_DONTWAIT), said(other.sendto, b"x"))


@case
def connections(say):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in "127.0.0.1", "localhost":
            with socket.create_connection((host, port), timeout=5) as one:
                other, address = server.accept()
                say(address == one.getsockname(), one.gettimeout(), other.gettimeout(), type(other) is socket.socket)
                other.close()
        with socket.socket() as s:
            s.settimeout(5)
            say(s.connect_ex(("127.0.0.1", port)), said(s.connect, ("127.0.0.1", port)), s.connect_ex(("127.0.0.1", port)))
    for timeout in None, 5:
        say(said(socket.create_connection, ("127.0.0.1", port), timeout), said(socket.create_connection, ("localhost", port), timeout))
    with socket.socket() as s:
        say(s.connect_ex(("127.0.0.1", port)))
    with socket.socket() as s:
        s.setblocking(False)
        say(s.connect_ex(("127.0.0.1", port)) in (errno.EINPROGRESS, errno.ECONNREFUSED))
    say(said(socket.create_connection, ("no.such.host.invalid", 1)), said(socket.create_connection, ("127.0.0.1", port), 0.5, all_errors=True))


@case
def local_sockets(say):
    path = "\0locust-differential-%d" % os.getpid()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        waiting = []
        for _ in range(4):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.05)
            say(said(s.connect, path))
            waiting.append(s)
        say(server.accept()[0].recv(0))
        for s in waiting:
            s.close()


@case
def lookups(say):
    for host in "127.0.0.1", "::1", "localhost", None, "", b"127.0.0.1", "no.such.host.invalid", "a" * 70, 5:
        say(host, said(socket.getaddrinfo, host, 80, type=socket.SOCK_STREAM), said(socket.gethostbyname, host))
    say(said(socket.getaddrinfo, "localhost", "http", 0, 0, 0, 0), said(socket.getaddrinfo, "127.0.0.1", "no such service"))
    say(said(socket.gethostbyname_ex, "localhost"), said(socket.getnameinfo, ("127.0.0.1", 80), 0)[:12], said(socket.getfqdn, "127.0.0.1"))
    say(said(socket.gethostbyaddr, "127.0.0.1"), said(socket.getnameinfo, ("127.0.0.1", 80), 3), said(socket.getnameinfo, ("x", 80), 0))
    say(said(socket.getaddrinfo), said(socket.gethostbyname), said(socket.getnameinfo, "x"))


# --- TLS.


def tls_pair(client=None, server=None, handshake=True, **kwargs):
    """The two sides of a connection, with the certificates of the test."""
    client = client or ssl.create_default_context(cafile=AUTHORITY)
    if server is None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(CERTIFICATE, KEY)
    one, other = socket.socketpair()
    one.settimeout(kwargs.pop("timeout", None))
    results = {}

    def serve():
        try:
            results["server"] = server.wrap_socket(other, server_side=True)
        except OSError as error:
            results["server"] = error

    thread = in_thread(serve)
    try:
        results["client"] = client.wrap_socket(one, server_hostname="localhost", do_handshake_on_connect=handshake, **kwargs)
        if not handshake:
            say_before = said(results["client"].getpeercert)
            results["before"] = say_before
            results["client"].do_handshake()
    except OSError as error:
        results["client"] = error
        one.close()
    thread.join()
    return results


@case
def tls(say):
    r = tls_pair()
    one, other = r["client"], r["server"]
    say(type(one).__name__, one.version(), one.cipher()[1:], one.getpeercert()["subject"], one.session_reused, one.getblocking())
    say(one.sendall(b"hello"), other.recv(10), other.send(b"answer"), one.recv(2), one.pending(), one.read(10))
    buffer = bytearray(10)
    say(other.write(b"into"), one.recv_into(buffer), buffer, said(one.recv, 1, 5), said(one.sendto, b"x", "y"), said(one.recvmsg, 1))
    data = bytes(range(256)) * 8000
    thread = in_thread(one.sendall, data)
    got = b""
    while len(got) < len(data):
        got += other.recv(65536)
    thread.join()
    say(got == data)
    one.settimeout(0.01)
    say(said(one.recv, 1), said(one.recv, 1))
    one.settimeout(0)
    say(said(one.recv, 1))
    one.settimeout(None)
    thread = in_thread(lambda: other.unwrap().close())
    plain = one.unwrap()
    thread.join()
    say(type(plain).__name__, plain.recv(1))


@case
def tls_ends(say):
    r = tls_pair()
    r["server"].close()
    say(r["client"].recv(1), said(r["client"].unwrap))
    r = tls_pair(suppress_ragged_eofs=False)
    r["server"].detach() and None
    r = tls_pair(suppress_ragged_eofs=False)
    os.close(r["server"].detach())
    say(said(r["client"].recv, 1))
    r = tls_pair(handshake=False)
    say(r["before"], type(r["client"]).__name__)
    r = tls_pair(client=ssl.create_default_context())
    say(repr(r["client"])[:60], type(r["server"]).__name__)
    one, other = socket.socketpair()
    one.settimeout(0.05)
    say(re.sub(r"_ssl\.c:\d+: ", "", said(ssl.create_default_context().wrap_socket, one, server_hostname="x")))
    other.close()
    one, other = socket.socketpair()
    other.close()
    say(said(ssl.create_default_context().wrap_socket, one, server_hostname="x"))


@case
def tls_options(say):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE, KEY)
    server.set_alpn_protocols(["b", "a"])
    names = []
    server.sni_callback = lambda sock, name, context: (time.sleep(0.01), names.append((name, isinstance(sock, ssl.SSLSocket))))[2:]  # fmt: skip
    server.load_verify_locations(AUTHORITY)
    client = ssl.create_default_context(cafile=AUTHORITY)
    client.set_alpn_protocols(["a", "c"])
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    server.sni_callback = lambda sock, name, context: names.append((name, isinstance(sock, ssl.SSLSocket)))
    r = tls_pair(client, server)
    say(r["client"].selected_alpn_protocol(), r["client"].version(), names)
    session = r["client"].session
    r = tls_pair(client, server, session=session)
    say(r["client"].session_reused, r["client"].session == session)

    class Context(ssl.SSLContext):
        """Of somebody's own."""

        def wrap_socket(self, *args, **kwargs):
            names.append("wrapped")
            return super().wrap_socket(*args, **kwargs)

    own = Context(ssl.PROTOCOL_TLS_CLIENT)
    own.load_verify_locations(AUTHORITY)
    say(type(tls_pair(own)["client"]).__name__, names[-1])


@case
def tls_in_memory(say):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE, KEY)
    client = ssl.create_default_context(cafile=AUTHORITY)
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    one, other = client.wrap_bio(a, b, server_hostname="localhost"), server.wrap_bio(b, a, server_side=True)
    say(said(one.do_handshake)[:20], said(other.do_handshake)[:20], said(one.do_handshake)[:20], said(other.do_handshake))
    say(one.write(b"x"), other.read(), said(one.read)[:20])


# --- Waiting for several.


@case
def selections(say):
    one, other = pair()
    say(select.select([one], [], [], 0), select.select([], [one], [], 0)[1] == [one], select.select([one], [one], [one], 1)[1] == [one])
    other.sendall(b"x")
    say([len(part) for part in select.select([one], [one, one], [other])], select.select([one.fileno()], (), ())[0] == [one.fileno()])
    say(said(select.select), said(select.select, 1, [], []), said(select.select, ["x"], [], []), said(select.select, [-1], [], []))
    say(said(select.select, [], [], [], "x"), said(select.select, [], [], [], -1), said(select.select, [], [], [], 0.001))
    closed = socket.socket()
    fd = closed.fileno()
    closed.close()
    say(said(select.select, [fd], [], [], 1), said(select.select, [closed], [], [], 1))
    other.close()
    say([len(part) for part in select.select([one], [one], [one], 1)])


@case
def polls(say):
    one, other = pair()
    poll = select.poll()
    say(said(poll.poll, 0), said(poll.poll, 1), said(poll.register, one), len(poll.poll()), poll.poll(0)[0][1])
    say(said(poll.register, one, select.POLLIN), poll.poll(1), said(poll.modify, one, select.POLLOUT), poll.poll(1)[0][1])
    say(said(poll.modify, other, 1), said(poll.unregister, other)[:9], said(poll.register), said(poll.register, "x"), said(poll.register, -1))
    say(said(poll.register, one, -1), said(poll.register, one, 1 << 20), said(poll.register, one, "x"), said(poll.poll, "x"), said(poll.poll, None) != "")
    other.close()
    poll.modify(one, select.POLLIN)
    say(poll.poll(-1)[0][1], said(poll.unregister, one), poll.poll(1))


@case
def epolls(say):
    one, other = pair()
    with select.epoll() as epoll:
        epoll.register(one, select.EPOLLIN)
        say(epoll.poll(0), epoll.poll(0.01), epoll.poll(timeout=0.01, maxevents=1), said(epoll.poll, "x"), said(epoll.poll, 0, 0), said(epoll.poll, x=1))
        thread = in_thread(lambda: (time.sleep(0.01), other.sendall(b"x")))
        say([event for _fd, event in epoll.poll()], [event for _fd, event in epoll.poll(None, 5)], len(epoll.poll(-1)))
        thread.join()
    say(epoll.closed, said(epoll.poll), said(epoll.close))
    for kind in selectors.DefaultSelector, selectors.PollSelector, selectors.SelectSelector, selectors.EpollSelector:
        with kind() as selector:
            selector.register(one, selectors.EVENT_READ, "data")
            say(kind.__name__, [(key.data, events) for key, events in selector.select()], selector.select(-1) != [])


# --- Threads.


@case
def locks(say):
    lock = threading.Lock()
    for args, kwargs in (
        ((), {}), ((False,), {}), ((True, 0.01), {}), ((), {"timeout": 0.01}), ((False, 1), {}), ((True, -2), {}),
        ((True, "x"), {}), (("x", 0.01), {}), ((True, 1e30), {}), ((), {"wrong": 1}), ((1, 2, 3), {}), ((), {"blocking": 0}),
        ((True, 0), {}), ((True,), {"blocking": True}), ((True, None), {}),
    ):  # fmt: skip
        say(args, kwargs, said(lock.acquire, *args, **kwargs))
    say(lock.locked(), said(lock.release), said(lock.release), lock.locked(), said(lock.__enter__), said(lock.__exit__), said(lock.__exit__, None, None, None))
    say(type(lock) is _thread.LockType, said(type(lock)), re.sub("0x.*", "", repr(lock)))
    lock = threading.RLock()
    say(said(lock.release), lock.acquire(), lock.acquire(False), lock.acquire(True, 0.01), lock.acquire(timeout=-1), said(lock.acquire, False, 1))
    say(lock._is_owned(), [said(lock.release) for _ in range(5)], lock._is_owned(), said(lock.acquire, x=1), said(lock.__exit__))
    thread = in_thread(lambda: say(lock.acquire(), lock._is_owned()))
    thread.join()
    say(lock.acquire(False), lock.acquire(timeout=0.01), said(lock.release), lock._is_owned())


@case
def conditions(say):
    for lock in threading.RLock(), threading.Lock():
        condition = threading.Condition(lock)
        say(said(condition.wait), said(condition.notify))
        with condition:
            if hasattr(lock, "_is_owned"):
                lock.acquire()
            say(condition.wait(0.01), condition.wait_for(lambda: True, 1))
            thread = in_thread(lambda condition=condition: condition.acquire() and (condition.notify_all(), condition.release()))
            say(condition.wait(10))
            if hasattr(lock, "_is_owned"):
                say(lock._is_owned(), said(lock.release), lock._is_owned())
        thread.join()
        say(said(condition.release))


@case
def thread_objects(say):
    seen = []
    thread = threading.Thread(target=lambda *a, **k: seen.append((a, k, threading.current_thread().name)), args=(1,), kwargs={"k": 2}, name="n", daemon=False)
    say(thread.is_alive(), thread.ident, said(thread.join), repr(thread))
    thread.start()
    thread.join()
    say(seen, thread.is_alive(), said(thread.start), threading.main_thread().name, thread.ident is not None, threading.get_native_id() == os.getpid())
    barrier = threading.Barrier(3)
    threads = [in_thread(barrier.wait) for _ in range(2)]
    say(barrier.wait() in range(3), [thread.join() for thread in threads])
    timer = threading.Timer(0.01, seen.append, ["timer"])
    timer.start()
    timer.join()
    cancelled = threading.Timer(100, seen.append, ["never"])
    cancelled.start()
    cancelled.cancel()
    cancelled.join()
    say(seen[1:])
    local = threading.local()
    local.x = 1
    in_thread(lambda: say(hasattr(local, "x"))).join()
    semaphore = threading.BoundedSemaphore(1)
    say(semaphore.acquire(timeout=0.01), semaphore.acquire(timeout=0.01), said(semaphore.release), said(semaphore.release))
    for args in (), (1, 2), (print, []), (print, (), []):
        say(said(_thread.start_new_thread, *args))
    idents = []
    _thread.start_new_thread(lambda: idents.append(threading.get_ident()), ())
    while not idents:
        time.sleep(0.001)
    say(idents[0] != threading.get_ident())


@case
def queues(say):
    simple = queue.SimpleQueue()
    for args, kwargs in ((False,), {}), ((True, 0.01), {}), ((), {"timeout": -1}), ((), {"x": 1}), ((1, 2, 3), {}), ((True, "x"), {}), ((True, 0), {}):
        say(args, kwargs, said(simple.get, *args, **kwargs))
    thread = in_thread(lambda: (time.sleep(0.01), simple.put("late")))
    say(simple.get(), said(simple.put), simple.put(1), simple.put_nowait(2), simple.put(3, False, 1), simple.qsize(), [simple.get() for _ in range(3)], simple.empty())
    thread.join()
    for kind in queue.Queue, queue.LifoQueue, queue.PriorityQueue:
        q = kind(2)
        say(q.put(2), q.put(1), said(q.put, 3, timeout=0.01), said(q.put_nowait, 3), q.get(), q.get(), said(q.get, timeout=0.01), q.task_done(), q.task_done(), q.join())


@case
def executors(say):
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        say(list(executor.map(lambda n: n * n, range(5))), said(executor.submit(lambda: 1 / 0).result))
        slow = executor.submit(time.sleep, 0.05)
        say(said(slow.result, 0.001), said(slow.result))
    say(said(executor.submit, print))


# --- Processes.


@case
def processes(say):
    say(subprocess.run(["sh", "-c", "cat; echo err >&2; exit 3"], input=b"in", capture_output=True))
    say(subprocess.check_output(["echo", "ü"], text=True), said(subprocess.check_call, ["false"]), said(subprocess.run, ["no such program"]))
    say(said(subprocess.run, ["sleep", "9"], timeout=0.05), subprocess.call("exit 4", shell=True), subprocess.getstatusoutput("echo x; exit 2"))
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1, bufsize=0) as p:
        say(p.stdin.write(b"raw\n"), p.stdout.read(4), p.poll(), p.stdin.close(), p.stdout.read(), p.wait())
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1, text=True, bufsize=1) as p:
        say(p.stdin.write("line\n"), p.stdout.readline(), isinstance(p.stdout, io.TextIOWrapper), p.stdin.close(), list(p.stdout))
    with subprocess.Popen(["head", "-c", "5"], stdin=-1, stdout=-1) as p:
        say(said(p.communicate, bytes(1_000_000)), p.returncode)
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1) as p:
        say(len(p.communicate(bytes(3_000_000))[0]), isinstance(p.stdout, io.BufferedReader), p.stdout.closed)
    say(said(os.waitpid, 1, 0), said(os.waitpid, -1, 0), said(os.waitpid, "x", 0), said(os.wait), said(os.wait4, -1, 0))
    say(os.system("exit 5"), os.waitstatus_to_exitcode(os.system("kill -9 $$")))
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    say(os.waitpid(pid, 0)[1], said(os.waitpid, pid, 0))
    with os.popen("echo popen; exit 1") as file:
        say(file.read())


@case
def event_loops(say):
    async def work():
        out = await asyncio.to_thread(lambda: (time.sleep(0.01), "thread")[1])
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 0.01)
        process = await asyncio.create_subprocess_shell("echo process; exit 3", stdout=-1)
        return out, await process.communicate(), process.returncode, said(asyncio.run, None)

    say(asyncio.run(work()), said(asyncio.get_running_loop))


@case
def sleeps(say):
    say(said(time.sleep, 0), said(functools.partial(time.sleep), 0.001))


def run():
    """Prints them all."""
    for function in CASES:
        lines = []
        try:
            function(lambda *what, lines=lines: lines.append(repr(what)))
        except BaseException as error:
            lines.append(f"raised {error!r} at line {error.__traceback__.tb_next.tb_lineno}")
        for line in lines:
            print(f"{function.__name__}: {line}")


if sys.argv[4:] == ["green"]:
    import _locust_coop
    from _locust import Greenlet

    _locust_coop.patch()

    Greenlet.spawn(run).join()
else:
    run()
