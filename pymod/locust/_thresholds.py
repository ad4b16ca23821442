"""Pass or fail: thresholds, as --threshold and environment.thresholds give them.

A threshold is a text such as "p95<200" or "GET /login:fail_ratio<1%" (src/report/threshold.h has
the grammar). They are read, and compared with the statistics, in C.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import _locust

from ._output import plain
from .runners import STATE_STOPPED, STATE_STOPPING

CHECK_INTERVAL_SEC = 1
CHECKS_TO_ABORT = 3
"""How often in a row a threshold must be exceeded to end a test: its first requests may be slow."""

logger = logging.getLogger("locust.main")


class Check(NamedTuple):
    """How a threshold stands."""

    threshold: str
    kept: bool
    exceeded: bool
    """The value is above what is allowed. One that is below, such as a count, may still come up."""

    measured: str


def threshold(text: str) -> str:
    """The type of --threshold."""
    try:
        _locust.threshold_syntax(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e))
    return text


def malformed(environment: Any) -> str | None:
    """What is wrong with environment.thresholds, if anything is."""
    try:
        for text in environment.thresholds:
            _locust.threshold_syntax(text)
    except (TypeError, ValueError) as e:
        return str(e)
    return None


def check(environment: Any) -> list[Check]:
    """How all thresholds stand. One that a locustfile has made malformed meanwhile is not kept."""
    checks = []
    for text in environment.thresholds or ():
        try:
            checks.append(Check(*_locust.check_threshold(environment.stats, text)))
        except (TypeError, ValueError) as e:
            checks.append(Check(plain(text), False, False, plain(e)))
    return checks


def are_kept(environment: Any) -> bool:
    """Whether all thresholds are kept; true if there are none."""
    return all(result.kept for result in check(environment))


def abort_when_exceeded(environment: Any, end: Callable[[], None]) -> None:
    """Calls end() when a threshold is exceeded in several checks in a row; spawn it. Returns when the test ends."""
    exceeded: dict[str, int] = {}
    while True:
        _locust.sleep(CHECK_INTERVAL_SEC)
        if environment.runner.state in (STATE_STOPPING, STATE_STOPPED):
            return
        broken = [result for result in check(environment) if result.exceeded]
        now = {result.threshold: result.measured for result in broken}
        exceeded = {text: exceeded.get(text, 0) + 1 for text in now}
        for text, times in exceeded.items():
            if times >= CHECKS_TO_ABORT:
                logger.error(
                    "Threshold exceeded: %s (measured: %s), shutting down", text, now[text]
                )
                end()
                return
