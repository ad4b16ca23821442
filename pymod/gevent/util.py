"""Small helpers."""

from __future__ import annotations

import functools
import sys
import traceback

__all__ = ["format_run_info", "print_run_info", "wrap_errors"]


class wrap_errors:
    """wrap_errors(errors, func): calls func; errors of those classes are returned, not raised."""

    def __init__(self, errors, func):
        self._errors, self._func = errors, func
        functools.update_wrapper(self, func)

    def __call__(self, *args, **kwargs):
        try:
            return self._func(*args, **kwargs)
        except self._errors as error:
            return error


def format_run_info(thread_stacks=True, greenlet_stacks=True, limit=None, current_thread_ident=None) -> list[str]:
    """Lines about the stacks of the threads that Python knows, green ones among them."""
    lines = []
    for ident, frame in sys._current_frames().items():
        lines.append(f"Thread {ident:#x}")
        lines += "".join(traceback.format_stack(frame, limit)).splitlines()
    return lines


def print_run_info(thread_stacks=True, greenlet_stacks=True, limit=None, file=None) -> None:
    """Prints format_run_info()."""
    print(*format_run_info(thread_stacks, greenlet_stacks, limit), sep="\n", file=file or sys.stderr)
