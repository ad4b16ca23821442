"""Queues."""

from __future__ import annotations

import collections
from queue import Empty, Full

from _locust import Event, LifoQueue, PriorityQueue, Queue, Semaphore, ShutDown, SimpleQueue

__all__ = ["Queue", "PriorityQueue", "LifoQueue", "SimpleQueue", "JoinableQueue", "Channel", "ShutDown", "Empty", "Full"]

JoinableQueue = Queue


class _Offer:
    """An item that somebody wants to hand over."""

    def __init__(self, item):
        self.item = item
        self.taken = Event()


class Channel:
    """A queue without any place: put() waits until somebody has got the item."""

    def __init__(self, maxsize=1):
        if maxsize != 1:
            raise ValueError("a Channel has no size")
        self._offers: collections.deque[_Offer] = collections.deque()
        self._count = Semaphore(0)
        self.getters = 0

    @property
    def balance(self) -> int:
        """How many more wait to put than to get."""
        return len(self._offers) - self.getters

    def qsize(self) -> int:
        """0."""
        return 0

    def empty(self) -> bool:
        """True."""
        return True

    def full(self) -> bool:
        """True."""
        return True

    def put(self, item, block=True, timeout=None) -> None:
        """Hands an item over; Full if nobody has taken it when time is up."""
        if not block and not self.getters:
            raise Full
        offer = _Offer(item)
        self._offers.append(offer)
        self._count.release()
        try:
            taken = offer.taken.wait(timeout if block else 0) or (not block and offer not in self._offers)
            if not taken and not block:
                # Somebody is on the way to take it.
                taken = offer.taken.wait()
        finally:
            if not offer.taken.is_set():
                self._withdraw(offer)
        if not taken and not offer.taken.is_set():
            raise Full

    def _withdraw(self, offer: _Offer) -> None:
        self._offers.remove(offer)
        # If it is promised to somebody, that one will find nothing and wait again.
        self._count.acquire(blocking=False)

    def put_nowait(self, item) -> None:
        """put(item, block=False)"""
        self.put(item, False)

    def get(self, block=True, timeout=None):
        """Takes an item from whoever puts one; Empty if nobody has when time is up."""
        self.getters += 1
        try:
            while self._count.acquire(block, timeout):
                if self._offers:
                    offer = self._offers.popleft()
                    offer.taken.set()
                    return offer.item
            raise Empty
        finally:
            self.getters -= 1

    def get_nowait(self):
        """get(block=False)"""
        return self.get(False)

    def __iter__(self):
        return self

    def __next__(self):
        item = self.get()
        if item is StopIteration or isinstance(item, StopIteration):
            raise StopIteration
        return item
