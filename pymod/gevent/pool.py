"""Groups of green threads, and groups that have room for so many."""

from __future__ import annotations

import heapq

from _locust import Greenlet, GreenletExit, Group, Semaphore, SimpleQueue, getcurrent

from .lock import DummySemaphore

__all__ = ["Group", "Pool", "PoolFull"]


class PoolFull(Exception):
    """The pool has no room, and who asked does not want to wait."""


class _Failure:
    """What a call came to that raised."""

    def __init__(self, error):
        self.error = error


class _IMap:
    """Iterates over the results of function(*item), as they come or in the order of the items."""

    def __init__(self, spawn, function, items, ordered, maxsize):
        self._results = SimpleQueue()
        self._room = DummySemaphore() if maxsize is None else Semaphore(maxsize)
        self._ordered = ordered
        self._early: list = []
        self._next = 0
        self._count = None
        self._feeder = Greenlet.spawn(self._feed, spawn, function, items)

    def _feed(self, spawn, function, items) -> None:
        count = 0
        try:
            for item in items:
                self._room.acquire()
                spawn(self._call, count, function, item)
                count += 1
        except GreenletExit:
            raise
        except BaseException as error:
            self._results.put((count, _Failure(error)))
            count += 1
        self._results.put((count, self))

    def _call(self, number, function, item) -> None:
        try:
            result = function(*item)
        except BaseException as error:
            result = _Failure(error)
        self._results.put((number, result))

    def __iter__(self):
        return self

    def __next__(self):
        while True:
            if self._count == self._next:
                self._results.put((self._count, self))
                raise StopIteration
            result = self._take()
            if result is not self:
                break
        self._next += 1
        self._room.release()
        if isinstance(result, _Failure):
            raise result.error
        return result

    next = __next__

    def _take(self):
        """The next result; or self, when it has become known how many there are."""
        if self._early and self._early[0][0] == self._next:
            return heapq.heappop(self._early)[2]
        number, result = self._results.get()
        if result is self:
            self._count = number
        elif self._ordered and number != self._next:
            heapq.heappush(self._early, (number, id(result), result))
            return self
        return result

    def kill(self, *args, **kwargs) -> None:
        """Starts no more calls."""
        self._feeder.kill(*args, **kwargs)


def _pass_value(callback):
    """A link that calls callback with the value."""

    def link(greenlet):
        if greenlet.successful():
            callback(greenlet.value)

    return link


class GroupMappingMixin:
    """What Group, Pool and ThreadPool do with functions and iterables, by means of their spawn()."""

    def _apply_immediately(self) -> bool:
        return getcurrent() in self

    def _apply_async_use_greenlet(self) -> bool:
        return False

    def apply(self, func, args=None, kwds=None):
        """func(*args, **kwds) in a member; its result."""
        args, kwds = () if args is None else args, {} if kwds is None else kwds
        if self._apply_immediately():
            return func(*args, **kwds)
        return self.spawn(func, *args, **kwds).get()

    def apply_cb(self, func, args=None, kwds=None, callback=None):
        """apply(), and callback(result)."""
        result = self.apply(func, args, kwds)
        if callback is not None:
            Greenlet.spawn(callback, result)
        return result

    def apply_async(self, func, args=None, kwds=None, callback=None):
        """Starts apply(); never waits. What get() of the returned object gives is the result."""
        args, kwds = () if args is None else args, {} if kwds is None else kwds
        if self._apply_async_use_greenlet():
            return Greenlet.spawn(self.apply_cb, func, args, kwds, callback)
        greenlet = self.spawn(func, *args, **kwds)
        if callback is not None:
            greenlet.link(_pass_value(callback))
        return greenlet

    def map(self, func, iterable):
        """A list of func(item) for all items, each in a member of its own."""
        return list(self.imap(func, iterable))

    def map_async(self, func, iterable, callback=None):
        """Starts map(); what get() of the returned object gives is the list."""

        def map_all():
            results = self.map(func, iterable)
            if callback is not None:
                Greenlet.spawn(callback, results)
            return results

        return Greenlet.spawn(map_all)

    def imap(self, func, *iterables, maxsize=None):
        """As map(), as an iterator. maxsize: how many results may wait to be fetched."""
        return _IMap(self.spawn, func, zip(*iterables), True, maxsize)

    def imap_unordered(self, func, *iterables, maxsize=None):
        """As imap(), with the results in the order in which they come."""
        return _IMap(self.spawn, func, zip(*iterables), False, maxsize)


def _init_group(self, *args) -> None:
    if len(args) > 1:
        raise TypeError(f"Group() takes at most one argument ({len(args)} given)")
    for greenlet in args[0] if args else ():
        self.add(greenlet)


# Groups are C, and so are those that locust hands out: they get these methods as well.
for _name, _method in vars(GroupMappingMixin).items():
    if callable(_method):
        setattr(Group, _name, _method)
Group.__init__ = _init_group
Group.greenlet_class = Greenlet
Group.full = lambda self: False
Group.full.__doc__ = "False: there is always room."
Group.wait_available = lambda self, timeout=None: 1
Group.wait_available.__doc__ = "Does not wait: there is always room."
Group.greenlets = property(set)


class Pool(Group):
    """Pool(size=None): a Group with room for so many. Who spawns waits for room."""

    def __init__(self, size=None, greenlet_class=None):
        if size is not None and size < 0:
            raise ValueError("size must not be negative")
        super().__init__()
        self.size = size
        if greenlet_class is not None:
            self.greenlet_class = greenlet_class
        self._semaphore = DummySemaphore() if size is None else Semaphore(size)

    def _apply_async_use_greenlet(self) -> bool:
        return self.full()

    def wait_available(self, timeout=None) -> int:
        """Waits for room. How much there is."""
        return self._semaphore.wait(timeout=timeout)

    def full(self) -> bool:
        """Whether there is no room."""
        return self.free_count() <= 0

    def free_count(self) -> int:
        """How many more there is room for."""
        return 1 if self.size is None else max(0, self.size - len(self))

    def add(self, greenlet, blocking=True, timeout=None) -> None:
        """Makes it a member; waits for room, and if there is none, PoolFull is raised."""
        if greenlet in self or greenlet.dead:
            return
        if not self._semaphore.acquire(blocking=blocking, timeout=timeout):
            raise PoolFull
        try:
            super().add(greenlet)
        except BaseException:
            self._semaphore.release()
            raise
        if greenlet not in self:
            self._semaphore.release()

    def discard(self, greenlet) -> None:
        """Takes it out, if it is in."""
        if greenlet in self:
            super().discard(greenlet)
            self._semaphore.release()

    def start(self, greenlet, blocking=True, timeout=None) -> None:
        """add() and greenlet.start()."""
        self.add(greenlet, blocking=blocking, timeout=timeout)
        try:
            greenlet.start()
        except BaseException:
            self.discard(greenlet)
            raise

    def spawn(self, *args, **kwargs):
        """Starts a new member; waits for room."""
        greenlet = self.greenlet_class(*args, **kwargs)
        self.start(greenlet)
        return greenlet
