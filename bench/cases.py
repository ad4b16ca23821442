"""The workloads: what runs against what, and which figures come of it.

A measuring function runs one peer once and returns figures by name; FIGURES
says what they mean. run.py repeats, takes medians and prints.
"""

import dataclasses
import functools
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable

from procs import BenchError, Child, connections_to, wait_until
from servers import Certificate, Nginx, TruthServer, free_port

HIGHER, LOWER, NEITHER = 1, -1, 0

# Which way is better.
FIGURES = {
    "start to first request, ms": LOWER,
    "--version, ms": LOWER,
    "requests/s": HIGHER,
    "requests per CPU second": HIGHER,
    "CPU us per request": LOWER,
    "in flight on average": HIGHER,
    "connections opened per user": NEITHER,
    "open connections per user": NEITHER,
    "resident KB per user": LOWER,
    "CPU ms per user to connect": LOWER,
    "iterations per CPU second": HIGHER,
    "round trips per CPU second": HIGHER,
    "switches per CPU second": HIGHER,
    "greenlets per CPU second": HIGHER,
    "users spawned per second": HIGHER,
    "ticks/s": HIGHER,
    "CPU us per tick": LOWER,
    "users stopped per second": HIGHER,
    "median reported, ms": NEITHER,
    "median true, ms": NEITHER,
    "p99 reported, ms": NEITHER,
    "p99 true, ms": NEITHER,
    "median reported / true": LOWER,
}

HTTP, FAST, WRK = "HttpUser", "FastHttpUser", "wrk"
_IN_FILE_NAMES = {HTTP: "http", FAST: "fast"}
_READY_SECONDS = 180
_TEST_SECONDS = 400  # in case the driver cannot end a generator itself


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    measure: Callable  # (bench, peer) -> {figure: value}
    clients: tuple = (HTTP, FAST)
    ours: tuple = (HTTP,)  # our own kinds of user share an engine: often one will do
    quick: bool = True  # also part of --quick
    long: bool = False  # only part of --long
    once: bool = False  # one run will do: slow, and differs little


class Generator(Child):
    """A load generator at work on a server."""

    def __init__(self, bench, peer, url, users, file, rate=None, env=None):
        directory = bench.new_directory("generator")
        self.users = users
        self.report_path = directory / "report.jsonl"
        if peer.client == WRK:
            command = [*peer.command, "-t1", f"-c{users}", f"-d{_TEST_SECONDS}s", url]
        else:
            path = bench.locustfiles / file.format(_IN_FILE_NAMES[peer.client])
            command = [
                *peer.command, "--headless", "-u", str(users), "-r", str(rate or users),
                "-t", f"{_TEST_SECONDS}s", "-f", str(path), "-H", url, "--only-summary",
            ]
        self.is_wrk = peer.client == WRK
        super().__init__(command, directory / "log",
                         {"BENCH_REPORT": str(self.report_path), **(env or {})})

    def marks(self):
        """What bench_inside.py has written so far, by event."""
        if not self.report_path.exists():
            return {}
        lines = self.report_path.read_text().splitlines()
        return {mark["mark"]: mark for mark in map(json.loads, lines)}

    def wait_for_connections(self, port):
        wait_until(lambda: connections_to(port) >= self.users,
                   f"{self.users} connections", _READY_SECONDS, self)

    def finish(self):
        """Ends it in good order; returns the marks. BenchError if requests failed."""
        if self.is_wrk:
            self._finish_wrk()
            return {}
        status = self.stop()
        marks = self.marks()
        if "quit" not in marks:
            raise self.failed(f"ended with exit status {status} before the event quit")
        failures = marks["quit"]["failures"]
        if failures or status:
            raise self.failed(f"exit status {status}, {failures} of "
                              f"{marks['quit']['requests']} requests failed")
        return marks

    def _finish_wrk(self):
        status = self.stop(signal.SIGINT)
        if status or "Non-2xx" in self.output() or "Socket errors" in self.output():
            raise self.failed(f"exit status {status}")


def startup(bench, peer):
    """From the start of the process to its first request, and --version."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        begin = time.monotonic()
        with Generator(bench, peer, url, 1, "plain_{}.py") as generator:
            try:
                connection, _address = listener.accept()
                with connection:
                    connection.settimeout(60)
                    connection.recv(1)
                    first = time.monotonic() - begin
            except TimeoutError:
                raise generator.failed("sent no request within 60 s") from None
    begin = time.monotonic()
    try:
        subprocess.run([*peer.command, "--version"], check=True, capture_output=True, timeout=60)
    except subprocess.SubprocessError as error:
        raise BenchError(str(error)) from error
    version = time.monotonic() - begin
    return {"start to first request, ms": first * 1000, "--version, ms": version * 1000}


@dataclasses.dataclass
class _Sample:
    time: float
    cpu: float
    requests: int


def _sample(generator, server):
    requests = server.requests()
    return _Sample(time.monotonic(), generator.cpu_seconds(), requests)


def _window(bench, generator, server):
    """Figures of a window that begins when all users have been at work a while."""
    generator.wait_for_connections(server.port)
    time.sleep(bench.settle)
    begin = _sample(generator, server)
    time.sleep(bench.window)
    end = _sample(generator, server)
    requests = end.requests - begin.requests
    cpu = end.cpu - begin.cpu
    if not requests or not cpu:
        raise generator.failed(f"{requests} requests and {cpu:.2f} CPU s in the window")
    return {
        "requests/s": requests / (end.time - begin.time),
        "requests per CPU second": requests / cpu,
        "CPU us per request": cpu / requests * 1e6,
    }


def _only(figures, *names):
    return {name: figures[name] for name in names}


def plain(bench, peer, file="plain_{}.py"):
    """Users without wait against nginx."""
    with Nginx(bench) as server:
        before = server.accepted()
        with Generator(bench, peer, server.url, 100, file) as generator:
            figures = _window(bench, generator, server)
            opened = server.accepted() - before
            generator.finish()
    return {**_only(figures, "requests/s", "requests per CPU second"),
            "connections opened per user": opened / 100}


def _checking(certificate):
    """For HttpUser, which is told by session.verify, and for FastHttpUser."""
    authorities = str(certificate.authorities)
    return {"BENCH_VERIFY": authorities, "SSL_CERT_FILE": authorities}


def secure(bench, peer, users):
    """The same by TLS, certificates checked; handshakes are not in the window."""
    certificate = Certificate(bench)
    with Nginx(bench, certificate) as server, \
            Generator(bench, peer, server.url, users, "secure_{}.py",
                      env=_checking(certificate)) as generator:
        wait_until(lambda: "all_connected" in generator.marks(), f"{users} handshakes",
                   _READY_SECONDS, generator)
        figures = _window(bench, generator, server)
        generator.finish()
    return _only(figures, "requests/s", "requests per CPU second")


def burning(bench, peer, microseconds):
    """Users without wait, whose tasks compute after each reply."""
    env = {"BENCH_ROUNDS": str(bench.rounds_per_us * microseconds)}
    with Nginx(bench) as server, \
            Generator(bench, peer, server.url, 100, "burn_{}.py", env=env) as generator:
        figures = _window(bench, generator, server)
        generator.finish()
    return _only(figures, "requests/s", "requests per CPU second")


def in_flight(bench, peer, users, delay_ms):
    """Users without wait against a server that keeps all of them waiting."""
    with TruthServer(bench, delay_ms) as server, \
            Generator(bench, peer, server.url, users, "plain_{}.py", rate=1000) as generator:
        figures = _window(bench, generator, server)
        generator.finish()
    # Little's law.
    waiting = figures["requests/s"] * delay_ms / 1000
    return {**_only(figures, "requests/s", "CPU us per request"), "in flight on average": waiting}


def truth(bench, peer, delay_ms, burn_ms, pause):
    """What the tool says the response times were, and what the server knows."""
    env = {"BENCH_ROUNDS": str(bench.rounds_per_us * burn_ms * 1000), "BENCH_PAUSE": str(pause)}
    with TruthServer(bench, delay_ms) as server:
        with Generator(bench, peer, server.url, 100, "burn_{}.py", rate=50,
                       env=env) as generator:
            generator.wait_for_connections(server.port)
            time.sleep(bench.settle + 2 * bench.window)
            reported = generator.finish()["quit"]
        true = server.report()
    return {
        "median reported, ms": reported["median_ms"],
        "median true, ms": true["p50_ms"],
        "p99 reported, ms": reported["p99_ms"],
        "p99 true, ms": true["p99_ms"],
        "median reported / true": reported["median_ms"] / true["p50_ms"],
    }


def idle(bench, peer, users, tls=False, verify=False):
    """Users who made one request each and keep their connection."""
    certificate = Certificate(bench) if tls else None
    env = {"BENCH_VERIFY": "off"}
    if verify:
        env = _checking(certificate)
    with Nginx(bench, certificate) as server:
        with Generator(bench, peer, server.url, users, "idle_{}.py", rate=1000,
                       env=env) as generator:
            generator.wait_for_connections(server.port)
            wait_until(lambda: server.requests() >= users, f"{users} requests",
                       _READY_SECONDS, generator)
            time.sleep(bench.settle)
            connections = connections_to(server.port)
            marks = generator.finish()
    begin, end = marks["test_start"], marks["test_stopping"]
    return {
        "resident KB per user": (end["resident_kb"] - begin["resident_kb"]) / users,
        "CPU ms per user to connect": (end["cpu"] - begin["cpu"]) / users * 1000,
        "open connections per user": connections / users,
    }


def ticks(bench, peer, users):
    """Users without HTTP, who wait 1 to 5 s between tasks that do nothing."""
    users = users // 10 if bench.quick else users
    with Generator(bench, peer, f"http://127.0.0.1:{free_port()}", users, "ticks.py") as generator:
        wait_until(lambda: "spawning_complete" in generator.marks(), f"{users} users",
                   _READY_SECONDS, generator)
        time.sleep(2 * bench.window)
        marks = generator.finish()
    started, spawned = marks["test_start"], marks["spawning_complete"]
    stopping, stopped = marks["test_stopping"], marks["test_stop"]
    if not stopping["started"] == stopped["stopped"] == users:
        raise BenchError(f"of {users} users {stopping['started']} had started at the end, "
                         f"and {stopped['stopped']} were stopped")
    done = stopping["ticks"] - spawned["ticks"]
    return {
        "users spawned per second": users / (spawned["time"] - started["time"]),
        "resident KB per user": (stopping["resident_kb"] - started["resident_kb"]) / users,
        "ticks/s": done / (stopping["time"] - spawned["time"]),
        "CPU us per tick": (stopping["cpu"] - spawned["cpu"]) / done * 1e6,
        "users stopped per second": users / (stopped["time"] - stopping["time"]),
    }


def counted(bench, peer, file, users, figure):
    """Users who make no requests and count what they do in bench_inside.counts["ticks"]."""
    with Generator(bench, peer, f"http://127.0.0.1:{free_port()}", users, file) as generator:
        wait_until(lambda: "spawning_complete" in generator.marks(), f"{users} users",
                   _READY_SECONDS, generator)
        time.sleep(bench.window)
        marks = generator.finish()
    begin, end = marks["spawning_complete"], marks["test_stopping"]
    return {figure: (end["ticks"] - begin["ticks"]) / (end["cpu"] - begin["cpu"])}


def silence(bench, peer, seconds):
    """One connection per user, kept while nothing is said for long."""
    users = 100
    env = {"BENCH_WAIT": str(seconds)}
    with Nginx(bench) as server:
        before = server.accepted()
        with Generator(bench, peer, server.url, users, "idle_{}.py", env=env) as generator:
            wait_until(lambda: server.requests() >= 2 * users, f"{2 * users} requests",
                       seconds + 60, generator, pause=1)
            opened = server.accepted() - before
            generator.finish()
    return {"connections opened per user": opened / users}


_part = functools.partial

CASES = (
    Case("startup", "start-up", startup, clients=(HTTP,)),
    Case("plain", "100 users without wait, nginx, 34 bytes", plain, clients=(HTTP, FAST, WRK), ours=(HTTP, FAST)),
    Case("catch", "the same in with-blocks: catch_response=True, success()",
         _part(plain, file="catch_{}.py"), ours=(HTTP, FAST), quick=False),
    Case("https", "100 users by HTTPS, certificates checked", _part(secure, users=100),
         ours=(HTTP, FAST)),
    Case("https-1000", "1,000 users by HTTPS, certificates checked", _part(secure, users=1000),
         clients=(HTTP,), quick=False),
    Case("burn-50us", "100 users, 50 us of Python per task", _part(burning, microseconds=50)),
    Case("burn-500us", "100 users, 500 us of Python per task",
         _part(burning, microseconds=500), quick=False),
    Case("flight-100", "100 users in flight, server answers after 20 ms",
         _part(in_flight, users=100, delay_ms=20), quick=False),
    Case("flight-1000", "1,000 users in flight, server answers after 200 ms",
         _part(in_flight, users=1000, delay_ms=200)),
    Case("flight-5000", "5,000 users in flight, server answers after 1 s",
         _part(in_flight, users=5000, delay_ms=1000), quick=False),
    Case("truth", "100 users, server answers after 10 ms, then 4 ms of Python, 0 to 1 s of wait",
         _part(truth, delay_ms=10, burn_ms=4, pause=1)),
    Case("truth-busy", "the same without wait: Python is busy all the time",
         _part(truth, delay_ms=10, burn_ms=4, pause=0), quick=False, once=True),
    Case("idle", "5,000 idle users with one connection each", _part(idle, users=5000),
         ours=(HTTP, FAST), once=True),
    Case("idle-tls", "1,000 idle users with one TLS connection each, nothing checked",
         _part(idle, users=1000, tls=True), quick=False, once=True),
    Case("idle-tls-verify", "1,000 idle users with one TLS connection each, certificates checked",
         _part(idle, users=1000, tls=True, verify=True), quick=False, once=True),
    Case("ticks", "100,000 users without HTTP, waiting 1 to 5 s (10,000 if --quick)",
         _part(ticks, users=100000), clients=(HTTP,), once=True),
    Case("empty", "100 users without HTTP and without wait, whose tasks do nothing",
         _part(counted, file="empty.py", users=100, figure="iterations per CPU second"),
         clients=(HTTP,)),
    Case("switches", "two users who give way to one another: gevent.sleep(0)",
         _part(counted, file="switches.py", users=2, figure="switches per CPU second"),
         clients=(HTTP,), quick=False),
    Case("spawns", "one user who spawns and joins a thousand greenlets at a time",
         _part(counted, file="spawns.py", users=1, figure="greenlets per CPU second"),
         clients=(HTTP,), quick=False),
    Case("echo", "100 users of sockets, an echo server in the same process",
         _part(counted, file="echo.py", users=100, figure="round trips per CPU second"),
         clients=(HTTP,)),
    Case("silence", "100 connections over 150 s of silence", _part(silence, seconds=150),
         long=True, once=True),
)
