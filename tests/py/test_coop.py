"""The cooperative standard library: while one green thread waits in it, the others run.

What it does apart from that is compared with plain Python in test_coop_differential.py.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import queue
import select
import selectors
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import _locust_coop
import pytest
from _locust import Greenlet, GreenletExit, offload, sleep
from real_thread import RealThread, elsewhere

import locust  # noqa: F401  patches

USERS = 200
WAIT = 0.2


SANITIZERS = bool(os.environ.get("LOCUST_SANITIZERS"))


def all_at_once(function, users=USERS, forks=False):
    """Runs it in so many green threads; their results. They must not have waited one after the other.

    Where they fork that cannot be told under sanitizers, with which a fork takes as long as the wait.
    """
    began = time.monotonic()
    threads = [Greenlet.spawn(function) for _ in range(users)]
    results = [thread.get() for thread in threads]
    took = time.monotonic() - began
    assert took >= WAIT * 0.9
    assert took < users * WAIT * 0.9 or forks and SANITIZERS, "they have waited one after the other"
    return results


@contextlib.contextmanager
def silent():
    """A connection on which nothing comes."""
    one, other = socket.socketpair()
    with one, other:
        yield one


# --- Every kind of wait.


def a_lock():
    lock = threading.Lock()
    lock.acquire()
    return lock.acquire(timeout=WAIT)


def a_recursive_lock():
    lock = threading.RLock()
    holder = Greenlet.spawn(lambda: lock.acquire() and sleep(2 * WAIT))
    sleep(0)
    try:
        return lock.acquire(timeout=WAIT)
    finally:
        holder.kill()


def a_condition():
    with (condition := threading.Condition()):
        return condition.wait(WAIT)


def a_timer():
    done = []
    timer = threading.Timer(WAIT, done.append, [False])
    timer.start()
    timer.join()
    return done[0]


def a_barrier():
    with pytest.raises(threading.BrokenBarrierError):
        threading.Barrier(2).wait(WAIT)


def a_thread():
    thread = threading.Thread(target=time.sleep, args=(WAIT,))
    thread.start()
    thread.join()
    return thread.is_alive()


def a_queue(kind=queue.Queue):
    with pytest.raises(queue.Empty):
        kind().get(timeout=WAIT)


def a_full_queue():
    full = queue.Queue(1)
    full.put(1)
    with pytest.raises(queue.Full):
        full.put(2, timeout=WAIT)


def a_receive(receive=lambda s: s.recv(1)):
    with silent() as connection:
        connection.settimeout(WAIT)
        with pytest.raises(TimeoutError):
            receive(connection)


def a_send():
    with silent() as connection:
        connection.settimeout(WAIT)
        with pytest.raises(TimeoutError):
            connection.sendall(bytes(10_000_000))


def a_datagram():
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(WAIT)
        with pytest.raises(TimeoutError):
            s.recvfrom(100)


def an_accept():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT)
        with pytest.raises(TimeoutError):
            server.accept()


def a_reading_file():
    with silent() as connection, connection.makefile("rb") as file:
        connection.settimeout(WAIT)
        with pytest.raises(TimeoutError):
            file.readline()


def a_poll(poll=select.poll, factor=1000):
    with silent() as connection, contextlib.ExitStack() as stack:
        waiting = poll()
        if hasattr(waiting, "close"):
            stack.callback(waiting.close)
        waiting.register(connection, select.POLLIN)
        return waiting.poll(WAIT * factor)


def a_select():
    with silent() as connection:
        return select.select([connection], [], [], WAIT)[0]


def a_selector(kind=selectors.DefaultSelector):
    with silent() as connection, kind() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return selector.select(WAIT)


def an_executor():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        return executor.submit(time.sleep, WAIT).result()


async def nothing():
    await asyncio.sleep(WAIT)


WAITS = {
    "time.sleep": lambda: time.sleep(WAIT),
    "lock": a_lock,
    "recursive lock": a_recursive_lock,
    "condition": a_condition,
    "event": lambda: threading.Event().wait(WAIT),
    "semaphore": lambda: threading.Semaphore(0).acquire(timeout=WAIT),
    "barrier": a_barrier,
    "timer": a_timer,
    "thread": a_thread,
    "queue": a_queue,
    "simple queue": lambda: a_queue(queue.SimpleQueue),
    "priority queue": lambda: a_queue(queue.PriorityQueue),
    "full queue": a_full_queue,
    "recv": a_receive,
    "recv_into": lambda: a_receive(lambda s: s.recv_into(bytearray(1))),
    "recvmsg": lambda: a_receive(lambda s: s.recvmsg(1)),
    "recvmsg_into": lambda: a_receive(lambda s: s.recvmsg_into([bytearray(1)])),
    "recvfrom_into": lambda: a_receive(lambda s: s.recvfrom_into(bytearray(1))),
    "sendall": a_send,
    "recvfrom": a_datagram,
    "accept": an_accept,
    "makefile": a_reading_file,
    "select": a_select,
    "poll": a_poll,
    "epoll": lambda: a_poll(select.epoll, 1),
    "selector": a_selector,
    "poll selector": lambda: a_selector(selectors.PollSelector),
    "select selector": lambda: a_selector(selectors.SelectSelector),
    "executor": an_executor,
    "asyncio": lambda: asyncio.run(nothing()),
}


@pytest.mark.parametrize("name", WAITS)
def test_waits(name):
    assert not any(all_at_once(WAITS[name]))


def test_all_kinds_of_wait_at_once():
    began = time.monotonic()
    threads = [Greenlet.spawn(wait) for wait in WAITS.values() for _ in range(10)]
    assert not any(thread.get() for thread in threads)
    assert time.monotonic() - began < len(threads) * WAIT * 0.9


def test_name_lookups_do_not_wait_for_one_another():
    slow = _locust_coop.original("time", "sleep")
    all_at_once(lambda: offload(slow, WAIT), 100)


CHILDREN = {
    "run": lambda: subprocess.run(["sleep", str(WAIT)], check=True) and None,
    "check_output": lambda: subprocess.check_output(f"sleep {WAIT}; echo out", shell=True) != b"out\n",
    "communicate": lambda: subprocess.run(
        f"sleep {WAIT}; cat", shell=True, input="in", text=True, capture_output=True
    ).stdout
    != "in",
    "lines": lambda: [*subprocess.Popen(f"sleep {WAIT}; echo line", shell=True, text=True, stdout=-1).stdout] != ["line\n"],
    "wait with a limit": lambda: subprocess.Popen(["sleep", str(WAIT)]).wait(60),
    "system": lambda: os.system(f"sleep {WAIT}"),
    "popen": lambda: os.popen(f"sleep {WAIT}; echo out").read() != "out\n",
    "fork": lambda: a_forked_child(),
    "spawn": lambda: os.waitpid(os.spawnlp(os.P_NOWAIT, "sleep", "sleep", str(WAIT)), 0)[1],
}


def a_forked_child():
    pid = os.fork()
    if pid == 0:
        _locust_coop.original("time", "sleep")(WAIT)
        os._exit(0)
    return os.waitpid(pid, 0) != (pid, 0)


@pytest.mark.filterwarnings("ignore:.*subprocess .* is still running:ResourceWarning")
@pytest.mark.parametrize("name", CHILDREN)
def test_child_processes(name):
    assert not any(all_at_once(CHILDREN[name], 20, forks=True))


def test_children_without_descriptors_for_processes(monkeypatch):
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert not any(all_at_once(CHILDREN["spawn"], 20, forks=True))


def test_any_child():
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            """What other tests have left."""
    pids = {os.spawnlp(os.P_NOWAIT, "sleep", "sleep", str(WAIT)) for _ in range(3)}
    assert {os.wait()[0], os.wait3(0)[0], os.wait4(-1, 0)[0]} == pids
    pid = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", str(WAIT))
    assert os.waitid(os.P_PID, pid, os.WEXITED).si_pid == pid


def test_time_limits_of_centuries():
    with silent() as connection:
        waits = [
            lambda: select.select([connection], [], [], 1e12),
            lambda: queue.SimpleQueue().get(timeout=1e9 - 1),
            lambda: select.epoll().poll(1e6),
            lambda: threading.Event().wait(threading.TIMEOUT_MAX),
            lambda: (connection.settimeout(9e9), connection.recv(1)),
        ]
        threads = [Greenlet.spawn(wait) for wait in waits]
        sleep(0.01)
        assert not any(thread.dead for thread in threads)
        for thread in threads:
            thread.kill()


# --- Nobody waits for ever.


def test_a_lock_across_a_wait():
    lock, order = threading.Lock(), []

    def use(n):
        with lock:
            order.append(n)
            time.sleep(0.01)
            order.append(n)

    for thread in [Greenlet.spawn(use, n) for n in range(10)]:
        thread.join()
    assert order == [n for n in range(10) for _ in range(2)]


def test_a_recursive_lock_belongs_to_a_green_thread():
    lock = threading.RLock()
    lock.acquire()
    lock.acquire()

    def other():
        refused = pytest.raises(RuntimeError, lock.release)
        return str(refused.value), lock.acquire(blocking=False), lock._is_owned(), lock.acquire(timeout=0.01)

    text = "cannot release un-acquired lock"
    assert Greenlet.spawn(other).get() == (text, False, False, False)
    waiting = Greenlet.spawn(lock.acquire)
    sleep(0)
    lock.release()
    sleep(0)
    assert not waiting.dead and lock._is_owned()
    lock.release()
    assert waiting.get() and not lock._is_owned()


def test_locks_made_before_are_cooperative():
    logger = logging.getLogger("held across a wait")
    lock = logging._lock

    def hold():
        with lock:
            time.sleep(0.1)
        return True

    holder = Greenlet.spawn(hold)
    sleep(0)
    logger.setLevel("INFO")  # takes it
    assert holder.dead


def test_whoever_is_killed_holds_nothing():
    lock, again, condition = threading.Lock(), threading.RLock(), threading.Condition(threading.Lock())
    simple = queue.SimpleQueue()

    def locked(lock):
        with lock:
            sleep(1000)

    def waiting():
        with condition:
            condition.wait()

    victims = [Greenlet.spawn(locked, lock) for lock in (lock, again) for _ in range(3)]
    victims += [Greenlet.spawn(waiting), Greenlet.spawn(simple.get)]
    sleep(0.01)
    for victim in victims:
        victim.kill()
    assert lock.acquire(timeout=1) and again.acquire(timeout=1) and condition.acquire(timeout=1)
    lock.release(), again.release(), condition.release()
    simple.put(1)
    assert simple.get() == 1


def test_a_condition_is_held_again_whatever_is_thrown():
    """Thrown out of the wait, and once more while the lock is taken again."""
    condition = threading.Condition(threading.Lock())
    seen = []

    def wait():
        try:
            with condition:
                try:
                    condition.wait()
                finally:
                    seen.append(condition._lock.locked())
        except BaseException as error:
            seen.append(type(error))

    victim = Greenlet.spawn(wait)
    sleep(0)
    condition.acquire()
    victim.kill(ValueError, block=False)
    sleep(0)
    victim.kill(block=False)
    sleep(0)
    assert seen == []
    condition.release()
    victim.join()
    assert seen == [True, GreenletExit] and not condition._lock.locked()


def test_a_wake_up_is_not_lost_with_whom_it_was_for():
    lock = threading.Lock()
    lock.acquire()
    first, second = Greenlet.spawn(lock.acquire), Greenlet.spawn(lock.acquire)
    sleep(0)
    lock.release()
    first.kill()
    assert second.get(timeout=10)


def waiters(condition, n, seen):
    def wait(number):
        with condition:
            condition.wait()
        seen.append(number)

    greens = [Greenlet.spawn(wait, i) for i in range(n)]
    sleep(0)
    return greens


def test_a_notification_is_not_lost_with_whom_it_was_for():
    seen, condition = [], threading.Condition()
    greens = waiters(condition, 3, seen)
    with condition:
        condition.notify()
    greens[0].kill()
    sleep(0)
    assert seen == [1]
    with condition:
        condition.notify_all()
        greens[2].kill(block=False)
        sleep(0)
        late = waiters(condition, 1, seen)
    sleep(0.01)
    assert seen == [1], "what all have been told is not handed on"
    late[0].kill()
    assert not condition._waiters


def test_a_notification_is_not_lost_while_the_lock_is_taken_again():
    """Thrown out of the wait, and once more while the lock is taken again: nobody stays in the list of those who wait."""
    seen, condition = [], threading.Condition()
    first, second = waiters(condition, 2, seen)
    with condition:
        first.kill(ValueError, block=False)
        sleep(0)
        first.kill(block=False)
        sleep(0)
        condition.notify()
    first.join()
    second.join(1)
    assert seen == [1]


def test_a_notification_that_comes_when_time_is_up():
    condition, told = threading.Condition(), []

    def wait():
        with condition:
            told.append(condition.wait(0.01))

    green = Greenlet.spawn(wait)
    sleep(0)
    with condition:
        sleep(0.02)
        condition.notify()
    green.join()
    assert told == [True]


@pytest.mark.parametrize("make", [queue.Queue, queue.SimpleQueue, queue.LifoQueue])
def test_nothing_in_a_queue_is_forgotten_when_users_are_killed(make):
    items, got = make(), []

    def user():
        while True:
            got.append(items.get())

    users = [Greenlet.spawn(user) for _ in range(40)]
    sleep(0)
    for n, victim in enumerate(users[:-1]):
        items.put(n)
        victim.kill()
    sleep(0.01)
    assert sorted(got) == list(range(39)) and items.empty()
    users[-1].kill()


def test_other_threads_and_green_ones_share_locks_and_queues():
    lock, requests, replies = threading.Lock(), queue.SimpleQueue(), queue.Queue()
    count = [0]

    def answer():
        for n in iter(requests.get, None):
            with lock:
                count[0] += 1
            replies.put(n)

    def ask(n):
        requests.put(n)
        with lock:
            now = count[0]
            time.sleep(0.0001)
            count[0] = now + 1
        return replies.get()

    threads = [RealThread(answer) for _ in range(3)]
    for thread in threads:
        thread.start()
    asking = [Greenlet.spawn(ask, n) for n in range(200)]
    assert sorted(green.get() for green in asking) == list(range(200))
    for _ in threads:
        requests.put(None)
    for thread in threads:
        thread.join()
    assert count == [400]


def test_an_event_set_by_another_thread():
    event = threading.Event()
    thread = RealThread(lambda: (_locust_coop.original("time", "sleep")(0.05), event.set()))
    thread.start()
    assert event.wait() and event.is_set()
    thread.join()


def test_threads_started_by_another_thread_are_real():
    def start():
        inner = threading.Thread(target=lambda: seen.append(_locust_coop._locust.can_wait()))
        inner.start()
        inner.join()
        threads.append(inner)

    seen, threads = [], []
    assert elsewhere(start) is None
    assert seen == [False] and not threads[0].is_alive()


# --- Threads.


def test_threads_are_green():
    seen = []

    def run():
        seen.append((threading.current_thread(), threading.get_ident(), Greenlet is type(_locust_coop._locust.getcurrent())))
        time.sleep(0.01)

    threads = [threading.Thread(target=run, name=f"t{n}") for n in range(3)]
    for thread in threads:
        thread.start()
    assert {*threads} < {*threading.enumerate()} and threading.active_count() >= 4
    for thread in threads:
        thread.join()
    assert [thread for thread, _, _ in seen] == threads and all(green for _, _, green in seen)
    assert len({ident for _, ident, _ in seen}) == 3 and not {*threads} & {*threading.enumerate()}


def test_a_fork_in_a_thread():
    """The thread is the main one of the child, and stays itself."""

    def fork():
        pid = os.fork()
        if pid == 0:
            me = threading.current_thread()
            fine = me is threading.main_thread() and me.name == "forks" and me.is_alive() and lock.acquire(blocking=False)
            another = threading.Thread(target=time.sleep, args=(0.001,))
            another.start()
            another.join()
            os._exit(0 if fine and not another.is_alive() and me is threading.current_thread() else 1)
        statuses.append(os.waitpid(pid, 0)[1])

    statuses, lock = [], threading.RLock()
    other = threading.Thread(target=time.sleep, args=(WAIT,))
    forks = threading.Thread(target=lambda: (lock.acquire(), fork(), lock.release()), name="forks")
    for thread in other, forks:
        thread.start()
    for thread in other, forks:
        thread.join()
    assert statuses == [0]


def test_handles_of_threads():
    """What Python 3.13 and later keep of a thread."""
    from _locust_coop import _threads

    done = []
    handle = _threads.start_joinable_thread(lambda: (time.sleep(0.05), done.append(1)), daemon=False)
    assert handle.ident and not handle.is_done()
    handle.join(0.001)
    assert not handle.is_done() and handle in _threads.Handle.living
    _threads._join_all()
    assert done == [1] and handle.is_done() and handle not in _threads.Handle.living
    handle.join()
    assert not _threads.Handle().is_done()


def test_green_threads_leave_nothing_with_threading():
    def look():
        thread = threading.current_thread()
        return thread.name.startswith("Dummy-"), thread is threading.current_thread()

    before = len(threading._active)
    for _ in range(3):
        assert {green.get() for green in [Greenlet.spawn(look) for _ in range(20)]} == {(True, True)}
    sleep(0)
    assert len(threading._active) <= before + 1


def test_what_fails_in_a_thread_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    assert [(args.exc_type, args.thread) for args in told] == [(ZeroDivisionError, thread)]


AT_EXIT = """
import sys, threading, time
import locust
def late(n, out):
    time.sleep(n)
    print(out, flush=True)
threading.Thread(target=late, args=(0.1, "joined")).start()
threading.Thread(target=late, args=(1000, "never"), daemon=True).start()
print("main ends", flush=True)
"""


def test_threads_are_joined_at_exit():
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "main ends\njoined\n"), done.stderr


STARTED_BEFORE = """
import threading
events = [threading.Event(), threading.Event()]
threads = [threading.Thread(target=event.wait) for event in events]
for thread in threads:
    thread.start()
import locust, gevent
green = gevent.spawn(threads[0].join)
gevent.sleep(0.01)
events[0].set()
green.join(20)
print(green.dead, threads[0].is_alive(), threads[1].is_alive())
gevent.spawn_later(0.1, events[1].set)
"""


def test_threads_started_before_are_waited_for():
    """By a green thread, and at exit."""
    done = subprocess.run([sys.executable, "-c", STARTED_BEFORE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True False True\n"), done.stderr


# --- asyncio.


def test_event_loops_side_by_side():
    async def work(n):
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(None, lambda: (time.sleep(0.01), n)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"%d\n" % n)
        line = await reader.readline()
        writer.close()
        process = await asyncio.create_subprocess_exec("echo", str(n), stdout=-1)
        out, _ = await process.communicate()
        return first, int(line), int(out), asyncio.get_running_loop() is loop

    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async def server():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    ports = []
    serving = Greenlet.spawn(lambda: asyncio.run(server()))
    while not ports:
        sleep(0.001)
    port = ports[0]
    users = [Greenlet.spawn(lambda n=n: asyncio.run(work(n))) for n in range(20)]
    assert [user.get() for user in users] == [(n, n, n, True) for n in range(20)]
    assert asyncio.run(work(7)) == (7, 7, 7, True)
    serving.kill()


# --- How it is put in.


def test_what_is_said_about_it():
    assert _locust_coop.is_patched("socket") and _locust_coop.is_object_patched("time", "sleep")
    assert not _locust_coop.is_patched("json") and not _locust_coop.is_object_patched("time", "time")
    assert _locust_coop.original("time", "sleep") is not time.sleep
    assert _locust_coop.original("json", "dumps") is __import__("json").dumps
    assert _locust_coop.socket is socket and _locust_coop.original("socket", "socket") is socket.socket
    pytest.raises(TypeError, _locust_coop.patch, nonsense=True)
    _locust_coop.patch(socket=True, sys=True)
    assert _locust_coop.original("time", "sleep") is not time.sleep


NOTHING = """
import time, threading, socket, select
names = [(time, "sleep"), (threading, "get_ident"), (socket, "gethostbyname"), (select, "poll")]
before = [getattr(*name) for name in names] + [socket.socket.recv, threading.Lock().acquire.__self__.__class__.acquire]
import locust
assert before == [getattr(*name) for name in names] + [socket.socket.recv, threading.Lock().acquire.__self__.__class__.acquire]
"""

LATE = """
import sys
import _locust_coop
_locust_coop.patch()
assert not {"ssl", "subprocess", "selectors", "queue", "socket"} & {*sys.modules}
import subprocess, ssl, queue, selectors, importlib.util
for module in subprocess, ssl, queue, selectors:
    assert _locust_coop.is_patched(module.__name__)
    assert type(module.__loader__).__name__ == "SourceFileLoader", module.__loader__
    assert importlib.util.find_spec(module.__name__) is module.__spec__
import locust
"""


@pytest.mark.parametrize("script, variables", [(NOTHING, {"LOCUST_SKIP_MONKEY_PATCH": "1"}), (LATE, {})])
def test_when_it_is_put_in(script, variables):
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **variables}, check=True, timeout=60)


def test_it_is_quick_to_import():
    script = "import sys; before = {*sys.modules}; import _locust_coop; _locust_coop.patch(); print(*{*sys.modules} - before)"
    out = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    heavy = {"ssl", "socket", "subprocess", "selectors", "queue", "asyncio", "logging", "re", "typing"}
    assert heavy & {*out.split()} == set()


def test_sendfile_waits_cooperatively(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 40_000)
    sender, receiver = socket.socketpair()
    with sender, receiver, file.open("rb") as content:
        sending = Greenlet.spawn(sender.sendfile, content)
        got = b""
        while len(got) < 10_240_000:
            got += receiver.recv(1_000_000)
        assert sending.get() == len(got) == 10_240_000 and got == Path(file).read_bytes()
        assert os.get_blocking(sender.fileno())
