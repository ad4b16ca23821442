"""Locks, conditions, queues and sockets of the standard library at random, with kills: nothing is lost or left locked.

A round is replayed with STRESS_SEED=number.
"""

import os
import queue
import random
import socket
import threading

from _locust import Greenlet, GreenletExit, sleep

import locust  # noqa: F401  patches

SEED = os.environ.get("STRESS_SEED")
ROUNDS = 200 if os.environ.get("LOCUST_SANITIZERS") else 2000
WORKERS, STEPS, BLOWS = 6, 10, 20


class Late(Exception):
    """Thrown in, as a time limit would be."""


class Round:
    """Some green threads, and what they share."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.locks = [threading.Lock(), threading.RLock(), threading.Condition(threading.Lock()), threading.Condition()]
        self.inside = [0] * len(self.locks)
        self.semaphore = threading.BoundedSemaphore(2)
        self.queues = [queue.Queue(2), queue.SimpleQueue()]
        self.ends = socket.socketpair()
        self.steps = [self.hold, self.wait, self.share, self.put, self.get, self.send, self.receive, self.pause]

    def hold(self):
        n = self.random.randrange(4)
        with self.locks[n]:
            self.inside[n] += 1
            try:
                assert self.inside[n] == 1
                self.pause()
                if n in (1, 3) and self.random.random() < 0.5:
                    with self.locks[n]:
                        self.pause()
            finally:
                self.inside[n] -= 1

    def wait(self):
        condition = self.locks[self.random.choice((2, 3))]
        with condition:
            if self.random.random() < 0.5:
                condition.notify_all()
            else:
                condition.wait(0.001)

    def share(self):
        with self.semaphore:
            self.pause()

    def put(self):
        self.random.choice(self.queues).put(1, timeout=0.001)

    def get(self):
        self.random.choice(self.queues).get(timeout=0.001)

    def send(self):
        self.ends[0].settimeout(0.001)
        self.ends[0].sendall(b"x" * 10)

    def receive(self):
        self.ends[1].settimeout(0.001)
        self.ends[1].recv(5)

    def pause(self):
        sleep(0)

    def work(self):
        for _ in range(STEPS):
            try:
                self.random.choice(self.steps)()
            except (Late, queue.Empty, queue.Full, TimeoutError):
                """Goes on."""

    def run(self):
        workers = [Greenlet.spawn(self.work) for _ in range(WORKERS)]
        for _ in range(BLOWS):
            sleep(0)
            if self.random.random() < 0.3:
                self.random.choice(workers).kill(self.random.choice((GreenletExit, Late)), block=False)
        for worker in workers:
            worker.join(20)
            assert worker.dead and worker.exception is None
        self.check()

    def check(self):
        """Everything is free, and works."""
        for lock in self.locks:
            assert lock.acquire(timeout=5)
            lock.release()
        for _ in range(2):
            assert self.semaphore.acquire(timeout=5)
        for q in self.queues:
            while not q.empty():
                q.get(timeout=1)
            q.put(2)
            assert q.get(timeout=1) == 2
        for end in self.ends:
            end.close()


def test_nothing_is_lost():
    first = random.randrange(1 << 30)
    for seed in [int(SEED)] if SEED else range(first, first + ROUNDS):
        try:
            Round(seed).run()
        except BaseException:
            print(f"STRESS_SEED={seed}")
            raise
