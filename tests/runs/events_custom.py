"""Hooks of the file's own, and listeners that come and go."""

# script

import logging

from traced import trace

import locust
from locust.event import DeprecatedEventHook, EventHook, Events
from locust.exception import RescheduleTask, StopUser

logging.disable(logging.CRITICAL)
hook = EventHook()


def listener(name, raises=None):
    def listen(**kwargs):
        trace("run", name, sorted(kwargs.items()))
        if raises:
            raise raises()

    return listen


def fire(**kwargs):
    try:
        trace("run", "returns", hook.fire(**kwargs))
    except BaseException as e:
        trace("run", "raises", type(e).__name__)


first = hook.add_listener(listener("first"))
second = hook.add_listener(listener("second"))
hook.add_listener(first)
fire(a=1)
fire(b=2, reverse=True)
hook.remove_listener(first)
fire()
try:
    hook.remove_listener(listener("unknown"))
except ValueError:
    trace("run", "ValueError")

broken = hook.add_listener(listener("broken", KeyError))
hook.add_listener(listener("after broken"))
locust.log.unhandled_greenlet_exception = False
fire(c=3)
trace("run", locust.log.unhandled_greenlet_exception, len(hook._handlers))
stops = hook.add_listener(listener("stops", StopUser))
hook.add_listener(listener("after stops"))
fire(d=4)
fire(d=4, reverse=True)
hook.remove_listener(stops)
hook.add_listener(listener("exits", SystemExit))
hook.add_listener(listener("after exits"))
fire()


hook = EventHook()


@hook.add_listener
def grows(**kwargs):
    trace("run", "grows", len(hook._handlers))
    if len(hook._handlers) < 3:
        hook.add_listener(listener("grown"))
    else:
        hook.remove_listener(grows)


fire()
fire()
fire()

hook = EventHook()
hook.add_listener(lambda x: trace("run", "only x", x))
fire(x=1)
fire(y=1)
trace("run", locust.log.unhandled_greenlet_exception)
fire(x=RescheduleTask)


class More(Events):
    legacy = "EventHook"
    not_a_hook = 3


more, other = More(), Events()
more.late = EventHook()
trace("run", type(more.legacy).__name__, more.not_a_hook, more.legacy is More().legacy)
trace("run", sorted(name for name in vars(more) if name not in vars(other)), list(vars(other)))
trace("run", more.request is locust.events.request, isinstance(locust.events, Events))
deprecated = DeprecatedEventHook("use something else")
deprecated.add_listener(listener("deprecated"))
deprecated.fire(e=5)
with hook.measure("X", "measured") as request:
    trace("run", sorted(request))
