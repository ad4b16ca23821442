"""Locust, a load testing tool: what a locustfile imports."""

import os

from . import _own

_own.come_first()

if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH"):
    import _locust_coop

    _locust_coop.patch()

from ._needs import import_needs

import_needs()

from ._version import version as __version__
from .contrib.fasthttp import FastHttpUser
from .event import Events
from .shape import LoadTestShape
from .user import wait_time
from .user.markov_taskset import MarkovTaskSet, transition, transitions
from .user.sequential_taskset import SequentialTaskSet
from .user.task import TaskSet, tag, task
from .user.users import HttpUser, User
from .user.wait_time import between, constant, constant_pacing, constant_throughput
from .util.deprecation import DeprecatedHttpLocustClass as HttpLocust
from .util.deprecation import DeprecatedLocustClass as Locust

events = Events()
"""The events of the test that the command line runs."""

from . import (  # noqa: E402, F401
    argument_parser,
    contrib,
    debug,
    dispatch,
    env,
    exception,
    html,
    log,
    runners,
    shape,
    stats,
    user,
    util,
    web,
)
from .debug import run_single_user  # noqa: E402

__all__ = (
    "SequentialTaskSet",
    "MarkovTaskSet",
    "transition",
    "transitions",
    "wait_time",
    "task",
    "tag",
    "TaskSet",
    "HttpUser",
    "FastHttpUser",
    "User",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "LoadTestShape",
    "run_single_user",
    "HttpLocust",
    "Locust",
    "__version__",
)


def __getattr__(name):
    """Names of Locust 0.x."""
    from .legacy.names import old_name

    return old_name(__name__, name)
