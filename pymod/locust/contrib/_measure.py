"""What the users of this package share: calls that are timed and reported as requests."""

from __future__ import annotations

import time
from typing import Any


class Stopwatch:
    """Milliseconds since it was made."""

    def __init__(self):
        self.started = time.perf_counter()

    def milliseconds(self) -> float:
        """So many are over."""
        return (time.perf_counter() - self.started) * 1000


def result_of(call, *args, is_empty=None, **kwargs) -> dict[str, Any]:
    """Calls it; a dictionary that says how it went.

    success, response_time; result, or exception. With is_empty(result): empty, too, and what is
    empty is no success.
    """
    watch = Stopwatch()
    try:
        result = call(*args, **kwargs)
    except Exception as e:
        return {"success": False, "response_time": watch.milliseconds(), "exception": e}
    outcome = {"success": True, "response_time": watch.milliseconds(), "result": result}
    if is_empty is not None:
        outcome["empty"] = is_empty(result)
        outcome["success"] = not outcome["empty"]
    return outcome


def report(request_event, request_type: str, name: str, outcome: dict[str, Any]) -> None:
    """Fires the event for what result_of() has returned."""
    request_event.fire(
        request_type=request_type,
        name=name,
        response_time=int(outcome["response_time"]),
        response_length=0,
        exception=outcome.get("exception"),
    )
