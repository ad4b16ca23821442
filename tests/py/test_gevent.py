"""What programs may expect of gevent, row by row.

Only gevent's own names are used: the same tests are run against the real gevent by test_gevent_real.py.
"""

import gc
import os
import queue as stdlib_queue
import signal
import subprocess
import sys
import time

import gevent
import gevent.event
import gevent.hub
import gevent.local
import gevent.lock
import gevent.monkey
import gevent.pool
import gevent.queue
import gevent.threadpool
import greenlet
import pytest


def settle():
    for _ in range(5):
        gevent.sleep(0)


def boom():
    raise ValueError("boom")


# --- spawn.


@pytest.mark.parametrize("spawn", [gevent.spawn, gevent.Greenlet.spawn, lambda *a, **k: started(gevent.Greenlet(*a, **k))])
def test_spawn_only_schedules(spawn):
    done = []
    g = spawn(lambda *a, **k: done.append((a, k)) or "result", 1, 2, x=3)
    assert isinstance(g, gevent.Greenlet) and done == []
    assert (g.args, g.kwargs, g.dead, g.started, g.ready(), g.value) == ((1, 2), {"x": 3}, False, True, False, None)
    assert not g.successful() and bool(g)
    assert g.name == f"Greenlet-{g.minimal_ident}"
    assert g.get() == "result" and done == [((1, 2), {"x": 3})]
    assert (g.args, g.dead, g.ready(), g.successful(), bool(g), g.value) == ((), True, True, True, False, "result")
    assert g.exception is None and not g.exc_info


def started(g):
    assert not g.started
    g.start()
    return g


def test_failure(capfd):
    g = gevent.spawn(boom)
    g.join()
    assert not g.successful() and g.value is None
    assert isinstance(g.exception, ValueError) and g.exc_info[0] is ValueError and g.exc_info[1] is g.exception
    with pytest.raises(ValueError, match="boom"):
        g.get()
    assert "ValueError: boom" in capfd.readouterr().err


def test_subclass_with_run():
    class Mine(gevent.Greenlet):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def _run(self):
            return self.number + 1

    g = Mine(4)
    g.start()
    assert g.get() == 5


def test_subclass_with_arguments():
    class Mine(gevent.Greenlet):
        def _run(self, a, b=0):
            return a, b

    g = Mine(None, 1, b=2)
    g.start()
    assert g.get() == (1, 2)
    g = gevent.Greenlet()
    g._run = lambda: "its own"
    g.start()
    assert g.get() == "its own"
    assert gevent.spawn().get() is None


def test_subclass_in_the_style_of_threads():
    class Mine(gevent.Greenlet):
        def run(self):
            done.append(self.dead)

    done = []
    g = Mine()
    g.start()
    g.join(0.05)
    assert done == [False]


def test_minimal_idents_are_small_and_unique():
    green = [gevent.spawn(gevent.sleep, 0) for _ in range(5)]
    assert len({g.minimal_ident for g in green}) == 5
    gevent.joinall(green)


def test_spawn_later():
    began = time.monotonic()
    g = gevent.spawn_later(0.02, time.monotonic)
    assert g.get() - began >= 0.019
    g = gevent.Greenlet(boom)
    g.start_later(0.01)
    assert g and g.started
    g.kill()
    assert not g
    assert isinstance(g.get(), gevent.GreenletExit)
    gevent.sleep(0.02)


# --- kill, join, get.


def test_kill():
    seen = []

    def work():
        try:
            gevent.sleep(10)
        except gevent.GreenletExit as e:
            seen.append(e)
            gevent.sleep(0)
            raise

    g = gevent.spawn(work)
    gevent.sleep(0)
    assert g.kill() is None
    assert g.dead and g.successful() and g.value is seen[0] and g.get() is seen[0]

    g = gevent.spawn(seen.append, "never")
    g.kill()
    assert g.dead and seen[1:] == [] and isinstance(g.value, gevent.GreenletExit)

    g = gevent.spawn(work)
    gevent.sleep(0)
    g.kill(block=False)
    assert not g.dead
    g.join()
    assert g.dead


def test_kill_with_another_exception(capfd):
    g = gevent.spawn(gevent.sleep, 10)
    gevent.sleep(0)
    g.kill(KeyError("k"))
    assert isinstance(g.exception, KeyError)


def test_kill_with_timeout():
    def stubborn():
        try:
            gevent.sleep(10)
        except gevent.GreenletExit:
            gevent.sleep(0.1)

    g = gevent.spawn(stubborn)
    gevent.sleep(0)
    try:
        g.kill(timeout=0.01)
    except gevent.Timeout:
        pass
    assert not g.dead
    g.join()


def test_join_and_get():
    g = gevent.spawn(gevent.sleep, 0.05)
    assert g.join(timeout=0.005) is None and not g.dead
    with pytest.raises(gevent.Timeout):
        g.get(timeout=0.005)
    with pytest.raises(gevent.Timeout):
        g.get(block=False)
    assert g.get() is None
    g.join()


def test_links():
    called = []
    g = gevent.spawn(lambda: 5)
    bad = gevent.Greenlet(boom)
    for greenlet_ in g, bad:
        greenlet_.link(lambda s: called.append(("any", s)))
        greenlet_.link_value(lambda s: called.append(("value", s)))
        greenlet_.link_exception(lambda s: called.append(("exception", s)))
        greenlet_.rawlink(lambda s: called.append(("raw", s)))
    unwanted = []
    g.link(unwanted.append)
    g.unlink(unwanted.append)
    g.join()
    settle()
    assert {name for name, s in called if s is g} == {"any", "value", "raw"} and unwanted == []
    bad.start()
    bad.join()
    settle()
    assert {name for name, s in called if s is bad} == {"any", "exception", "raw"}
    late = []
    g.link(late.append)
    settle()
    assert late == [g]


# --- sleep.


def test_all_links_at_once():
    g, told = gevent.Greenlet(int), []
    assert not g.has_links()
    g.link(told.append)
    g.link_value(told.append)
    assert g.has_links()
    g.unlink_all()
    assert not g.has_links()
    g.start()
    g.join()
    settle()
    assert told == []


def test_sleep():
    order = []
    g = gevent.spawn(order.append, "other")
    gevent.sleep(-1)
    assert order == ["other"] and g.dead
    gevent.sleep()
    gevent.sleep(seconds=0.001)
    began = time.monotonic()
    with gevent.Timeout(0.01, False):
        gevent.sleep(5)
    assert time.monotonic() - began < 2


# --- Timeout.


def test_timeout_is_raised_where_it_was_started():
    with pytest.raises(gevent.Timeout) as caught:
        with gevent.Timeout(0.01) as t:
            gevent.sleep(5)
    assert caught.value is t and not t.pending
    assert issubclass(gevent.Timeout, BaseException) and not issubclass(gevent.Timeout, Exception)


def test_timeout_texts():
    assert str(gevent.Timeout(0.05)) == "0.05 seconds"
    assert str(gevent.Timeout(1)) == "1 second"
    assert str(gevent.Timeout(2, False)) == "2 seconds (silent)"
    assert str(gevent.Timeout(2, ValueError("v"))) == "2 seconds: v"
    assert str(gevent.Timeout()) == ""
    assert (gevent.Timeout(3).seconds, gevent.Timeout(3, KeyError).exception) == (3, KeyError)


@pytest.mark.parametrize("exception", [KeyError, KeyError("k")])
def test_timeout_with_an_exception(exception):
    with pytest.raises(KeyError):
        with gevent.Timeout(0.005, exception):
            gevent.sleep(5)


def test_timeout_start_and_cancel():
    t = gevent.Timeout(0.01)
    assert not t.pending
    t.start()
    assert t.pending
    with pytest.raises(AssertionError):
        t.start()
    t.cancel()
    t.close()
    assert not t.pending
    gevent.sleep(0.02)
    t = gevent.Timeout.start_new(0.005)
    assert gevent.Timeout.start_new(t) is t
    with pytest.raises(gevent.Timeout) as caught:
        gevent.sleep(5)
    assert caught.value is t
    with gevent.Timeout(None):
        gevent.sleep(0)
    with gevent.Timeout.start_new(5, KeyError) as t:
        assert t.pending and t.exception is KeyError
    assert not t.pending


def test_timeouts_nested():
    with gevent.Timeout(5):
        with gevent.Timeout(0.005, False) as inner:
            gevent.sleep(2)
        assert not inner.pending
    with pytest.raises(gevent.Timeout) as caught:
        with gevent.Timeout(0.005) as outer:
            with gevent.Timeout(5, False):
                gevent.sleep(2)
    assert caught.value is outer


def test_with_timeout():
    assert gevent.with_timeout(0.005, gevent.sleep, 5, timeout_value="late") == "late"
    assert gevent.with_timeout(5, lambda x, y: x + y, 1, y=2) == 3
    with pytest.raises(gevent.Timeout):
        gevent.with_timeout(0.005, gevent.sleep, 5)


WAITS = {
    "sleep": lambda: gevent.sleep(5),
    "semaphore": lambda: gevent.lock.Semaphore(0).acquire(),
    "semaphore wait": lambda: gevent.lock.Semaphore(0).wait(),
    "event": lambda: gevent.event.Event().wait(),
    "result": lambda: gevent.event.AsyncResult().get(),
    "queue": lambda: gevent.queue.Queue().get(),
    "full queue": lambda: gevent.queue.Queue(1, [1]).put(2),
    "channel": lambda: gevent.queue.Channel().put(1),
    "channel get": lambda: gevent.queue.Channel().get(),
    "join": lambda: gevent.spawn(gevent.sleep, 0.2).join(),
    "joinall": lambda: gevent.joinall([gevent.spawn(gevent.sleep, 0.2)]),
    "pool": lambda: gevent.pool.Pool(0).spawn(boom),
    "threadpool": lambda: gevent.threadpool.ThreadPool(1).apply(time.sleep, (0.2,)),
    "watcher": lambda: gevent.get_hub().wait(gevent.get_hub().loop.timer(5)),
    "waiter": lambda: gevent.hub.Waiter().get(),
}


@pytest.mark.parametrize("name", WAITS)
def test_timeout_and_kill_reach_every_wait(name):
    with gevent.Timeout(0.01, KeyError):
        with pytest.raises(KeyError):
            WAITS[name]()
    g = gevent.spawn(WAITS[name])
    gevent.sleep(0.001)
    assert not g.dead
    g.kill(timeout=2)
    assert g.dead and isinstance(g.value, gevent.GreenletExit)


# --- GreenletExit.


def test_greenlet_exit():
    assert gevent.GreenletExit is greenlet.GreenletExit
    assert issubclass(gevent.GreenletExit, BaseException) and not issubclass(gevent.GreenletExit, Exception)


# --- Groups and pools.


def test_group():
    group = gevent.pool.Group()
    assert not group and len(group) == 0 and group.join() is True
    g = group.spawn(gevent.sleep, 0.02)
    other = gevent.Greenlet(gevent.sleep, 10)
    group.start(other)
    assert len(group) == 2 and g in group and set(group) == {g, other} and bool(group)
    assert group.join(timeout=0.005) is False
    group.discard(other)
    assert other not in group
    group.add(other)
    g.join()
    settle()
    assert list(group) == [other]
    group.killone(other)
    assert other.dead and len(group) == 0
    group.spawn(gevent.sleep, 10)
    group.kill()
    assert len(group) == 0
    group.spawn(boom)
    with pytest.raises(ValueError):
        group.join(raise_error=True)
    group.kill(block=False)


@pytest.mark.parametrize("make", [gevent.pool.Group, lambda: gevent.pool.Pool(2), lambda: gevent.threadpool.ThreadPool(2)])
def test_mapping(make):
    group = make()

    def late(x):
        time.sleep(0) if isinstance(group, gevent.threadpool.ThreadPool) else gevent.sleep((5 - x) * 0.002)
        return x * 2

    expected = [0, 2, 4, 6, 8]
    assert group.map(late, range(5)) == expected
    assert list(group.imap(late, range(5))) == expected
    assert list(group.imap(lambda a, b: a + b, [1, 2], [3, 4])) == [4, 6]
    assert sorted(group.imap_unordered(late, range(5))) == expected
    assert list(group.imap(late, range(5), maxsize=1)) == expected
    assert group.apply(late, (3,)) == 6 and group.apply(int, ("11",), {"base": 2}) == 3
    called = []
    assert group.apply_async(late, (4,), callback=called.append).get() == 8
    assert group.map_async(late, range(5), callback=called.append).get() == expected
    gevent.sleep(0.01)
    assert sorted(called, key=str) == [8, expected]
    with pytest.raises(ValueError):
        group.map(lambda x: boom(), [1])
    if isinstance(group, gevent.threadpool.ThreadPool):
        group.kill()


def test_unordered_results_come_as_they_come():
    delays = [0.03, 0.001, 0.015]
    assert list(gevent.pool.Group().imap_unordered(lambda d: gevent.sleep(d) or d, delays)) == sorted(delays)


def test_pool():
    pool = gevent.pool.Pool(2)
    assert pool.free_count() == 2 and not pool.full()
    green = [pool.spawn(gevent.sleep, 0.01) for _ in range(2)]
    assert pool.full() and pool.free_count() == 0
    began = time.monotonic()
    green.append(pool.spawn(gevent.sleep, 0))
    assert time.monotonic() - began >= 0.008
    assert pool.wait_available(timeout=1) >= 1
    pool.join()
    assert pool.free_count() == 2 and all(g.dead for g in green)
    pool = gevent.pool.Pool(1)
    pool.spawn(gevent.sleep, 10)
    with pytest.raises(gevent.pool.PoolFull):
        pool.add(gevent.Greenlet(gevent.sleep), blocking=False)
    pool.kill()
    assert pool.free_count() == 1
    assert gevent.pool.Pool().free_count() > 0
    with pytest.raises(ValueError):
        gevent.pool.Pool(-1)


# --- Locks.


def test_semaphore():
    s = gevent.lock.Semaphore(2)
    assert (s.counter, s.locked(), s.ready()) == (2, False, True)
    assert s.acquire() is True and s.acquire(blocking=True, timeout=None) is True
    assert s.acquire(blocking=False) is False and s.acquire(timeout=0.005) is False
    assert (s.counter, s.locked(), s.ready(), s.wait(timeout=0.005)) == (0, True, False, 0)
    woken = []
    g = gevent.spawn(lambda: woken.append(s.wait()))
    gevent.sleep(0)
    s.release()
    g.join()
    assert woken == [1] and s.counter == 1
    with s:
        assert s.counter == 0
    assert s.counter == 1


def semaphore_try(give):
    semaphore = gevent.lock.Semaphore(0)
    give(semaphore.release)
    return lambda: semaphore.acquire(timeout=0)


def queue_try(give):
    queue = gevent.queue.Queue()
    give(queue.put, 1)
    return lambda: got(lambda: queue.get(timeout=0), gevent.queue.Empty)


def event_try(give):
    event = gevent.event.Event()
    give(event.set)
    return lambda: event.wait(0)


def result_try(give):
    result = gevent.event.AsyncResult()
    give(result.set, 1)
    return lambda: got(lambda: result.get(timeout=0), gevent.Timeout)


def join_try(give):
    g = give(int)
    return lambda: g.join(0) or g.dead


def got(get, nothing):
    try:
        return get()
    except nothing:
        return None


@pytest.mark.parametrize("make", [semaphore_try, queue_try, event_try, result_try, join_try])
def test_a_time_limit_of_0_lets_the_others_run(make):
    """Whoever tries again and again must not wait for ever for those whom it does not let run."""
    attempt = make(gevent.spawn)
    end = time.monotonic() + 10
    while not attempt():
        assert time.monotonic() < end


def test_semaphore_is_fair():
    s, order = gevent.lock.Semaphore(1), []

    def work(i):
        with s:
            order.append(i)
            gevent.sleep(0)

    gevent.joinall([gevent.spawn(work, i) for i in range(10)])
    assert order == list(range(10))


def test_other_locks():
    bounded = gevent.lock.BoundedSemaphore(1)
    bounded.acquire()
    bounded.release()
    with pytest.raises(ValueError):
        bounded.release()
    lock = gevent.lock.RLock()
    with lock, lock:
        assert gevent.spawn(lock.acquire, blocking=False).get() in (False, 0)
    assert gevent.spawn(lambda: bool(lock.acquire()) and lock.release() is None).get()
    dummy = gevent.lock.DummySemaphore()
    assert dummy.acquire() and dummy.acquire() and not dummy.locked()
    dummy.release()
    with dummy:
        pass


# --- Events.


def test_event():
    e = gevent.event.Event()
    assert not e.is_set() and not e.ready() and e.wait(timeout=0.005) is False
    green = [gevent.spawn(e.wait) for _ in range(3)]
    gevent.sleep(0)
    e.set()
    assert [g.get() for g in green] == [True] * 3
    assert e.is_set() and e.wait() is True
    e.clear()
    assert not e.is_set()


def test_async_result():
    r = gevent.event.AsyncResult()
    assert not r.ready() and r.value is None and r.wait(timeout=0.005) is None
    with pytest.raises(gevent.Timeout):
        r.get(timeout=0.005)
    with pytest.raises(gevent.Timeout):
        r.get_nowait()
    green = [gevent.spawn(r.get) for _ in range(2)]
    gevent.sleep(0)
    r.set("x")
    assert [g.get() for g in green] == ["x", "x"] and r.ready() and r.successful() and r.get_nowait() == "x"
    r = gevent.event.AsyncResult()
    r.set_exception(KeyError("k"))
    with pytest.raises(KeyError):
        r.get()
    assert r.ready() and not r.successful() and isinstance(r.exception, KeyError)
    r = gevent.event.AsyncResult()
    gevent.spawn(lambda: 9).link(r)
    assert r.get() == 9


# --- Queues.


@pytest.mark.parametrize("name", ["Queue", "JoinableQueue", "LifoQueue", "PriorityQueue", "SimpleQueue"])
def test_queues(name):
    q = getattr(gevent.queue, name)()
    for i in 3, 1, 2:
        q.put(i)
    assert q.qsize() == 3 and not q.empty()
    expected = {"LifoQueue": [2, 1, 3], "PriorityQueue": [1, 2, 3]}.get(name, [3, 1, 2])
    assert [q.get() for _ in range(3)] == expected
    with pytest.raises(gevent.queue.Empty):
        q.get_nowait()
    with pytest.raises(gevent.queue.Empty):
        q.get(timeout=0.005)
    g = gevent.spawn(q.get)
    gevent.sleep(0)
    q.put_nowait("x")
    assert g.get() == "x"
    assert gevent.queue.Empty is stdlib_queue.Empty and gevent.queue.Full is stdlib_queue.Full


def test_queue_with_a_bound():
    q = gevent.queue.Queue(maxsize=1)
    q.put(1)
    assert q.full() and len(q) == 1
    with pytest.raises(gevent.queue.Full):
        q.put_nowait(2)
    with pytest.raises(gevent.queue.Full):
        q.put(2, timeout=0.005)
    g = gevent.spawn(q.put, 2)
    gevent.sleep(0)
    assert q.peek() == 1 and q.get() == 1 and q.get() == 2
    g.get()


def test_queue_iteration_and_join():
    q = gevent.queue.JoinableQueue()
    for item in 1, 2, StopIteration:
        q.put(item)
    assert list(q) == [1, 2]
    assert q.join(timeout=0.005) is False
    for _ in range(3):
        q.task_done()
    assert q.join() is True


def test_channel():
    c, order = gevent.queue.Channel(), []
    g = gevent.spawn(lambda: (c.put("a"), order.append("put")))
    gevent.sleep(0)
    assert order == [] and not g.dead
    assert c.get() == "a"
    g.join()
    assert order == ["put"]
    with pytest.raises(gevent.queue.Empty):
        c.get(timeout=0.005)
    with pytest.raises(gevent.queue.Full):
        c.put(1, timeout=0.005)
    with pytest.raises(gevent.queue.Full):
        c.put_nowait(1)
    getter = gevent.spawn(c.get)
    gevent.sleep(0)
    c.put("b")
    assert getter.get() == "b"


# --- At module level.


def test_joinall():
    green = [gevent.spawn(lambda i=i: gevent.sleep(0.01 * i) or i) for i in range(3)]
    assert gevent.joinall(green) == green
    green = [gevent.spawn(gevent.sleep, s) for s in (0, 5)]
    assert gevent.joinall(green, timeout=0.02) == green[:1]
    assert gevent.joinall(green, count=1) == green[:1]
    gevent.killall(green)
    assert all(g.dead for g in green)
    with pytest.raises(ValueError):
        gevent.joinall([gevent.spawn(boom)], raise_error=True)


def test_killall_and_kill(capfd):
    green = [gevent.spawn(gevent.sleep, 5) for _ in range(3)] + [gevent.Greenlet(boom)]
    gevent.sleep(0)
    gevent.killall(green, block=True, timeout=2)
    assert all(g.dead for g in green)
    g = gevent.spawn(gevent.sleep, 5)
    gevent.sleep(0)
    gevent.kill(g, KeyError)
    g.join()
    assert isinstance(g.exception, KeyError)


def test_killall_of_all_that_there_are():
    assert gevent.get_hub()
    g = gevent.spawn(gevent.sleep, 100)
    gevent.sleep(0)
    gevent.killall([o for o in gc.get_objects() if isinstance(o, gevent.Greenlet)], timeout=20)
    assert g.dead and not gevent.getcurrent().dead


def test_wait_and_iwait():
    e, r, s = gevent.event.Event(), gevent.event.AsyncResult(), gevent.lock.Semaphore(0)
    g = gevent.spawn(gevent.sleep, 0.002)
    gevent.spawn_later(0.01, e.set)
    gevent.spawn_later(0.02, r.set, 1)
    gevent.spawn_later(0.03, s.release)
    assert list(gevent.iwait([s, r, e, g])) == [g, e, r, s]
    assert gevent.wait([gevent.event.Event(), e], timeout=0.01) == [e]
    assert gevent.wait([gevent.event.Event(), e], count=1) == [e]


def test_getcurrent_and_hub():
    assert gevent.spawn(gevent.getcurrent).get() is not gevent.getcurrent()
    g = gevent.spawn(gevent.getcurrent)
    assert g.get() is g
    hub = gevent.get_hub()
    assert hub is gevent.get_hub() and gevent.spawn(lambda: 1).parent is hub
    assert isinstance(gevent.getcurrent(), greenlet.greenlet) and isinstance(hub, greenlet.greenlet)
    gevent.idle()
    gevent.reinit()
    done = []
    gevent.spawn_raw(done.append, 1)
    gevent.sleep(0)
    assert done == [1]


def test_signal_handler():
    seen = gevent.event.AsyncResult()
    watcher = gevent.signal_handler(signal.SIGUSR1, lambda *a: (gevent.sleep(0), seen.set(a)), 1, 2)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert seen.get(timeout=5) == (1, 2)
    watcher.cancel()


def test_fork():
    pid = gevent.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


# --- The hub.


def test_callbacks_and_watchers():
    hub, called = gevent.get_hub(), gevent.event.AsyncResult()
    hub.loop.run_callback(lambda *a: called.set((a, gevent.getcurrent() is hub)), 1, 2)
    assert called.get(timeout=2) == ((1, 2), True)
    timer = hub.loop.timer(0.01)
    began = time.monotonic()
    hub.wait(timer)
    assert time.monotonic() - began >= 0.009 and not timer.active
    repeated = []
    with hub.loop.timer(0.002, 0.002) as timer:
        timer.start(repeated.append, 1)
        with gevent.Timeout(20):
            while len(repeated) < 4:
                gevent.sleep(0.002)
    r, w = os.pipe()
    reader = gevent.spawn(lambda: hub.wait(hub.loop.io(r, 1)))
    gevent.sleep(0.01)
    assert not reader.dead
    os.write(w, b"x")
    reader.get(timeout=2)
    os.close(r)
    os.close(w)


def test_async_watcher_from_another_thread():
    hub = gevent.get_hub()
    watcher = hub.loop.async_()
    woken = gevent.spawn(hub.wait, watcher)
    gevent.sleep(0.01)
    hub.threadpool.apply(watcher.send)
    woken.get(timeout=2)


def test_cancel_wait():
    hub = gevent.get_hub()
    r, w = os.pipe()
    watcher = hub.loop.io(r, 1)
    g = gevent.spawn(hub.wait, watcher)
    gevent.sleep(0.01)
    hub.cancel_wait(watcher, KeyError("closed"))
    g.join()
    assert isinstance(g.exception, KeyError)
    os.close(r)
    os.close(w)


def test_waiter():
    waiter = gevent.hub.Waiter()
    gevent.get_hub().loop.run_callback(waiter.switch, "x")
    assert waiter.get() == "x"
    waiter = gevent.hub.Waiter()
    gevent.get_hub().loop.run_callback(waiter.throw, KeyError("k"))
    with pytest.raises(KeyError):
        waiter.get()


def test_switching_by_hand():
    hub, me = gevent.get_hub(), gevent.getcurrent()
    timer = hub.loop.timer(0.005)
    timer.start(me.switch, "time")
    assert hub.switch() == "time"


def test_system_errors_reach_the_main_greenlet(capfd):
    for error in KeyboardInterrupt, SystemExit, SystemError:

        def fail():
            raise error("x")

        gevent.spawn(fail)
        with pytest.raises(error):
            gevent.sleep(2)


def test_uncaught_exceptions_are_shown_and_others_go_on(capfd):
    green = [gevent.spawn(boom), gevent.spawn(lambda: 5)]
    gevent.joinall(green)
    err = capfd.readouterr().err
    assert "Traceback (most recent call last)" in err and "ValueError: boom" in err
    assert "<Greenlet at " in err and "failed with ValueError" in err
    assert green[1].value == 5


# --- Threads.


def test_threadpool():
    pool = gevent.threadpool.ThreadPool(3)
    original_sleep = gevent.monkey.get_original("time", "sleep")
    results = [pool.spawn(original_sleep, 0.2) for _ in range(3)]
    ticks = 0
    while not all(r.ready() for r in results):
        gevent.sleep(0.005)
        ticks += 1
    assert ticks > 1
    assert [r.get() for r in results] == [None] * 3
    ident = gevent.monkey.get_original("threading", "get_ident")
    assert pool.apply(ident) != ident()
    with pytest.raises(ValueError):
        pool.apply(boom)
    with pytest.raises(ValueError):
        pool.spawn(boom).get()
    assert pool.maxsize == 3 and pool.size >= 1
    pool.join()
    pool.kill()
    assert gevent.get_hub().threadpool.apply(lambda: 4) == 4


def test_thread_pool_executor():
    with gevent.threadpool.ThreadPoolExecutor(2) as executor:
        assert executor.submit(pow, 2, 5).result() == 32
        assert list(executor.map(abs, [-1, -2])) == [1, 2]


def test_local():
    local = gevent.local.local()
    local.x = 1
    assert gevent.spawn(lambda: hasattr(local, "x")).get() is False
    assert local.x == 1


# --- greenlet.


def test_greenlets_switch():
    def squares(first):
        value = first
        while value is not None:
            value = greenlet.getcurrent().parent.switch(value * value)
        return "end"

    g = greenlet.greenlet(squares)
    assert not g and not g.dead and g.parent is greenlet.getcurrent()
    assert [g.switch(3), g.switch(4)] == [9, 16] and bool(g)
    assert g.switch(None) == "end" and g.dead and not g


def test_greenlets_fail_in_their_parents():
    with pytest.raises(ValueError):
        greenlet.greenlet(boom).switch()

    def catch():
        try:
            greenlet.getcurrent().parent.switch()
        except KeyError as error:
            return error.args[0]

    g = greenlet.greenlet(catch)
    g.switch()
    assert g.throw(KeyError("k")) == "k"
    g = greenlet.greenlet(catch)
    g.switch()
    assert isinstance(g.throw(), greenlet.GreenletExit)
    with pytest.raises(KeyError):
        greenlet.greenlet(boom).throw(KeyError)


def test_ping_pong():
    order = []

    def ping():
        for i in range(3):
            order.append(("ping", second.switch(i)))
        return order

    def pong(value):
        while True:
            value = first.switch(value + 10)

    first, second = greenlet.greenlet(ping), greenlet.greenlet(pong)
    assert first.switch() == [("ping", 10), ("ping", 11), ("ping", 12)]


def test_throw_into_a_green_thread():
    g = gevent.spawn(gevent.sleep, 5)
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(g.throw, gevent.GreenletExit)
    g.join(timeout=2)
    assert g.dead and greenlet.settrace(None) is None


# --- Versions and modules.


def test_versions():
    assert int(gevent.__version__.split(".")[0]) >= 20 and gevent.version_info[0] >= 20
    assert greenlet.__version__


MODULES = """baseserver builtins core event events exceptions fileobject greenlet hub local lock monkey os pool pywsgi queue
resolver select selectors server signal socket ssl subprocess threading threadpool time timeout util""".split()


def test_modules_can_be_imported():
    code = f"""
import gevent, importlib, sys
for name in {MODULES}:
    module = importlib.import_module("gevent." + name)
    assert getattr(gevent, name) is module or name in ("greenlet", "signal"), name
print("all")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "all\n", done.stderr
