"""What the locustfiles of this directory write: who did what, one event in a line.

A line is "actor<TAB>event". The order of events counts within one actor only, so that what is
written does not depend on which of two users was faster; the events of an actor whose name ends
with * have no order. Only names that every Locust has are
used, but for green threads: those come from gevent where there is no _locust.
"""

import collections
import logging
import os

try:
    from _locust import Greenlet, GreenletExit, sleep
except ImportError:
    from gevent import Greenlet, GreenletExit, sleep

from locust import events

__all__ = [
    "GreenletExit",
    "RUN",
    "name_of",
    "quit_when",
    "quit_when_idle",
    "sleep",
    "spawn",
    "trace",
    "trace_events",
    "trace_logs",
    "trace_stats",
]

RUN = os.environ.get("TRACED_RUN", "")
"""Which run of the locustfile this is, if it has several."""

PATIENCE_SEC = 60
SETTLE_SEC = 0.05

EVENTS = (
    "init_command_line_parser init test_start spawning_complete test_stopping test_stop quitting quit user_error "
    "reset_stats report_to_master worker_report worker_connect"
).split()

_file = open(os.environ["TRACED_FILE"], "a", buffering=1, encoding="utf-8")
_numbers = collections.defaultdict(dict)


def trace(actor, *what):
    """Writes an event; the actor is a user or a name."""
    _file.write(f"{name_of(actor)}\t{' '.join(map(str, what))}\n")


def name_of(actor):
    """A#1 for the first user of class A that was seen; names are themselves."""
    if isinstance(actor, str):
        return actor
    user = getattr(actor, "user", actor)  # of a task set
    seen = _numbers[type(user).__name__]
    # The user is kept, so that no other can get its id.
    number, _ = seen.setdefault(id(user), (len(seen) + 1, user))
    return f"{type(user).__name__}#{number}"


def spawn(function, *args):
    """Runs a function in the background."""
    return Greenlet.spawn(function, *args)


def trace_events(*names, hooks=events):
    """Writes an event of "run" for each firing of these events, with what its arguments are called."""
    for name in names or EVENTS:

        def listener(name=name, **kwargs):
            runner = getattr(kwargs.get("environment"), "runner", None)
            trace("run", name, ",".join(sorted(kwargs)), runner.state if runner else "")

        getattr(hooks, name).add_listener(listener)


class _Logs(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
            trace("log*", record.levelname, record.name, error)


def trace_logs(hooks=events):
    """Writes level, logger and kind of exception of all warnings and worse; texts may differ."""

    def listener(**kwargs):
        handler = _Logs()
        for name in ("", "locust"):
            logging.getLogger(name).addHandler(handler)

    hooks.init.add_listener(listener)


def trace_stats(hooks=events):
    """Writes the numbers of requests and failures, and the errors, when the test is over."""

    def listener(environment, **kwargs):
        stats = environment.stats
        for entry in sorted(stats.entries.values(), key=lambda e: (e.name, str(e.method))):
            trace("stats", entry.method, entry.name, entry.num_requests, entry.num_failures, entry.num_none_requests)
        total = stats.total
        trace("stats", "total", total.num_requests, total.num_failures, total.num_none_requests)
        for line in sorted(f"{e.method} {e.name} {e.error!r} {e.occurrences}" for e in stats.errors.values()):
            trace("stats", "error", line)
        # They are grouped by traceback, which has Locust's own frames or has not.
        messages = collections.Counter()
        for item in environment.runner.exceptions.values():
            messages[item["msg"]] += item["count"]
        for message in sorted(messages):
            trace("stats", "exception", messages[message], message)

    hooks.quitting.add_listener(listener)


def quit_when(condition, hooks=events):
    """Ends the run as soon as condition(runner) holds."""

    def watch(runner):
        for _ in range(PATIENCE_SEC * 50):
            if condition(runner):
                sleep(SETTLE_SEC)  # who has just been started gets going
                break
            sleep(0.02)
        else:
            trace("run", "the end that was waited for did not come")
        runner.quit()

    hooks.init.add_listener(lambda runner, **kwargs: spawn(watch, runner))


def quit_when_idle(hooks=events):
    """Ends the run when all users have been started and all are gone."""
    quit_when(lambda runner: runner.state == "running" and runner.user_count == 0, hooks)
