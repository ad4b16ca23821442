"""Runners: they start and stop users. The work is done in C; constants and helpers are here.

The constants are read when they are used, so a locustfile may assign them.
"""

import json
import logging

from _locust import LocalRunner, Runner

from . import log
from .exception import StopTest
from .rpc.protocol import Message

__all__ = ["LocalRunner", "Message", "Runner", "WorkerNode"]

logger = logging.getLogger(__name__)

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


def _format_user_classes_count_for_log(user_classes_count: dict[str, int]) -> str:
    counts = json.dumps(dict(sorted(user_classes_count.items())))
    return f"{counts} ({sum(user_classes_count.values())} total users)"


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
