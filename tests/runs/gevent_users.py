"""Users that use gevent: more green threads, pools, time limits, events, locks, and a patch that has been made already."""

# args: -u 4 -r 100

from gevent import monkey

monkey.patch_all()

import time  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import gevent  # noqa: E402
from gevent.event import AsyncResult, Event  # noqa: E402
from gevent.lock import Semaphore  # noqa: E402
from gevent.pool import Group, Pool  # noqa: E402
from gevent.queue import Empty, Queue  # noqa: E402
from greenlet import GreenletExit, getcurrent  # noqa: E402
from traced import quit_when, trace, trace_events  # noqa: E402

from locust import User, constant, events, task  # noqa: E402

trace_events("test_start", "test_stop", "quit")
finished = set()
quit_when(lambda runner: len(finished) == 3)

all_spawned = Semaphore()
all_spawned.acquire()
told = Event()


@events.spawning_complete.add_listener
def when_spawned(**kwargs):
    all_spawned.release()
    gevent.spawn_later(0.05, told.set)


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(100)


class Spawner(Base):
    @task
    def work(self):
        trace(self, getcurrent() is self.greenlet, gevent.getcurrent() is self.greenlet)
        trace(self, isinstance(self.environment.runner.user_greenlets, Group), self.greenlet in self.group)
        results = [gevent.spawn(lambda i=i: time.sleep(0.01) or i * 2) for i in range(3)]
        gevent.joinall(results)
        trace(self, [g.value for g in results])
        trace(self, Pool(2).map(lambda x: gevent.sleep(0.005) or x + 1, range(4)))
        failed = gevent.spawn(lambda: urlsplit("http://[bad"))
        failed.join()
        trace(self, type(failed.exception).__name__, failed.successful())
        finished.add(self)


class Impatient(Base):
    @task
    def work(self):
        with gevent.Timeout(0.02, False):
            time.sleep(5)
            trace(self, "has slept")
        try:
            with gevent.Timeout(0.02):
                Event().wait()
        except gevent.Timeout as timeout:
            trace(self, "Timeout", timeout)
        try:
            Queue().get(timeout=0.01)
        except Empty:
            trace(self, "Empty")
        killed = gevent.spawn(time.sleep, 5)
        gevent.sleep(0.01)
        killed.kill()
        trace(self, killed.dead, isinstance(killed.value, GreenletExit))
        finished.add(self)


class Waiting(Base):
    def on_start(self):
        all_spawned.wait()
        trace(self, "all are spawned")

    @task
    def work(self):
        trace(self, "told", told.wait(timeout=10))
        result = AsyncResult()
        gevent.spawn(lambda: "result").link(result)
        trace(self, result.get(timeout=5))
        finished.add(self)


class Killed(Base):
    @task
    def work(self):
        try:
            gevent.sleep(100)
        except GreenletExit:
            trace(self, "GreenletExit")
            raise

    def on_stop(self):
        trace(self, "on_stop")
