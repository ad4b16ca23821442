"""Locks, events, results and queues, among green threads and with other OS threads."""

import gc
import os
import queue
import signal
import subprocess
import sys
import time
import weakref

import pytest
from _locust import (
    AsyncResult,
    BoundedSemaphore,
    Event,
    Greenlet,
    GreenletExit,
    LifoQueue,
    Lock,
    PriorityQueue,
    Queue,
    RLock,
    Semaphore,
    SimpleQueue,
    Timeout,
    call_soon,
    get_hub,
    get_ident,
    getcurrent,
    is_hub_thread,
    sleep,
    start_os_thread,
)


def settle():
    for _ in range(5):
        sleep(0)


def in_os_thread(function, *args):
    """Calls it in another OS thread, and waits as a green thread does. What it returned or raised."""
    result = AsyncResult()

    def call():
        try:
            result.set(function(*args))
        except BaseException as error:
            result.set_exception(error)

    start_os_thread(call, ())
    return result.get(timeout=20)


def spawn_all(function, count):
    green = [Greenlet.spawn(function, i) for i in range(count)]
    settle()
    return green


LOCKS = [Lock, RLock, Semaphore, BoundedSemaphore]


@pytest.mark.parametrize("kind", LOCKS)
def test_first_come_first_served(kind):
    lock, order = kind(), []

    def work(i):
        with lock:
            order.append(i)
            sleep(0)

    with lock:
        green = spawn_all(work, 10)
        assert order == []
    for g in green:
        g.get()
    assert order == list(range(10))
    assert lock.acquire(timeout=0) is True


@pytest.mark.parametrize("kind", LOCKS)
def test_who_gives_up_or_is_killed_leaves_nothing_behind(kind):
    lock = kind()
    got = []

    def work(i):
        with lock:
            got.append(i)

    lock.acquire()
    green = spawn_all(work, 4)
    late = Greenlet.spawn(lock.acquire, timeout=0.01)
    assert late.get() is False
    green[0].kill()
    lock.release()
    # The second has been given the lock, and has not run yet.
    green[1].kill(block=False)
    settle()
    assert got == [2, 3]
    assert lock.acquire(blocking=False)


@pytest.mark.parametrize("kind", LOCKS)
def test_os_threads_wait_and_are_waited_for(kind):
    lock = kind()
    counts = {"inside": 0, "all": 0}

    def work(i=0):
        for _ in range(50):
            with lock:
                counts["inside"] += 1
                assert counts["inside"] == 1
                (sleep if is_hub_thread() else time.sleep)(0.0001)
                counts["all"] += 1
                counts["inside"] -= 1

    green = [Greenlet.spawn(work) for _ in range(4)] + [Greenlet.spawn(in_os_thread, work) for _ in range(4)]
    for g in green:
        g.get(timeout=60)
    assert counts == {"inside": 0, "all": 400}
    assert lock.acquire(timeout=0)


def test_lock_is_threadings():
    lock = Lock()
    assert not lock.locked() and lock.acquire() and lock.locked()
    assert lock.acquire(False) is False and lock.acquire(timeout=0.01) is False and lock.acquire(True, 0.01) is False
    lock.release()
    with pytest.raises(RuntimeError, match="release unlocked lock"):
        lock.release()
    with lock as entered:
        assert entered is True and lock.locked()
    assert "unlocked" in repr(lock)
    for arguments in (False, 1), (True, -2), (True, float("nan")):
        with pytest.raises(ValueError):
            lock.acquire(*arguments)
    with pytest.raises(OverflowError):
        lock.acquire(timeout=1e300)
    with pytest.raises(TypeError):
        lock.acquire(nonsense=1)
    with pytest.raises(TypeError):
        lock.acquire(True, 1, 1)
    assert weakref.ref(lock)() is lock
    # Anybody may release it.
    lock.acquire()
    Greenlet.spawn(lock.release).get()
    assert not lock.locked()
    lock.acquire()
    in_os_thread(lock.release)
    assert not lock.locked()


def test_who_tries_again_and_again_lets_the_owner_run():
    lock = Lock()
    lock.acquire()
    Greenlet.spawn(lock.release)
    tries = 0
    while not lock.acquire(False):
        tries += 1
        assert tries < 10


def test_rlock_belongs_to_its_owner():
    lock = RLock()
    with lock, lock:
        assert lock._is_owned() and lock._recursion_count() == 2
        for elsewhere in lambda f: Greenlet.spawn(f).get(), in_os_thread:
            assert elsewhere(lock._is_owned) is False
            assert elsewhere(lambda: lock.acquire(False)) is False
            with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
                Greenlet.spawn(lock.release).get()
    assert not lock._is_owned()
    with pytest.raises(RuntimeError):
        lock.release()

    def hold():
        with lock:
            assert not lock.acquire(False) or lock.release() is None
            return get_ident()

    assert in_os_thread(hold) not in (get_ident(), Greenlet.spawn(hold).get())
    lock.acquire()
    lock.acquire()
    state = lock._release_save()
    assert Greenlet.spawn(lock.acquire, False).get() is True
    lock._at_fork_reinit()
    lock._acquire_restore(state)
    assert lock._recursion_count() == 2


def test_a_kill_during_restore_leaves_the_lock_held():
    lock, seen = RLock(), []

    def work():
        with lock:
            state = lock._release_save()
            sleep(0)
            try:
                lock._acquire_restore(state)
            except GreenletExit:
                seen.append(lock._is_owned())
                raise

    green = Greenlet.spawn(work)
    sleep(0)
    with lock:
        settle()
        green.kill(block=False)
        settle()
        assert seen == []
    green.join()
    assert seen == [True] and lock.acquire(False)


def test_idents():
    assert get_ident() == __import__("_thread").get_ident()
    idents = [Greenlet.spawn(get_ident) for _ in range(5)]
    assert len({g.get() for g in idents} | {get_ident(), in_os_thread(get_ident)}) == 7
    assert is_hub_thread() and not in_os_thread(is_hub_thread)


# --- Semaphore.


def test_semaphore():
    s = Semaphore(2)
    assert (s.counter, s.locked(), s.ready(), s.wait()) == (2, False, True, 2)
    assert s.acquire() and s.acquire(blocking=False) and not s.acquire(blocking=False)
    assert (s.counter, s.locked(), s.ready(), s.wait(timeout=0.01)) == (0, True, False, 0)
    onlooker = Greenlet.spawn(s.wait)
    settle()
    assert s.release() == 1
    assert onlooker.get() == 1 and s.counter == 1
    assert Semaphore().counter == 1 and Semaphore(None).counter == 1
    with pytest.raises(ValueError):
        Semaphore(-1)
    for _ in range(3):
        s.release()
    assert s.counter == 4
    called = []
    s.rawlink(called.append)
    settle()
    assert called == [s]


def test_bounded_semaphore():
    s = BoundedSemaphore(1)
    with pytest.raises(ValueError, match="Semaphore released too many times"):
        s.release()
    s.acquire()
    s.release()
    assert isinstance(s, Semaphore)


# --- Event and AsyncResult.


def test_event():
    e, called = Event(), []
    assert not e.is_set() and not e.ready() and e.wait(timeout=0.01) is False
    waiting = spawn_all(lambda i: e.wait(), 3)
    e.rawlink(called.append)
    e.set()
    e.clear()
    assert [g.get() for g in waiting] == [True] * 3
    assert called == [e]
    in_os_thread(e.set)
    assert e.isSet() and e.wait(0) is True
    assert in_os_thread(e.wait) is True
    e.clear()
    assert in_os_thread(e.wait, 0.01) is False
    blocked = Greenlet.spawn(in_os_thread, e.wait)
    sleep(0.01)
    e.set()
    assert blocked.get() is True


def test_async_result():
    r = AsyncResult()
    assert (r.ready(), r.successful(), r.value, r.exception, r.exc_info) == (False, False, None, None, ())
    with pytest.raises(Timeout):
        r.get(block=False)
    with pytest.raises(Timeout, match="0.01 seconds"):
        r.get(timeout=0.01)
    with pytest.raises(Timeout):
        r.get_nowait()
    assert r.wait(timeout=0.01) is None
    waiting = spawn_all(lambda i: r.get(), 3)
    r.set(7)
    assert [g.get() for g in waiting] == [7, 7, 7] and r.wait() == 7 and r.result() == 7
    r.set_exception(KeyError("x"))
    with pytest.raises(KeyError):
        r.get()
    assert r.ready() and not r.successful() and r.wait() is None and r.exc_info[0] is KeyError
    with pytest.raises(TypeError):
        r.set_exception(5)


def test_async_result_takes_over():
    for function in (lambda: 5), (lambda: 1 / 0):
        r = AsyncResult()
        Greenlet.spawn(function).link(r)
        r.wait()
        assert r.successful() == (r.value == 5)
    with pytest.raises(ZeroDivisionError):
        r.get()


# --- Queues.


@pytest.mark.parametrize("kind", [SimpleQueue, Queue, LifoQueue, PriorityQueue])
def test_queue(kind):
    q = kind()
    for i in 2, 1, 3:
        q.put(i)
    assert q.qsize() == 3 and not q.empty()
    expected = {LifoQueue: [3, 1, 2], PriorityQueue: [1, 2, 3]}.get(kind, [2, 1, 3])
    assert [q.get() for _ in range(3)] == expected
    with pytest.raises(queue.Empty):
        q.get_nowait()
    with pytest.raises(queue.Empty):
        q.get(timeout=0.01)
    getters = spawn_all(lambda i: q.get(), 3)
    for i in range(3):
        q.put(i)
    assert q.qsize() == 3
    assert [g.get() for g in getters] == ([2, 1, 0] if kind is LifoQueue else [0, 1, 2])
    for i in range(100):
        q.put(i)
    assert sorted(q.get() for _ in range(100)) == list(range(100))


def test_an_item_given_to_the_killed_is_not_lost():
    q = Queue()
    green = spawn_all(lambda i: q.get(), 2)
    q.put(1)
    green[0].kill(block=False)
    assert green[1].get() == 1
    green = spawn_all(lambda i: q.get(), 1)
    q.put(2)
    green[0].kill()
    assert q.get_nowait() == 2


def test_bounded_queue():
    q = Queue(maxsize=2)
    assert (q.maxsize, q.full()) == (2, False)
    q.put(1)
    q.put(2)
    assert q.full()
    with pytest.raises(queue.Full):
        q.put_nowait(3)
    with pytest.raises(queue.Full):
        q.put(3, timeout=0.01)
    putters = spawn_all(lambda i: q.put(3 + i), 2)
    assert [q.get() for _ in range(4)] == [1, 2, 3, 4]
    for g in putters:
        g.get()
    assert q.peek(block=False, timeout=None) if len(q) else True
    assert bool(q) and len(q) == 0 and list(q.queue) == []


def test_queue_details():
    q = Queue(items=[1, 2])
    assert q.peek() == 1 and q.peek_nowait() == 1 and q.qsize() == 2 and q.unfinished_tasks == 2
    q.put(StopIteration)
    assert list(q) == [1, 2]
    q.task_done()
    assert q.join(timeout=0.01) is False
    joiner = Greenlet.spawn(q.join)
    settle()
    q.task_done()
    q.task_done()
    assert joiner.get() is True and q.join() is True
    with pytest.raises(ValueError, match="too many times"):
        q.task_done()
    with pytest.raises(ValueError):
        SimpleQueue().get(timeout=-1)
    with pytest.raises(TypeError):
        PriorityQueue(items=[1, "a"])


def test_shut_down():
    from _locust import ShutDown

    q = Queue(2)
    getter = Greenlet.spawn(q.get)
    settle()
    q.shutdown()
    with pytest.raises(ShutDown):
        getter.get()
    with pytest.raises(ShutDown):
        q.put(1)


def test_queue_between_os_threads():
    there, back = SimpleQueue(), Queue(3)

    def work():
        while (item := there.get()) is not None:
            back.put(item * 2)

    pools = [Greenlet.spawn(in_os_thread, work) for _ in range(4)]
    for i in range(500):
        there.put(i)
    assert sorted(back.get(timeout=20) for _ in range(500)) == [i * 2 for i in range(500)]
    for _ in pools:
        there.put(None)
    for p in pools:
        p.get()


def test_items_are_released():
    class Item:
        pass

    item = Item()
    gone = weakref.ref(item)
    q = Queue(items=[item])
    q.item = q
    del q, item
    gc.collect()
    assert gone() is None


# --- Where nobody can wait.


def test_callbacks_cannot_wait(capfd):
    lock, called = Lock(), []
    lock.acquire()

    def call(value):
        called.append((value, getcurrent() is get_hub()))
        lock.acquire()

    assert call_soon(call, 5).pending
    stopped = call_soon(call, 6)
    stopped.stop()
    settle()
    assert called == [(5, True)]
    err = capfd.readouterr().err
    assert "RuntimeError: a callback of the event loop" in err and "failed with RuntimeError" in err
    in_os_thread(call_soon, called.append, 7)
    settle()
    assert called[-1] == 7


DEADLOCK = """
import time
from _locust import Lock, LoopExit, SimpleQueue, start_os_thread
queue, lock = SimpleQueue(), Lock()
start_os_thread(queue.get, ())          # waits for us, and so for ever
start_os_thread(time.sleep, (0.3,))     # could release the lock
lock.acquire()
try:
    lock.acquire()
except LoopExit:
    print("nobody can")
start_os_thread(lambda: time.sleep(0.1) or lock.release(), ())
print(lock.acquire())
"""


def test_a_deadlock_is_told_when_no_other_thread_could_end_it():
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", DEADLOCK], capture_output=True, text=True, timeout=60)
    assert done.stdout == "nobody can\nTrue\n", done.stderr
    assert time.monotonic() - started >= 0.3


def test_locks_after_a_fork():
    lock, q = Lock(), SimpleQueue()
    lock.acquire()
    waiting = spawn_all(lambda i: lock.acquire() and lock.release(), 3)
    start_os_thread(q.get, ())
    sleep(0.01)
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(20)
            # Those who wait in the parent are nobody here.
            lock.release()
            assert lock.acquire(timeout=0)
            q.put(5)
            assert q.get(timeout=0) == 5
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    q.put(None)
    lock.release()
    for g in waiting:
        g.get()
