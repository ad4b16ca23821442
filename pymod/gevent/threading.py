"""Threads that are green threads."""

from ._same import take_over

take_over(globals(), "threading", "thread")

from _thread import allocate_lock, start_new_thread  # noqa: E402

from _locust import getcurrent  # noqa: E402
