"""Connections end with their user, not with the garbage collector."""

import gc

import pytest
import urllib3
from _locust import Group, sleep
from fake import Environment

from locust import FastHttpUser, HttpUser, constant
from locust.clients import HttpSession
from locust.contrib.fasthttp import HTTPClientPool
from locust.exception import StopUser


@pytest.fixture(autouse=True)
def no_collector():
    gc.disable()
    yield
    gc.enable()


def get_once(user):
    user.client.get("/ok")
    user.done = True


def get_and_stop(user):
    user.client.get("/ok")
    raise StopUser


def get_and_fail(user):
    user.client.get("/ok")
    raise OSError("not a task's")


def made(base, hostile, **attributes):
    """A class of users that make one request each."""
    attributes = {"host": hostile.url, "wait_time": constant(100), "tasks": [get_once], "done": False, **attributes}
    return type("Mine", (base,), attributes)


def run_users(user_class, hostile, n=4):
    """Runs some users until they have made their requests; what is left of them."""
    group = Group()
    users = [user_class(Environment()) for _ in range(n)]
    for user in users:
        user.start(group)
    while not all(user.done for user in users):
        sleep(0.01)
    hostile.counts(open=n)
    for user in users:
        user.stop(force=True)
    group.join()
    return users


@pytest.mark.parametrize("base", [HttpUser, FastHttpUser])
def test_connections_end_with_their_user(hostile, base):
    users = run_users(made(base, hostile), hostile)
    hostile.counts(open=0)
    get_once(users[0])  # who lives on goes on
    hostile.counts(open=1)


@pytest.mark.parametrize("base", [HttpUser, FastHttpUser])
@pytest.mark.parametrize("end", [{"tasks": [get_and_stop]}, {"run": get_and_fail}])
def test_however_it_ends(hostile, base, end, capfd):
    group = Group()
    users = [made(base, hostile, **end)(Environment()) for _ in range(3)]
    for user in users:
        user.start(group)
    group.join()
    assert hostile.counts(open=0) == (3, 3)
    assert ("OSError: not a task's" in capfd.readouterr().err) == ("run" in end)


def test_connections_that_are_used_end_with_their_request(hostile):
    def work(user):
        others.spawn(user.client.get, "/delay?ms=500")
        user.done = True
        sleep(100)

    others = Group()
    users = run_users(made(HttpUser, hostile, tasks=[work]), hostile)
    replies = [green.get() for green in others]
    assert len(replies) == len(users) and all(reply.ok for reply in replies)
    hostile.counts(open=0)


def test_shared_connections_stay(hostile):
    pool = HTTPClientPool()
    fast = run_users(made(FastHttpUser, hostile, client_pool=pool), hostile, 1)
    hostile.counts(open=1)
    pool.close()
    hostile.counts(open=0)
    manager = urllib3.PoolManager()
    slow = run_users(made(HttpUser, hostile, pool_manager=manager), hostile, 1)
    hostile.counts(open=1)
    assert len(fast) == len(slow) == 1


def test_sessions_of_others_stay(hostile):
    session = HttpSession(hostile.url, Environment().events.request, None)
    mine = made(HttpUser, hostile, on_start=lambda self: setattr(self, "client", session))
    users = run_users(mine, hostile, 1)
    hostile.counts(open=1)
    session.close()
    hostile.counts(open=0)
    assert len(users) == 1
