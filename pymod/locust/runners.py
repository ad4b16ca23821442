"""Runners: they start and stop users. The work is done in C; constants and helpers are here.

The constants are read when they are used, so a locustfile may assign them.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, MutableMapping, ValuesView
from typing import TypedDict

from _locust import LocalRunner, Runner

from . import log, stats
from .exception import StopTest
from .rpc import Message, rpc

__all__ = [
    "DistributedRunner",
    "ExceptionDict",
    "LocalRunner",
    "MasterRunner",
    "Message",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
    "locust_exception_handler",
    "rpc",
]

logger = logging.getLogger(__name__)

# --- States and constants.

STATE_INIT = "ready"
STATE_SPAWNING = "spawning"
STATE_RUNNING = "running"
STATE_CLEANUP = "cleanup"
STATE_STOPPING = "stopping"
STATE_STOPPED = "stopped"
STATE_MISSING = "missing"
WORKER_REPORT_INTERVAL = 3.0
WORKER_LOG_REPORT_INTERVAL = 10
CPU_MONITOR_INTERVAL = 10.0
CPU_WARNING_THRESHOLD = 90
HEARTBEAT_INTERVAL = 1
HEARTBEAT_LIVENESS = 3
HEARTBEAT_DEAD_INTERNAL = -60
MASTER_HEARTBEAT_TIMEOUT = 60
FALLBACK_INTERVAL = 5
CONNECT_TIMEOUT = 5
CONNECT_RETRY_COUNT = 60


class ExceptionDict(TypedDict):
    """A value of runner.exceptions: one kind of exception that users have raised."""

    count: int
    msg: str
    traceback: str
    nodes: set[str]


# --- Nodes.


class WorkerNode:
    """A process that runs users, as the dispatcher and a master see it."""

    def __init__(
        self, id: str, state: str = STATE_INIT, heartbeat_liveness: int = HEARTBEAT_LIVENESS
    ):
        self.id = id
        self.state = state
        self.heartbeat = heartbeat_liveness
        self.cpu_usage = 0
        self.cpu_warning_emitted = False
        self.memory_usage = 0
        self.user_classes_count: dict[str, int] = {}

    @property
    def user_count(self) -> int:
        """Users of all classes."""
        return sum(self.user_classes_count.values())


class WorkerNodes(MutableMapping):
    """The workers that a master knows, by id. They may come and go while one iterates."""

    def __init__(self):
        self._worker_nodes: dict[str, WorkerNode] = {}

    def __getitem__(self, id: str) -> WorkerNode:
        return self._worker_nodes[id]

    def __setitem__(self, id: str, node: WorkerNode) -> None:
        self._worker_nodes[id] = node

    def __delitem__(self, id: str) -> None:
        del self._worker_nodes[id]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._worker_nodes))

    def __len__(self) -> int:
        return len(self._worker_nodes)

    def get_by_state(self, state: str) -> list[WorkerNode]:
        """Those in one state."""
        return [node for node in self.values() if node.state == state]

    @property
    def all(self) -> ValuesView[WorkerNode]:
        """All of them."""
        return self.values()

    @property
    def ready(self) -> list[WorkerNode]:
        """Those that run no users."""
        return self.get_by_state(STATE_INIT)

    @property
    def spawning(self) -> list[WorkerNode]:
        """Those that are starting or stopping users."""
        return self.get_by_state(STATE_SPAWNING)

    @property
    def running(self) -> list[WorkerNode]:
        """Those with as many users as they were told to have."""
        return self.get_by_state(STATE_RUNNING)

    @property
    def missing(self) -> list[WorkerNode]:
        """Those that have not been heard of lately."""
        return self.get_by_state(STATE_MISSING)


def _aggregate_dispatched_users(d: dict[str, dict[str, int]]) -> dict[str, int]:
    """Adds up {worker id: {class name: count}} over the workers."""
    total: Counter[str] = Counter()
    for counts in d.values():
        total.update(counts)
    return dict(total)


def _format_user_classes_count_for_log(user_classes_count: dict[str, int]) -> str:
    counts = json.dumps(dict(sorted(user_classes_count.items())))
    return f"{counts} ({sum(user_classes_count.values())} total users)"


# --- Runners of distributed tests.


def _not_built(what: str) -> NotImplementedError:
    return NotImplementedError(
        f"Distributed runs are not built yet, so there is no {what}: run the test in one process "
        "(environment.create_local_runner())"
    )


class DistributedRunner(Runner):
    """What masters and workers share."""

    def __init__(self, environment):
        super().__init__(environment)
        stats.setup_distributed_stats_event_listeners(environment.events, self.stats)


class MasterRunner(DistributedRunner):
    """Has workers run the users, and gathers what they report."""

    def __init__(self, environment, master_bind_host, master_bind_port):
        raise _not_built("MasterRunner")

    @property
    def user_count(self) -> int:
        """How many users the workers have reported."""
        raise _not_built("MasterRunner")

    @property
    def worker_count(self) -> int:
        """How many workers take part."""
        raise _not_built("MasterRunner")

    @property
    def reported_user_classes_count(self) -> dict[str, int]:
        """How many users of each class the workers have reported."""
        raise _not_built("MasterRunner")

    def rebalancing_enabled(self) -> bool:
        """Whether users are spread anew whenever workers come or go."""
        raise _not_built("MasterRunner")

    def get_worker_index(self, client_id: str) -> int:
        """A worker's number; it keeps it as long as the master lives."""
        raise _not_built("MasterRunner")

    def check_stopped(self) -> None:
        """Notices when the last user has been stopped."""
        raise _not_built("MasterRunner")

    def heartbeat_worker(self) -> None:
        """Watches the workers' heartbeats for ever."""
        raise _not_built("MasterRunner")

    def reset_connection(self) -> None:
        """Opens the master's socket anew."""
        raise _not_built("MasterRunner")

    def client_listener(self) -> None:
        """Handles messages of workers for ever."""
        raise _not_built("MasterRunner")

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Handles a worker's message."""
        raise _not_built("MasterRunner")

    def start(self, user_count, spawn_rate, wait=False, user_classes=None) -> None:
        """Changes the number of users on the workers."""
        raise _not_built("MasterRunner")

    def stop(self, send_stop_to_client: bool = True) -> None:
        """Stops the test on all workers."""
        raise _not_built("MasterRunner")

    def quit(self) -> None:
        """Stops the test, and ends all workers."""
        raise _not_built("MasterRunner")

    def send_message(self, msg_type, data=None, client_id=None) -> None:
        """Sends a message to one worker, or to all."""
        raise _not_built("MasterRunner")


class WorkerRunner(DistributedRunner):
    """Runs those users that a master tells it to."""

    def __init__(self, environment, master_host, master_port):
        raise _not_built("WorkerRunner")

    def start(self, user_count, spawn_rate, wait=False, user_classes=None) -> None:
        """A worker starts users when its master says so, and only then."""
        raise NotImplementedError("the master starts a worker's users: use start_worker()")

    def start_worker(self, user_classes_count: dict[str, int], **kwargs) -> None:
        """Has from now on so many users of each class."""
        raise _not_built("WorkerRunner")

    def send_message(self, msg_type, data=None, client_id=None) -> None:
        """Sends a message to the master."""
        raise _not_built("WorkerRunner")

    def _send_stats(self) -> None:
        raise _not_built("WorkerRunner")


# --- What ends one of a runner's green threads.


def _is_headless(environment) -> bool:
    options = environment.parsed_options
    if options is None:
        return environment.web_ui is None
    return bool(getattr(options, "headless", False))


def _report_background_failure(environment, exception: BaseException) -> None:
    """What becomes of an exception that ends one of the runner's green threads."""
    if isinstance(exception, StopTest):
        logger.error(exception)
        logger.warning("Stopping Locust...")
        if environment.runner is not None:
            if _is_headless(environment):
                environment.runner.quit()
            else:
                environment.runner.stop()
    elif isinstance(exception, SystemExit):
        logger.info("sys.exit(%s) called (use log level DEBUG for callstack)", exception.code)
        logger.debug("sys.exit() was called here:", exc_info=exception)
        log.unhandled_greenlet_exception = True
        raise exception
    elif isinstance(exception, KeyboardInterrupt):
        raise exception
    else:
        logger.critical("Unhandled exception in greenlet: %s", exception, exc_info=exception)
        log.unhandled_greenlet_exception = True


def locust_exception_handler(environment):
    """A callback for Greenlet.link_exception(): StopTest stops the test, the rest is logged."""

    def handle(greenlet):
        try:
            _report_background_failure(environment, greenlet.exception)
        except SystemExit:
            # The hub has passed it on to the main green thread already.
            return

    return handle


def __getattr__(name):
    """Names of Locust 0.x."""
    from .legacy.names import old_name

    return old_name(__name__, name)
