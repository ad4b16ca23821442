"""Redis, with redis-py."""

import pytest
from _locust import Greenlet, sleep
from programs import Directory, Program, free_port, program
from users import USERS, all_at_once

redis = pytest.importorskip("redis")
WAIT = 1  # whole seconds: what all versions of the server understand


@pytest.fixture(scope="module")
def port():
    server, port = program("redis-server"), free_port()
    with Directory() as directory, Program([server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", directory], port, directory):
        yield port


def test_users_with_a_client_each(port):
    def use(n):
        with redis.Redis(port=port) as client:
            client.set(f"key{n}", n)
            assert client.blpop(f"nothing{n}", timeout=WAIT) is None
            return int(client.get(f"key{n}"))

    assert all_at_once(use, wait=WAIT) == list(range(USERS))


def test_users_who_share_a_pool_and_a_list(port):
    with redis.Redis(port=port) as client:
        takers = [Greenlet.spawn(client.blpop, "queue", timeout=30) for _ in range(USERS)]
        sleep(0.1)
        assert client.rpush("queue", *range(USERS)) == USERS
        assert sorted(int(taker.get()[1]) for taker in takers) == list(range(USERS))


def test_messages_to_subscribers(port):
    with redis.Redis(port=port) as client:

        def listen(n):
            with client.pubsub(ignore_subscribe_messages=True) as subscription:
                subscription.subscribe("news")
                return next(subscription.listen())["data"]

        listeners = [Greenlet.spawn(listen, n) for n in range(USERS)]
        while client.pubsub_numsub("news")[0][1] < USERS:
            sleep(0.01)
        client.publish("news", "all")
        assert {listener.get() for listener in listeners} == {b"all"}
