"""Locks, queues, events, kills and time limits at random: nothing is lost, left locked or left waiting.

A round is replayed with STRESS_SEED=number: what happens in it depends on nothing else.
"""

import os
import random
import time

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
    Timeout,
    sleep,
    start_os_thread,
)
from gevent.queue import Channel, Empty, Full

SEED = os.environ.get("STRESS_SEED")
SANITIZERS = bool(os.environ.get("LOCUST_SANITIZERS"))
ROUNDS = 10_000
WORKERS, STEPS, BLOWS = 6, 12, 30


class Lost(Exception):
    """Thrown in instead of a kill."""


class Round:
    """Some green threads, what they fight for, and what has become of it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.trace = []
        self.locks = [Lock(), RLock(), Semaphore(1), Semaphore(2), BoundedSemaphore(2)]
        self.room = [1, 1, 1, 2, 2]
        self.inside = [0] * 5
        self.queues = [Queue(2), Queue(), LifoQueue(1), PriorityQueue()]
        self.put = [0] * 4
        self.got = [0] * 4
        self.channel, self.sent, self.received = Channel(), 0, 0
        self.event, self.result = Event(), AsyncResult()

    # --- What a worker does.

    def hold(self, depth=0):
        n = self.random.randrange(5)
        if n == 1 or depth == 0:
            with self.locks[n]:
                self.inside[n] += 1
                try:
                    assert n == 1 or self.inside[n] <= self.room[n]
                    self.pause()
                    if depth == 0 and self.random.random() < 0.2:
                        self.hold(1)
                finally:
                    self.inside[n] -= 1

    def try_to_hold(self):
        n = self.random.choice([0, 2, 3, 4])
        if self.locks[n].acquire(self.random.random() < 0.5):
            self.inside[n] += 1
            try:
                assert self.inside[n] <= self.room[n]
                self.pause()
            finally:
                self.inside[n] -= 1
                self.locks[n].release()

    def produce(self):
        n = self.random.randrange(4)
        self.queues[n].put(self.random.randrange(10))
        self.put[n] += 1

    def consume(self):
        n = self.random.randrange(4)
        self.queues[n].get()
        self.got[n] += 1

    def send(self):
        self.channel.put(1)

    def receive(self):
        self.channel.get()
        self.received += 1

    def wait(self):
        assert self.event.wait() is True

    def signal(self):
        self.event.set()
        self.event.clear()

    def await_result(self):
        assert self.result.get() == 1

    def pause(self):
        for _ in range(self.random.randrange(3)):
            sleep(0)

    def work(self, name):
        steps = [self.hold] * 4 + [self.try_to_hold] * 2 + [self.produce, self.consume] * 3
        steps += [self.send, self.receive, self.wait, self.signal, self.await_result, self.pause]
        for _ in range(STEPS):
            step = self.random.choice(steps)
            self.trace.append((name, step.__name__))
            try:
                step()
            except (Lost, Timeout) as error:
                self.trace.append((name, type(error).__name__))

    # --- What is done to them.

    def strike(self, workers):
        if self.random.random() < 0.3:
            self.result.set(1)
        for _ in range(BLOWS):
            for _ in range(self.random.randrange(3)):
                sleep(0)
            exception = self.random.choice([GreenletExit, Lost, Lost("again"), Timeout(1)])
            self.random.choice(workers).kill(exception, block=False)
            if self.random.random() < 0.2:
                self.event.set()
                self.event.clear()

    def run(self):
        workers = [Greenlet.spawn(self.work, i) for i in range(WORKERS)]
        self.strike(workers)
        for worker in workers:
            worker.kill()
        self.check()

    def check(self):
        assert self.inside == [0] * 5
        for lock, room in zip(self.locks, self.room):
            for _ in range(room):
                assert lock.acquire(blocking=False)
            assert isinstance(lock, RLock) or not lock.acquire(blocking=False)
            lock.release()
        for queue, put, got in zip(self.queues, self.put, self.got):
            # A put() whose thread was struck after it, or a get(), is known not to have happened.
            assert queue.qsize() == put - got
            while queue.qsize():
                queue.get_nowait()
        assert self.channel.balance == 0
        assert self.result.ready() or self.result.wait(timeout=0) is None


def run_round(seed):
    trial = Round(seed)
    try:
        trial.run()
    except BaseException:
        print(f"STRESS_SEED={seed}: {trial.trace[-20:]}")
        raise
    return trial.trace


def test_random_interleavings():
    for seed in [int(SEED)] if SEED else range(ROUNDS):
        run_round(seed)


def test_a_round_can_be_replayed():
    for seed in range(20):
        assert run_round(seed) == run_round(seed)
    assert run_round(1) != run_round(2)


# --- With real time limits, and other OS threads.


@pytest.mark.parametrize("kind", [Lock, RLock, lambda: Semaphore(1)])
def test_time_limits_and_other_threads(kind):
    lock, queue, errors, ended = kind(), Queue(3), [], []
    dice = random.Random(7)
    inside = []
    stop = time.monotonic() + (3 if SANITIZERS else 0.7)

    def use():
        with lock:
            inside.append(1)
            assert len(inside) == 1
            try:
                time.sleep(dice.random() * 0.001)
            finally:
                inside.pop()
        try:
            queue.put(1, timeout=0.001)
            queue.get(timeout=0.001)
        except (Empty, Full):
            pass

    def work():
        while time.monotonic() < stop:
            try:
                with Timeout(dice.random() * 0.002, Lost):
                    use()
            except Lost:
                pass

    def work_elsewhere():
        try:
            while time.monotonic() < stop:
                use()
        except BaseException as error:
            errors.append(error)
        ended.append(1)

    green = [Greenlet.spawn(work) for _ in range(5)]
    for _ in range(3):
        start_os_thread(work_elsewhere, ())
    while time.monotonic() < stop:
        victim = dice.randrange(5)
        green[victim].kill()
        errors += [green[victim].exception] if green[victim].exception else []
        green[victim] = Greenlet.spawn(work)
        sleep(0.002)
    for g in green:
        g.get(timeout=20)
    while len(ended) < 3:
        assert time.monotonic() < stop + 20
        sleep(0.01)
    assert errors == [] and inside == [] and lock.acquire(blocking=False)
