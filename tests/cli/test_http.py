"""HTTP under load, from outside: I/O threads, connections, failures, kills, generator lag."""

import http.server
import json
import os
import re
import socket
import threading

import pytest

SANITIZED = bool(os.environ.get("LOCUST_SANITIZERS"))


def counted(result, name):
    """(requests, failures) of a line of the final table."""
    found = re.findall(rf"^\S*\s+{re.escape(name)}\s+(\d+)\s+(\d+)\(", result.out + result.err, re.M)
    assert found, result
    return tuple(map(int, found[-1]))


# --- I/O threads.

FIXED_NUMBER = """
import os
from locust import HttpUser, constant, events, task
from locust.exception import StopUser

@events.quitting.add_listener
def threads(**kwargs):
    print("threads", len(os.listdir("/proc/self/task")))

class A(HttpUser):
    wait_time = constant(0)

    @task
    def t(self):
        for _ in range(25):
            self.client.get("/ok")
            self.client.get("/redirect?to=/ok", name="redirect")
            self.client.post("/echo", data="x" * 100, name="echo")
        raise StopUser
"""


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_io_threads(run, hostile, threads):
    """Whatever their number: every request is counted once, and a user keeps its one connection."""
    r = run("--headless", "-u", "10", "-r", "100", "-t", "3", "--only-summary", "-H", hostile.url, "--io-threads",
            str(threads), locustfile=FIXED_NUMBER)
    assert r.code == 0, r
    assert counted(r, "/ok") == counted(r, "redirect") == counted(r, "echo") == (250, 0)
    assert counted(r, "Aggregated") == (750, 0)
    assert hostile.counts(open=0) == (10, 1000)
    # Besides them: Python's, and the one that watches the hub.
    assert re.findall(r"^threads (\d+)$", r.out, re.M) == [str(2 + threads)]


ONCE = """
from locust import HttpUser, task
from locust.exception import StopUser

class A(HttpUser):
    @task
    def t(self):
        self.client.get("/ok")
        raise StopUser
"""


class Peers(http.server.BaseHTTPRequestHandler):
    """Notes where connections come from, and what is spoken on them."""

    seen = []
    versions = []

    def do_GET(self):
        self.seen.append(self.client_address[0])
        self.versions.append(self.request_version)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_where_connections_come_from_and_go_to(run):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        r = run("--headless", "-u", "6", "-r", "100", "-t", "3", "--only-summary", "-H", f"http://name.invalid:{port}",
                "--source-address", "127.0.0.2", "127.0.0.3", "--source-address", "::1",
                "--resolve", f"name.invalid:{port}:127.0.0.1", locustfile=ONCE)
        server.shutdown()
    assert r.code == 0 and counted(r, "/ok") == (6, 0), r
    assert sorted(Peers.seen) == ["127.0.0.2"] * 3 + ["127.0.0.3"] * 3


@pytest.mark.parametrize("option, spoken", [((), "HTTP/1.1"), (("--http-version", "1.0"), "HTTP/1.0")])
def test_http_version(run, option, spoken):
    Peers.versions.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        r = run("--headless", "-t", "1", "--only-summary", "-H", "http://127.0.0.1:%d" % server.server_address[1], *option,
                locustfile=ONCE)
        server.shutdown()
    assert r.code == 0 and Peers.versions == [spoken], r


@pytest.mark.parametrize("option,value,why", [
    ("--source-address", "here", "'here' is no IP address"),
    ("--resolve", "host:80", "'host:80' is not of the form host:port:address"),
    ("--resolve", "host:80:1.2.3.4,x", "'1.2.3.4,x' is no IP address, nor a list of them"),
])
def test_malformed_addresses(run, option, value, why):
    r = run("--headless", option, value)
    assert r.code == 2 and f"argument {option}: {why}" in r.err, r


def test_io_threads_must_be_a_number_that_makes_sense(run):
    for number in ("0", "-1", "1000", "two"):
        r = run("--headless", "--io-threads", number)
        assert r.code == 2, r
        assert r.err.endswith(f"error: argument --io-threads: Invalid argument ({number}), must be a number from 1 to 256\n"), r


# --- Connections.

SILENT = """
from locust import HttpUser, constant, task

class A(HttpUser):
    wait_time = constant(3)

    @task
    def t(self):
        self.client.get("/ok")
"""


def test_connections_are_kept_over_silence(run, hostile):
    r = run("--headless", "-u", "20", "-r", "100", "-t", "5", "--only-summary", "-H", hostile.url, "--io-threads", "2",
            locustfile=SILENT)
    assert r.code == 0 and counted(r, "/ok") == (40, 0), r
    assert hostile.counts(open=0) == (20, 40)


# --- Failures.

FAILING = """
import json
import os
from locust import HttpUser, constant, task
from locust.exception import StopUser

class A(HttpUser):
    wait_time = constant(0)

    @task
    def t(self):
        for name, url in json.loads(os.environ["URLS"]).items():
            self.client.get(url, name=name, timeout=0.5)
        self.client.get("/ok")
        raise StopUser
"""


def test_each_failure_is_counted_once(run, hostile, hostile_tls):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    urls = {
        "refused": (f"http://127.0.0.1:{port}/", r"ConnectionRefusedError\(111, 'Connection refused'\)"),
        "DNS": ("http://nobody.invalid/", r"gaierror\(-\d+, '.*'\)"),
        "TLS": (hostile_tls("self_signed").urls[1] + "/ok", r"SSLError\(SSLCertVerificationError\(.*"),
        "timeout": ("/silent", r"ReadTimeout\(ReadTimeoutError\(.*"),
        "reset": ("/reset-before-reply", r"ConnectionResetError\(104, 'Connection reset by peer'\)"),
        "closed": ("/close-before-reply", r"RemoteDisconnected\('Remote end closed connection without response'\)"),
        "truncated": ("/truncated", r"ChunkedEncodingError\(.*IncompleteRead\(18 bytes read, 982 more expected\).*"),
        "reset in the body": ("/reset-in-body", r"ChunkedEncodingError\(.*ConnectionResetError.*"),
        "malformed": ("/garbage", r"BadStatusLine\(.*"),
        "bad chunk": ("/bad-chunk-size", r"ChunkedEncodingError\(.*"),
        "bad gzip": ("/bad-gzip", r"ContentDecodingError\(.*"),
        "status": ("/status?code=500", r"HTTPError\('500 Server Error: Status for url: status'\)"),
    }
    users = 3
    r = run("--headless", "-u", str(users), "-r", "100", "-t", "4", "--only-summary", "-H", hostile.url,
            locustfile=FAILING, env={"URLS": json.dumps({n: url for n, (url, _) in urls.items()}),
                                     "COLUMNS": "500"})
    assert r.code == 1, r
    for name, (_, error) in urls.items():
        assert counted(r, name) == (users, users)
        lines = re.findall(rf"^(\d+) +GET {name}: (.*?) *$", r.out + r.err, re.M)
        assert [(int(n), bool(re.fullmatch(error, text))) for n, text in lines] == [(users, True)], lines
    assert counted(r, "/ok") == (users, 0)
    total = len(urls) * users
    assert counted(r, "Aggregated") == (total + users, total)


# --- Kills.

KILLING = """
import functools
import gc
import os
import random
import socket
from _locust import Greenlet
from locust import HttpUser, constant, events, task
from locust.clients import HttpSession
from locust.event import EventHook
import _locust

random.seed(int(os.environ["SEED"]))
server = os.environ["SERVER"]
told = []
hook = EventHook()
hook.add_listener(lambda **kwargs: told.append((kwargs["name"], kwargs["exception"])))

# One that never accepts, so that TLS never begins, or a body is never read; and one whose queue is full.
quiet = socket.create_server(("127.0.0.1", 0), backlog=1000)
full = socket.socket()
full.bind(("127.0.0.1", 0))
full.listen(0)
fillers = [socket.socket() for _ in range(3)]
for filler in fillers:
    filler.setblocking(False)
    filler.connect_ex(full.getsockname())
address = "127.0.0.1:%d" % quiet.getsockname()[1]

PHASES = {
    "lookup": lambda get: get("http://nobody%d.invalid/" % random.randrange(10)),
    "connect": lambda get: get("http://127.0.0.1:%d/" % full.getsockname()[1]),
    "handshake": lambda get: get("https://%s/" % address),
    "sending": lambda get: get("http://%s/" % address, data=b"x" * 4_000_000),
    "header": lambda get: get("/slow-header?ms=5000"),
    "no reply": lambda get: get("/silent"),
    "body": lambda get: get("/slow-body?ms=5000"),
    "drip": lambda get: get("/drip?ms=100"),
    "redirect": lambda get: get("/redirect-loop"),
    "redirect and wait": lambda get: get("/redirect?to=/silent"),
    "redirect and receive": lambda get: get("/redirect?to=/drip%3Fms=100", cookies={"a": "b"}),
}
ROUNDS = int(os.environ["ROUNDS"])

def storm():
    shared = HttpSession(server, hook, None)
    shared.max_redirects = 10**6
    for n in range(ROUNDS):
        victims = []
        for name, phase in PHASES.items():
            session = shared if random.random() < 0.2 else HttpSession(server, hook, None)
            session.max_redirects = 10**6
            get = functools.partial(session.get, name=name)
            victims.append(Greenlet.spawn(phase, get))
            if random.random() < 0.2:
                victims[-1].link(lambda g, session=session: session.close())
            del session, get
        random.shuffle(victims)
        for victim in victims:
            _locust.sleep(random.choice([0, 0, 0.0005, 0.002]))
            victim.kill(block=random.random() < 0.5)
        for victim in victims:
            victim.join()
    shared.close()

def connections():
    # Sockets of this process on loopback; a lookup that goes on has others.
    count = 0
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            with socket.socket(fileno=os.dup(fd)) as copy:
                count += copy.family == socket.AF_INET and copy.getsockname()[0] == "127.0.0.1"
        except OSError:
            pass                # no socket
    return count

class A(HttpUser):
    wait_time = constant(0)

    @task
    def t(self):
        self.client.get("/ok")
        before = connections()
        storm()
        gc.collect()
        for _ in range(100):
            if connections() == before:
                break
            _locust.sleep(0.05)
        print("connections left", connections() - before)
        print("told", [one for one in told if one[0] != "lookup"])      # which may be quick
        self.client.get("/ok")
        self.environment.runner.quit()
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_kills_at_every_phase(run, hostile, threads):
    """Hundreds of users end while their request is looked up, connects, sends, receives: nothing is left of it.

    In a build with sanitizers, the program fails if memory is lost or misused.
    """
    rounds = 30 if SANITIZED else 60
    r = run("--headless", "-u", "1", "-t", "60", "--only-summary", "-H", hostile.url, "--io-threads", str(threads),
            locustfile=KILLING, env={"SERVER": hostile.url, "ROUNDS": str(rounds), "SEED": str(threads)}, timeout=100)
    assert r.code == 0 and counted(r, "Aggregated") == (2, 0), r
    assert "told []\n" in r.out, r
    assert "connections left 0\n" in r.out, r
    hostile.counts(open=0)


# --- Generator lag.

BURNING = """
import time
from locust import HttpUser, constant, task

class A(HttpUser):
    wait_time = constant(0)

    @task
    def t(self):
        self.client.get("/ok")
        end = time.perf_counter() + 0.01
        while time.perf_counter() < end:
            pass
"""

RESTING = """
from locust import HttpUser, constant, task

class A(HttpUser):
    wait_time = constant(0.05)

    @task
    def t(self):
        self.client.get("/ok")
"""

WARNING = "Requests wait more than a millisecond for the users' Python code"
LINES = r"""Generator lag \(not part of the response times\): the Python side of this process was busy
  from the call until the request was taken up +median [\d.]+ ms, 99% below [\d.]+ ms
  from the reply until Python went on +median ([\d.]+) ms, 99% below [\d.]+ ms
"""


def test_lag_is_told(run, hostile):
    """During the run and at its end."""
    r = run("--headless", "-u", "5", "-r", "100", "-t", "7", "--only-summary", "-H", hostile.url, locustfile=BURNING)
    assert r.code == 0, r
    messages = r.messages()
    warned = [n for n, text in enumerate(messages) if text.startswith(WARNING)]
    assert len(warned) == 1, "once"
    assert warned[0] < messages.index("--run-time limit reached, shutting down")
    found = re.findall(LINES, r.out + r.err)
    assert len(found) == 1 and float(found[0]) > 1, r


def test_no_lag_is_not_told(run, hostile):
    """A machine that is busy with others may have lag all the same; not each time."""
    for _ in range(5):
        r = run("--headless", "-u", "2", "-r", "100", "-t", "2", "--only-summary", "-H", hostile.url,
                locustfile=RESTING)
        assert r.code == 0 and counted(r, "/ok")[0] > 10, r
        assert (WARNING in r.err) <= ("Generator lag" in r.out + r.err)
        if "lag" not in (r.out + r.err).lower() and WARNING not in r.err:
            return
    pytest.fail(f"lag each time: {r}")


def test_no_requests_no_lag(run):
    r = run("--headless", "-u", "2", "-r", "100", "-t", "2", "--only-summary")
    assert r.code == 0 and "lag" not in (r.out + r.err).lower() and WARNING not in r.err, r


BARE_HOST = """
from locust import FastHttpUser, HttpUser, User, constant, task

class Shop(HttpUser):
    wait_time = constant(5)

    @task
    def page(self):
        self.client.get("/")

class Fast(FastHttpUser):
    wait_time = constant(5)
    host = "http://127.0.0.1:1"

class Other(User):
    wait_time = constant(5)

    @task
    def nothing(self):
        pass
"""


@pytest.mark.parametrize("args, told", [
    (["-H", "localhost:80", "Shop"], 1), (["-H", "localhost:80", "Other"], 0), (["Fast"], 0), (["Shop"], 0),
    (["-H", "localhost:80"], 1),
])  # fmt: skip
def test_a_host_without_scheme_is_told_once(run, args, told):
    r = run("--headless", "-u", "1", "-t", "1", "--only-summary", *args, locustfile=BARE_HOST)
    text = "The host localhost:80 does not begin with http:// or https://: requests to it will fail. "
    assert sum(line.startswith(text) for line in r.messages()) == told, r
