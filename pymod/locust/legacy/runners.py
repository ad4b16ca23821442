"""``locust.runners.locust_runner``: the runner of the program, for which there was no environment."""

import weakref

from . import warn_once

ATTRIBUTES = {
    "hatch_rate": "spawn_rate",
    "locust_classes": "user_classes",
    "locusts": "user_greenlets",
    "num_clients": "target_user_count",
    "slave_count": "worker_count",
    "start_hatching": "start",
}

_listening: "weakref.WeakSet" = weakref.WeakSet()
_environment = None


def remember_environment(events) -> None:
    """Has these events tell which environment is the program's."""
    if events not in _listening:
        _listening.add(events)
        events.init.add_listener(_remember)


def _remember(environment, **_kwargs):
    global _environment
    _environment = environment


def locust_runner():
    """The program's runner, or None before there is one."""
    warn_once("runners.locust_runner", "environment.runner (what listens to events.init gets the environment)")
    runner = getattr(_environment, "runner", None)
    return runner if runner is None else OldRunner(runner)


def global_stats():
    """The program's statistics, or None before there are any."""
    warn_once("stats.global_stats", "environment.stats (what listens to events.init gets the environment)")
    return getattr(_environment, "stats", None)


class OldRunner:
    """A runner that also has the attributes of Locust 0.x."""

    def __init__(self, runner):
        object.__setattr__(self, "_runner", runner)

    @property
    def __class__(self):
        return type(self._runner)

    @property
    def host(self):
        """What is tested."""
        return self._runner.environment.host

    @property
    def options(self):
        """The options of the command line."""
        return self._runner.environment.parsed_options

    @property
    def request_stats(self):
        """The statistics, by name and method."""
        return self._runner.stats.entries

    @property
    def num_requests(self):
        """How many requests there have been."""
        return self._runner.stats.num_requests

    def __getattr__(self, name):
        return getattr(self._runner, ATTRIBUTES.get(name, name))

    def __setattr__(self, name, value):
        setattr(self._runner, ATTRIBUTES.get(name, name), value)
