"""The locustfiles of the tutorials of Locust 0.7 to 0.14, unchanged, against the demo site.

Written from what those versions documented: nested task sets, a login in on_start, weights 2:1, HttpLocust with
task_set and waiting times in milliseconds, a sequence, a custom client, listeners.
"""

import re

import pytest

QUICK_START = """
from locust import HttpLocust, TaskSet

def login(l):
    l.client.post("/login", {"username": "ellen_key", "password": "education"})

def index(l):
    l.client.get("/")

def profile(l):
    l.client.get("/me")

class UserBehavior(TaskSet):
    tasks = {index: 2, profile: 1}

    def on_start(self):
        login(self)

class WebsiteUser(HttpLocust):
    task_set = UserBehavior
    min_wait = 10
    max_wait = 30
"""

DECORATED = """
from locust import HttpLocust, TaskSet, task

class UserBehavior(TaskSet):
    def on_start(self):
        \"\"\" on_start is called when a Locust start before any task is scheduled \"\"\"
        self.login()

    def on_stop(self):
        print("a user goes")

    def login(self):
        self.client.post("/login", {"username": "ellen_key", "password": "education"})

    @task(2)
    def index(self):
        self.client.get("/")

    @task(1)
    def profile(self):
        with self.client.get("/me", catch_response=True) as response:
            if b"ellen_key" not in response.content:
                response.failure("not logged in")

class WebsiteUser(HttpLocust):
    task_set = UserBehavior
    min_wait = 10
    max_wait = 30
"""

NESTED = """
from locust import HttpLocust, TaskSet, task

class ForumPage(TaskSet):
    @task(20)
    def read_thread(self):
        self.client.get("/hello", name="read")

    @task(1)
    class NewThread(TaskSet):
        min_wait = 1
        max_wait = 2

        @task(3)
        def write(self):
            assert self.parent.locust is self.locust is self.parent.parent.locust
            self.client.get("/world", name="write")

        @task(1)
        def stop(self):
            self.interrupt()

    @task(5)
    def stop(self):
        self.interrupt(reschedule=False)

class Behaviour(TaskSet):
    tasks = {ForumPage: 15}

    @task(10)
    def index(self):
        self.client.get("/", name=self.locust.front)

class Visitor(HttpLocust):
    front = "front"
    weight = 3
    min_wait = 1
    max_wait = 3
    task_set = Behaviour

class Seldom(Visitor):
    weight = 1
    front = "seldom"
"""

SEQUENCE = """
from locust import HttpLocust, TaskSequence, between, seq_task, task

class Steps(TaskSequence):
    @seq_task(1)
    def first_task(self):
        self.client.get("/hello", name="1")

    @seq_task(3)
    @task(3)
    def third_task(self):
        self.client.get("/hello", name="3")

    @seq_task(2)
    def second_task(self):
        self.client.get("/hello", name="2")

class Visitor(HttpLocust):
    task_set = Steps
    wait_time = between(0.005, 0.01)
"""

CUSTOM_CLIENT = """
import time
from locust import Locust, TaskSet, events, runners, task
from locust.exception import StopLocust

class Client(object):
    def __init__(self, host):
        self.host = host

    def __getattr__(self, name):
        def call():
            start_time = time.time()
            total_time = int((time.time() - start_time) * 1000)
            if name == "fails":
                e = OSError(1)
                events.request_failure.fire(request_type="rpc", name=name, response_time=total_time, exception=e)
            else:
                events.request_success.fire(request_type="rpc", name=name, response_time=total_time, response_length=0)
        return call

class RpcLocust(Locust):
    def __init__(self, *args, **kwargs):
        super(RpcLocust, self).__init__(*args, **kwargs)
        self.client = Client(self.host)

class ApiUser(RpcLocust):
    host = "http://127.0.0.1:8877/"
    min_wait = 10
    max_wait = 20

    class task_set(TaskSet):
        @task(10)
        def get_time(self):
            self.client.get_time()

        @task(5)
        def fails(self):
            self.client.fails()

        @task(1)
        def leave(self):
            raise StopLocust()

counts = {"success": 0, "failure": 0}

def on_success(request_type, name, response_time, response_length):
    counts["success"] += 1

def on_failure(request_type, name, response_time, exception):
    counts["failure"] += 1

def on_quitting():
    stats = runners.locust_runner.stats.total
    same = counts == {"success": stats.num_requests - stats.num_failures, "failure": stats.num_failures}
    print("counted:", same, counts["success"] > 0, counts["failure"] > 0)

def on_hatch_complete(user_count):
    print("hatched:", user_count)

events.request_success += on_success
events.request_failure += on_failure
events.locust_start_hatching += lambda: print("start")
events.locust_stop_hatching += lambda: print("stop")
events.hatch_complete += on_hatch_complete
events.quitting += on_quitting
"""


@pytest.fixture
def play(run, demo_site):
    """play(file, *options) runs it; gives the result and {name: (requests, failures)}."""

    def play(file, *options, users=4):
        result = run(
            "--headless", "-u", str(users), "-r", "100", "-t", "2", "-H", demo_site.url, "--only-summary", *options,
            locustfile=file,
        )  # fmt: skip
        counts = {}
        for line in result.err.split("Response time percentiles")[0].splitlines():
            row = re.match(r"(?:GET|POST|rpc) +(\S+) +(\d+) +(\d+)\(", line)
            if row:
                counts[row[1]] = int(row[2]), int(row[3])
        return result, counts

    return play


def warned(result):
    return re.findall(r"locustfile\.py:\d+: DeprecationWarning: (.*?) is of Locust 0.x", result.err)


def about(ratio, wanted):
    return wanted * 0.5 < ratio < wanted * 2


@pytest.mark.parametrize("file", [QUICK_START, DECORATED], ids=["functions", "decorators"])
def test_quick_start(play, file):
    result, counts = play(file)
    assert result.code == 0, result
    assert counts["/login"][0] == 4 and sum(failures for _n, failures in counts.values()) == 0
    # Each login is redirected to the account page.
    profiles = counts["/me"][0]
    assert about(counts["/"][0] / profiles, 2), counts
    assert warned(result) == ["class HttpLocust", "task_set", "min_wait", "max_wait"]
    assert result.out.count("a user goes") == (4 if file is DECORATED else 0)


def test_nested_task_sets_and_weights(play):
    result, counts = play(NESTED)
    assert result.code == 0, result
    assert set(counts) == {"front", "seldom", "read", "write"}
    assert '{"Seldom": 1, "Visitor": 3} (4 total users)' in result.err
    assert warned(result).count("self.locust") == 1


def test_a_sequence(play):
    result, counts = play(SEQUENCE)
    assert result.code == 0, result
    # Each of the 4 users may be in the middle of its round at the end.
    assert 0 <= counts["1"][0] - counts["2"][0] <= 4
    assert -12 <= counts["3"][0] - 3 * counts["2"][0] <= 0
    assert {"class TaskSequence", "@seq_task"} < set(warned(result))


def test_a_custom_client_and_listeners(play):
    result, counts = play(CUSTOM_CLIENT, "--exit-code-on-error", "5", users=6)
    assert result.code == 5, result
    assert counts["fails"][0] == counts["fails"][1] > 0 and counts["get_time"][1] == 0
    said = [re.sub(r"^hatched: [1-6]$", "hatched", line) for line in result.out.splitlines()]
    assert sorted(said) == ["counted: True True True", "hatched", "start", "stop"]
    assert {"events.request_failure", "events.request_success", "exception.StopLocust"} & set(warned(result))
    assert "Traceback" not in result.err


def test_they_are_listed(run):
    assert run("-l", locustfile=NESTED).out == "Available Users:\n    Visitor\n    Seldom\n"
