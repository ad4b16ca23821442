"""OS threads for calls that block, so that the users go on meanwhile.

Code that waits in a C library of its own (a database driver, a message queue's client) stops all users while it waits, since all
of them run on one OS thread. run_in_thread() lets an OS thread of a pool make the call:

    from locust.util.threads import run_in_thread

    rows = run_in_thread(connection.execute, "select ...")

Only the user that calls it waits. What is called there must not touch users, runners or self.client.

While a test runs, whoever keeps all users waiting is warned of in the log: see BLOCKED_AFTER.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback

from gevent.threadpool import ThreadPool, ThreadResult, pool

__all__ = ["BLOCKED_AFTER", "ThreadPool", "ThreadResult", "pool", "run_in_thread"]

logger = logging.getLogger(__name__)

BLOCKED_AFTER = 1.0
"""Seconds. Who does not let the others run for so long is warned of, with a stack. 0: nobody is. Read when a test starts."""

WARN_EVERY = 10.0
"""Seconds between two such warnings, at least."""


def run_in_thread(function, *args, **kwargs):
    """function(*args, **kwargs) in an OS thread of the common pool: only who calls this waits for it. Its result."""
    return pool().apply(function, args, kwargs)


_last_warning = float("-inf")
_not_shown = 0


def report_blocked(greenlet, user: str, frame, seconds: float) -> None:
    """Called, on an OS thread of its own, when a green thread has let nobody else run for so long."""
    global _last_warning, _not_shown
    now = time.monotonic()
    if now - _last_warning < WARN_EVERY:
        _not_shown += 1
        return
    others = f" ({_not_shown} more since the last such warning)" if _not_shown else ""
    _last_warning, _not_shown = now, 0
    stack = traceback.format_list(traceback.extract_stack(frame, limit=30))
    text = (
        f"For {seconds:.1f} s no other user could run{others}: {user or repr(greenlet)} keeps the processor, or waits in a call "
        "that does not let the others run. Response times are right all the same, but the load is less than it should be. See "
        f"locust.util.threads for how to make such a call. It is here:\n{''.join(stack).rstrip()}"
    )
    logger.warning(text)
    if "gevent.events" in sys.modules:
        events = sys.modules["gevent.events"]
        events.notify(events.EventLoopBlocked(greenlet, seconds, text.splitlines()))
