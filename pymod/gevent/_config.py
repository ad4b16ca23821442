"""Settings that programs read or set. Only those of the thread pool have an effect."""

from __future__ import annotations


class Config:
    """gevent's names, with what is true here."""

    loop = "native"
    resolver = "thread"
    threadpool = "gevent.threadpool.ThreadPool"
    threadpool_size = 10
    threadpool_idle_task_timeout = -1
    fileobject = "gevent.fileobject.FileObjectThread"
    libev_backend = None
    disable_watch_children = False
    monitor_thread = False
    max_blocking_time = 1.0
    memory_monitor_period = 5
    max_memory_usage = None
    print_blocking_reports = True
    track_greenlet_tree = False
    trace_malloc = False
    format_context = None
    settings: dict = {}


config = Config()
