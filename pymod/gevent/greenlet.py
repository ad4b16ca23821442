"""Greenlet, and what is done with many of them."""

from __future__ import annotations

import greenlet as _greenlet  # noqa: F401  (gives Greenlet switch(), throw() and parent)
from _locust import Greenlet, GreenletExit, Hub, get_main, getcurrent

from .hub import get_loop, iwait, wait

__all__ = ["Greenlet", "joinall", "killall"]

Greenlet.loop = property(lambda self: get_loop())


def joinall(greenlets, timeout=None, raise_error=False, count=None):
    """Waits for the ends of green threads. Those that have ended; with raise_error the first exception is raised."""
    if not raise_error:
        return wait(greenlets, timeout=timeout, count=count)
    done = []
    for g in iwait(greenlets, timeout=timeout, count=count):
        if getattr(g, "exception", None) is not None:
            raise g.exception
        done.append(g)
    return done


def killall(greenlets, exception=GreenletExit, block=True, timeout=None) -> None:
    """Raises exception in each of them, where it waits. With block it waits for their ends, or so many seconds.

    Whoever collects all Greenlets that there are does not mean the hub and the main one, which are none in gevent.
    """
    main, me = get_main(), getcurrent()
    greenlets = [g for g in greenlets if not g.dead and g is not main and not isinstance(g, Hub)]
    for g in greenlets:
        if g is not me:
            g.kill(exception, block=False)
    if me in greenlets:
        me.kill(exception, block=False)
    if block and greenlets:
        alive = joinall(greenlets, timeout=timeout)
        if len(alive) < len(greenlets) and timeout is not None:
            from .timeout import Timeout

            raise Timeout(timeout)
