"""What Locust has and this version does not have yet: it is refused when it is asked for.

The options are there, with their checks: a locustfile finds in environment.parsed_options what it
expects. What would start something that is not there ends the program and says so, so that nobody
is left to find out that nothing came of it.
"""

from __future__ import annotations


def missing_text(what: str) -> str:
    """What is said about anything that is not there yet."""
    why = "this version runs one process, headless (see docs/differences.md)"
    return f"{what} is not there yet: {why}"


def missing_part(options) -> str | None:
    """The option that would start something that is not there yet."""
    for name in ("processes", "master", "worker"):
        if getattr(options, name):
            return f"--{name}"
    return None
