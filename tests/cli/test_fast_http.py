"""FastHttpUser in the program, against a server that mistreats it: all is counted, nothing hangs, nothing leaks."""

FILE = """
import io

import _locust
from locust import FastHttpUser, constant, task
from locust.contrib.fasthttp import FastHttpSession, HTTPClientPool, ResponseContextManager
from locust.exception import StopUser

PATHS = [
    "/ok", "/status?code=404", "/close-before-reply", "/reset-in-body", "/truncated", "/silent", "/bad-gzip", "/gzip",
    "/redirect-chain?n=3", "/redirect-loop", "/redirect?to=ftp://x/", "/set-cookie?a=1", "/endless-headers",
    "http://127.0.0.1:1/",
]
POOL = HTTPClientPool(concurrency=2)
done = []


def silent(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        pass


class Visitor(FastHttpUser):
    wait_time = constant(0)
    network_timeout = 0.1
    default_headers = {"X-All": "1"}

    @task
    def visit(self):
        for path in PATHS:
            self.look_at(path)
        self.send_bodies()
        self.be_interrupted()
        self.use_the_pool()
        done.append(self)
        if len(done) == 2:
            self.environment.runner.quit()
        raise StopUser

    def look_at(self, path):
        reply = self.client.get(path, params={"a": [1, 2]}, name="looked at")
        reply.headers, reply.text, reply.request.headers, reply.history, reply.elapsed
        with self.client.get(path, catch_response=True, name="block") as reply:
            reply.request_meta
            reply.success()

    def send_bodies(self):
        client = self.client
        for data in ({"a": 1}, {"a": [1]}, "text", io.BytesIO(b"x" * 100000), iter([b"1", "2"])):
            client.post("/echo", data=data, name="body")
        client.post("/echo", files={"f": b"abc"}, name="body")
        for call in (lambda: client.get("/ok", headers={"X": "a\\nb"}), lambda: client.get(5),
                     lambda: client.post("/ok", data=(1 / n for n in (0,))), lambda: client.request("", "/ok"),
                     lambda: client.get("http://[::1/")):
            silent(call)

    def be_interrupted(self):
        with _locust.Timeout(0.02):
            self.client.get("/silent", name="interrupted")
        one = _locust.Greenlet.spawn(self.client.get, "/silent")
        _locust.sleep(0.02)
        one.kill()
        self.client.get("/bytes?n=3000000", stream=True, name="stream").stream.read(10)
        list(self.client.iter_lines("/slow-body?ms=1&n=3", name="stream"))

    def use_the_pool(self):
        self.client.client.clientpool.close()
        list(self.client.cookiejar)
        for _ in range(2):
            other = FastHttpSession(self.host, self.client.request_event, self, client_pool=POOL)
            other.get("/ok", name="pool", debug_stream=io.StringIO())
        with self.rest("GET", "/echo", name="rest") as reply:
            1 / 0
        ResponseContextManager(reply, self.client.request_event, {}, False)
"""

COUNTS = {"looked": 28, "block": 28, "body": 12, "interrupted": 2, "stream": 4, "pool": 4, "rest": 2}


def test_everything_at_once(run, hostile):
    result = run("--headless", "-u", "2", "-r", "2", "-t", "60", "-H", hostile.url, "--only-summary", locustfile=FILE)
    assert result.code == 1 and "Sanitizer" not in result.err and "Traceback" not in result.err, result
    rows = [line.split() for line in result.err.splitlines() if line.startswith(("GET ", "POST "))]
    seen = {}
    for row in rows:
        number = next(word for word in row[2:] if word.isdigit())
        seen.setdefault(row[1], int(number))
    assert {name: seen.get(name) for name in COUNTS} == COUNTS, result.err
    assert hostile.counts(open=0)
