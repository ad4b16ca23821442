"""Events: what happens during a test, and how locustfiles hear of it."""

import functools
import inspect
import logging

from _locust import EventHook

__all__ = ["DeprecatedEventHook", "EventHook", "Events"]


class DeprecatedEventHook(EventHook):
    """An EventHook that warns when somebody listens to it."""

    def __init__(self, message: str):
        super().__init__()
        self.message = message

    def add_listener(self, handler):
        """As EventHook.add_listener(), with the warning."""
        logging.warning(self.message)
        return super().add_listener(handler)


def _measured(measurement, function):
    """The function, each call of which is measured as `measurement` says: what EventHook.measure() decorates."""

    @functools.wraps(function)
    def measured(*args, **kwargs):
        with measurement._again():
            return function(*args, **kwargs)

    return measured


class Events:
    """The events of one Environment; ``locust.events`` is the one of the command line.

    Every attribute that is annotated as EventHook here or in a subclass is made for each instance.
    """

    request: EventHook
    """A request has ended.

    request_type, name: what was requested; response_time: in ms, or None; response_length: in
    bytes; exception: None or what went wrong; context: the user's and the request's. The HTTP
    clients add response, url and start_time (seconds since the epoch).
    """

    user_error: EventHook
    """An exception left a task.

    user_instance: the task set that ran it; exception; tb: its traceback.
    """

    report_to_master: EventHook
    """A worker is about to report.

    client_id: its own; data: the dict that is sent, and may be added to.
    """

    worker_report: EventHook
    """A worker's report has come. client_id: whose; data: the dict that was sent."""

    worker_connect: EventHook
    """A worker has said that it is ready. client_id: which."""

    spawning_complete: EventHook
    """All users of this ramp have been started or stopped. user_count: how many there are."""

    quitting: EventHook
    """The process is about to end. environment."""

    quit: EventHook
    """The process ends after this. exit_code."""

    init: EventHook
    """Everything is set up. environment, runner, web_ui (None without one)."""

    init_command_line_parser: EventHook
    """The command line is about to be parsed. parser: arguments may be added to it."""

    test_start: EventHook
    """A test begins. environment."""

    test_stopping: EventHook
    """A test is about to be stopped; its users still run. environment."""

    test_stop: EventHook
    """A test has been stopped. environment."""

    reset_stats: EventHook
    """The statistics were reset in the web UI."""

    cpu_warning: EventHook
    """This process uses too much CPU to keep time. environment, cpu_usage (percent)."""

    heartbeat_sent: EventHook
    """The master has answered a worker's heartbeat. client_id, timestamp."""

    heartbeat_received: EventHook
    """The master's answer to a heartbeat has come. client_id, timestamp."""

    usage_monitor: EventHook
    """Every so often. environment, cpu_usage (percent), memory_usage (bytes)."""

    def __getattr__(self, name):
        """What Locust 0.x called events; and the class, as ``from locust.events import EventHook``."""
        if name == "EventHook":
            return EventHook
        if not name.startswith("_"):
            from .legacy.events import make_event

            event = make_event(self, name)
            if event is not None:
                setattr(self, name, event)
                return event
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __init__(self):
        for cls in reversed(type(self).__mro__):
            # Older subclasses name the type as a value, not as an annotation.
            for name, value in {**vars(cls), **inspect.get_annotations(cls)}.items():
                if value is EventHook or (isinstance(value, str) and value == "EventHook"):
                    setattr(self, name, EventHook())
