"""The limit of open files is raised to what a test may need, or it is said that it cannot be."""

import resource

import pytest
from serving import PROGRAM

SHOW = """
import resource
from locust import User, events, task

class A(User):
    @task
    def t(self):
        pass

@events.init.add_listener
def show(**kwargs):
    print(*resource.getrlimit(resource.RLIMIT_NOFILE))
    raise SystemExit(0)
"""

LIMITED = 'ulimit {} 500 && shift && exec "$@"'


def limited(run, how):
    return run(LIMITED.format(how), "sh", "sh", PROGRAM, "--headless", program=["sh", "-c"], locustfile=SHOW)


def test_raised(run):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 10000:
        pytest.skip("this machine does not allow so many")
    r = limited(run, "-Sn")
    assert r.out == f"10000 {hard}\n" and "WARNING" not in r.err, r


def test_not_raised(run):
    r = limited(run, "-n")
    assert r.out == "500 500\n", r
    (warning,) = [line for line in r.log() if line[1] == "WARNING"]
    assert warning[2:] == ("locust.main", "System open file limit '500' is below minimum setting '10000'.")
    assert "Raise it with 'ulimit -n'" in r.err
