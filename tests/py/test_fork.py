"""os.fork(): the child has the green thread that forked, and HTTP of its own; the parent goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest
from _locust import Greenlet, Group, getcurrent, sleep, wait_fd
from http_pair import Events, ours
from real_thread import RealThread


@pytest.fixture
def events():
    return Events()


def fork(child):
    """Runs child() in a forked process, which ends with what it returns; gives its number."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = child() or 0
        finally:
            os._exit(status)
    return pid


def status_of(pid, within=20):
    """How a child has ended; one that hangs is killed."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    pytest.fail("the child hangs")


def works(client, path="/ok"):
    """For a child: 0 if a request succeeds."""
    return 0 if client.get(path).text == "ok\n" else 1


def test_a_child_makes_requests(hostile, events):
    client = ours(hostile.url, events)
    client.get("/set-cookie?a=1")
    pid = fork(lambda: works(client) or works(client) or (client.cookies["a"] != "1"))
    assert status_of(pid) == 0
    assert client.get("/ok").ok and client.cookies["a"] == "1"
    assert hostile.counts(open=1) == (2, 4), "the parent's connection was kept; the child's has gone"
    assert events.exceptions == [None] * 2


def test_a_child_keeps_no_connection_of_its_parent_open(hostile):
    client = ours(hostile.url)
    client.get("/ok")
    reader, writer = os.pipe()
    pid = fork(lambda: os.close(writer) or len(os.read(reader, 1)))
    client.close()
    hostile.counts(open=0)
    os.close(writer)
    assert status_of(pid) == 0
    os.close(reader)


def test_a_reply_that_is_being_read_stays_in_the_parent(hostile):
    client = ours(hostile.url)
    response = client.get("/slow-body?ms=50&n=10", stream=True)
    pieces = response.iter_content(6)
    assert next(pieces) == b"piece\n"

    def child():
        try:
            next(pieces)
        except RuntimeError as e:
            assert "parent process" in str(e)
        else:
            return 1
        response.close()
        return works(client)

    assert status_of(fork(child)) == 0
    assert list(pieces) == [b"piece\n"] * 9


def test_a_session_of_the_child(hostile):
    ours(hostile.url).get("/ok")
    assert status_of(fork(lambda: works(ours(hostile.url)))) == 0


def test_a_child_before_the_first_request(hostile):
    client = ours(hostile.url)
    assert status_of(fork(lambda: works(client))) == 0
    assert client.get("/ok").ok


def test_a_child_of_a_child(hostile):
    client = ours(hostile.url)
    client.get("/ok")

    def child():
        return works(client) or status_of(fork(lambda: works(client))) or works(client)

    assert status_of(fork(child)) == 0
    assert client.get("/ok").ok


def test_https_goes_on(hostile_tls):
    """The child says no goodbye on the parent's connection."""
    server = hostile_tls("good")
    client = ours(server.urls[1])
    client.verify = False
    client.get("/ok")

    def child():
        result = works(client)
        client.close()
        return result

    assert status_of(fork(child)) == 0
    assert client.get("/ok").ok
    assert server.counts(open=1)[0] == 2


def burst(hostile, client, others):
    """Requests of many users while a fork happens again and again."""
    ends = []

    def use():
        mine = ours(hostile.url, others)
        while not ends:
            mine.get("/delay?ms=5")
            mine.get("/redirect-chain?n=2")

    users = [Greenlet.spawn(use) for _ in range(20)]
    sleep(0.02)
    for n in range(10):
        pid = fork(lambda: works(client) or works(ours(hostile.url)))
        assert status_of(pid) == 0
        sleep(0.003 * n)
    ends.append(True)
    for user in users:
        user.join(10)
        assert user.successful(), user.exception


def test_in_the_middle_of_requests(hostile, events):
    """Those of the parent are all answered, those of the child too, and nobody else runs there."""
    others = Events()
    client = ours(hostile.url, events)
    burst(hostile, client, others)
    assert len(others) > 200 and not any(others.exceptions)


def test_from_a_user_among_users(hostile):
    """The one that forks takes the main green thread's place."""
    others = Events()
    worker = Greenlet.spawn(burst, hostile, ours(hostile.url), others)
    worker.join(60)
    assert worker.successful(), worker.exception
    assert len(others) > 200 and not any(others.exceptions)


def test_others_are_dead_in_the_child(hostile):
    """Whatever they wait for: a time, a reply, a descriptor, their turn, their first turn."""
    reader, writer = os.pipe()
    os.write(writer, b"x")
    ran = []

    def mark(wait):
        def body():
            wait()
            ran.append(wait)
        return body

    client = ours(hostile.url)
    waits = [lambda: sleep(0.1), lambda: client.get("/delay?ms=100"), lambda: (sleep(0.05), wait_fd(reader, 1))]
    users = [Greenlet.spawn(mark(wait)) for wait in waits]
    sleep(0.01)
    users += [Greenlet.spawn(mark(sleep)), Greenlet.spawn_later(0.1, mark(sleep))]

    def child():
        for user in users:
            user.kill()
            user.join()
        sleep(0.3)
        if ran or not all(user.dead for user in users):
            return 2
        one = Greenlet.spawn(lambda: works(client))
        one.join()
        return one.value

    assert status_of(fork(child)) == 0
    for user in users:
        user.join()
        assert user.successful()
    assert len(ran) == 5
    os.close(reader)
    os.close(writer)


def test_wakes_are_not_shared(hostile):
    """Parent and child each wait for their own replies at the same time."""
    client = ours(hostile.url)
    client.get("/ok")

    def child():
        for _ in range(200):
            if client.get("/ok").text != "ok\n":
                return 1
        return 0

    pid = fork(child)
    for _ in range(200):
        assert client.get("/ok").text == "ok\n"
    assert status_of(pid) == 0


def test_signals_reach_a_child(hostile):
    def child():
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(7))
        os.kill(os.getppid(), 0)
        os.write(writer, b"x")
        sleep(10)
        return 1

    reader, writer = os.pipe()
    pid = fork(child)
    os.read(reader, 1)
    os.kill(pid, signal.SIGUSR1)
    assert status_of(pid, within=5) == 7
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("end, expected", [
    (lambda: None, 0), (lambda: sys.exit(), 0), (lambda: sys.exit(5), 5), (lambda: sys.exit("words"), 1),
    (lambda: 1 // 0, 1), (lambda: getcurrent().kill(), 0),
])
def test_how_a_child_of_a_user_ends(end, expected):
    """Not by going on where the main green thread stands in the parent."""
    def body():
        pid = os.fork()
        if pid == 0:
            end()
        return pid

    worker = Greenlet.spawn(body)
    worker.join()
    assert status_of(worker.value) == expected


@pytest.mark.parametrize("pause", [0, 0.1])
def test_another_thread_forks(hostile, pause):
    """While the hub's runs, or sleeps in its poll: there, that thread takes its place."""
    reader, writer = os.pipe()
    os.write(writer, b"x")
    client = ours(hostile.url)
    client.get("/ok")
    waiting = Greenlet.spawn(sleep, 0.5)
    pids = []

    def child():
        waiting.kill()
        sleep(0.01)
        return works(client) or Greenlet.spawn(works, client).get() or wait_fd(reader, 1, 5) != 1

    def run():
        time.sleep(pause)
        pids.append(fork(child))

    thread = RealThread(target=run)
    thread.start()
    sleep(0.3)
    wait_fd(reader, 1)
    while thread.is_alive():
        sleep(0.01)
    assert status_of(pids[0]) == 0
    waiting.join()
    assert waiting.successful() and client.get("/ok").ok
    os.close(reader)
    os.close(writer)


def test_other_programs_are_started(hostile):
    client = ours(hostile.url)
    client.get("/ok")
    for _ in range(3):
        assert subprocess.run(["true"], preexec_fn=lambda: None).returncode == 0
        assert client.get("/ok").ok


def test_groups_in_a_child_forget_the_dead():
    """Else a runner that the child inherits would wait for ever for users that only the parent has."""

    class Own(Group):
        def discard(self, member):
            super().discard(member)

    groups = [Group(), Own()]
    members = [group.spawn(sleep, 60) for group in groups for _ in range(3)]
    waiter = Greenlet.spawn(groups[0].join)
    sleep(0)

    def child():
        for group in groups:
            group.join(timeout=5)
            group.kill(timeout=5)
        return sum(len(group) for group in groups) + sum(not member.dead for member in members)

    try:
        assert status_of(fork(child)) == 0
        assert [len(group) for group in groups] == [3, 3] and not waiter.dead, "the parent's stay"
    finally:
        for group in groups:
            group.kill()
    waiter.join()
