"""The events of Locust 0.x, and ``events.x += listener``.

An old event hears of a modern one while it has listeners, and hands on what the old one had as
keyword arguments. Firing it fires the modern one, so that requests which a custom client reports in
the old way are counted, and reach listeners of both kinds.
"""

import inspect

from _locust import EventHook

from . import warn_once


class OldListener:
    """A function that is called with those keyword arguments that it takes."""

    def __init__(self, function):
        self.function = function
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            parameters = [inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)]
        self.takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}

    def __call__(self, **kwargs):
        if not self.takes_all:
            kwargs = {name: value for name, value in kwargs.items() if name in self.names}
        return self.function(**kwargs)

    def __eq__(self, other):
        return other is self or other == self.function

    def __hash__(self):
        return hash(self.function)


class OldRequestListener(OldListener):
    """The same for requests: without what is modern, unless it names it."""

    modern = frozenset({"context", "exception", "response", "start_time", "url"})

    def __call__(self, **kwargs):
        kwargs = {n: v for n, v in kwargs.items() if n not in self.modern or n in self.names}
        return super().__call__(**kwargs)


class OldFailureListener(OldRequestListener):
    """The same for failures, which had no length before Locust 0.14."""

    modern = OldRequestListener.modern - {"exception"} | {"response_length"}


# --- The events.


class OldEvent(EventHook):
    """An event of Locust 0.x, made of the modern one of the same Events."""

    listener_class = OldListener

    def __init__(self, events, name: str, modern_name: str, renamed: dict[str, str] | None = None):
        super().__init__()
        self.name, self.modern_name = name, modern_name
        self.renamed = renamed or {}
        self._events = events
        self._listens = False

    @property
    def modern(self) -> EventHook:
        """The event that is fired."""
        return getattr(self._events, self.modern_name)

    def warn(self) -> None:
        """Says what to use instead."""
        warn_once(f"events.{self.name}", f"events.{self.modern_name}")

    def add_listener(self, handler):
        """Calls handler(**kwargs) with the old keyword arguments whenever it happens."""
        self.warn()
        super().add_listener(self.listener_class(handler))
        if not self._listens:
            self._listens = True
            self.modern.add_listener(self.hear)
        return handler

    def fire(self, *, reverse=False, **kwargs):
        """Fires the modern event."""
        self.warn()
        self.modern.fire(reverse=reverse, **{self.renamed.get(n, n): v for n, v in kwargs.items()})

    def hear(self, **kwargs):
        """The modern event has happened."""
        old = {new: old for old, new in self.renamed.items()}
        self.tell({old.get(name, name): value for name, value in kwargs.items()})

    def tell(self, kwargs: dict) -> None:
        """Calls the listeners."""
        super().fire(**kwargs)


class OldRequestEvent(OldEvent):
    """request_success or request_failure."""

    def __init__(self, events, name: str):
        super().__init__(events, name, "request")
        self.failed = name == "request_failure"
        self.listener_class = OldFailureListener if self.failed else OldRequestListener

    def fire(self, *, reverse=False, **kwargs):
        """Reports a request."""
        modern = {"response_length": 0, "exception": None, "context": {}, **kwargs}
        super().fire(reverse=reverse, **modern)

    def hear(self, **kwargs):
        if bool(kwargs.get("exception")) == self.failed:
            self.tell(kwargs)


class OldSignal(OldEvent):
    """An event without keyword arguments, of the master or of all others."""

    def __init__(self, events, name: str, modern_name: str):
        super().__init__(events, name, modern_name)
        self.of_master = name.startswith("master_")

    def fire(self, *, reverse=False, **kwargs):
        """Calls the listeners alone: nothing has been started or stopped."""
        self.warn()
        EventHook.fire(self, reverse=reverse, **kwargs)

    def hear(self, environment=None, **kwargs):
        runner = type(getattr(environment, "runner", None))
        is_master = any(cls.__name__ == "MasterRunner" for cls in runner.__mro__)
        if is_master == self.of_master:
            self.tell({})


_MAKERS = {
    "request_success": OldRequestEvent,
    "request_failure": OldRequestEvent,
    "locust_error": lambda events, name: OldEvent(
        events, name, "user_error", {"locust_instance": "user_instance"}
    ),
    "hatch_complete": lambda events, name: OldEvent(events, name, "spawning_complete"),
    "slave_report": lambda events, name: OldEvent(events, name, "worker_report"),
    "locust_start_hatching": lambda events, name: OldSignal(events, name, "test_start"),
    "locust_stop_hatching": lambda events, name: OldSignal(events, name, "test_stop"),
    "master_start_hatching": lambda events, name: OldSignal(events, name, "test_start"),
    "master_stop_hatching": lambda events, name: OldSignal(events, name, "test_stop"),
}


def make_event(events, name: str) -> EventHook | None:
    """The old event of that name, or None if there was none."""
    maker = _MAKERS.get(name)
    return maker(events, name) if maker is not None else None


# --- events.x += listener


def add_listener(hook: EventHook, handler) -> None:
    """What += does. The function gets those keyword arguments that it takes: there were fewer."""
    warn_once("events.<event> += function", "events.<event>.add_listener(function)")
    hook.add_listener(handler if isinstance(hook, OldEvent) else OldListener(handler))


def remove_listener(hook: EventHook, handler) -> None:
    """What -= does."""
    warn_once("events.<event> -= function", "events.<event>.remove_listener(function)")
    hook.remove_listener(handler)
