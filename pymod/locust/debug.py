"""Running one user, with every request printed: for debuggers, and for looking at a locustfile."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import locust
from locust import argument_parser, log
from locust.env import Environment
from locust.exception import CatchResponseError

if TYPE_CHECKING:
    from locust.user import User

__all__ = ["PrintListener", "run_single_user"]

_LONGEST_ERROR = 500

_env: Environment | None = None
"""The environment of run_single_user(); it stays for later calls."""


def _print_t(s) -> None:
    """Prints something and a tab."""
    print(s, end="\t")


def _error_text(exception) -> str:
    if isinstance(exception, CatchResponseError):
        text = str(exception)
    else:
        try:
            text = repr(exception)
        except Exception:
            text = f"{type(exception)} (and it has no string representation)"
    return text[:_LONGEST_ERROR].replace("\n", " ")


def _payload(response):
    """What a request sent: of FastHttpUser's, or requests', or of what has no such thing."""
    request = getattr(response, "_request", None)
    if request is not None:
        return request.payload
    body = getattr(getattr(response, "request", None), "body", None)
    return body.decode(errors="backslashreplace") if isinstance(body, bytes) else body or ""


class PrintListener:
    """Prints a line for every request, of columns with tabs between them."""

    def __init__(
        self,
        env: Environment,
        include_length: bool = False,
        include_time: bool = False,
        include_context: bool = False,
        include_payload: bool = False,
    ):
        env.events.request.add_listener(self.on_request)
        self.include_length = "length\t" if include_length else ""
        self.include_time = f"{'time':24}\t" if include_time else ""
        self.include_context = "context\t" if include_context else ""
        self.include_payload = "payload\t" if include_payload else ""
        print(
            f"\n{self.include_time}type\t{'name':50}\tresp_ms\t{self.include_length}exception\t"
            f"{self.include_context}\t{self.include_payload}"
        )

    def on_request(
        self,
        request_type,
        name,
        response_time,
        response_length,
        exception,
        context,
        start_time=None,
        response=None,
        **_kwargs,
    ) -> None:
        """Prints what the request event says."""
        if self.include_time:
            _print_t(datetime.fromtimestamp(start_time, timezone.utc) if start_time else datetime.now())
        _print_t(request_type)
        _print_t(str(name or "").ljust(50))
        _print_t(f"{-1 if response_time is None else round(response_time):<7}")
        if self.include_length:
            _print_t(response_length)
        _print_t(f"{_error_text(exception) if exception else '':9}")
        if self.include_context:
            _print_t(context or "")
        if self.include_payload:
            _print_t(_payload(response))
        print()


def _make_environment(locustfile: str, **columns: bool) -> Environment:
    options = argument_parser.get_parser().parse_args()
    options.locustfile = locustfile
    env = Environment(
        events=locust.events, locustfile=locustfile, host=options.host, parsed_options=options
    )
    PrintListener(env, **columns)
    return env


def run_single_user(
    user_class: type[User],
    include_length: bool = False,
    include_time: bool = False,
    include_context: bool = False,
    include_payload: bool = False,
    loglevel: str | None = "WARNING",
) -> None:
    """Runs one user in the caller's own green thread until it stops, and prints every request.

    The events init (the first time) and test_start are fired, test_stop and quit are not. There is
    no runner. The arguments add columns; loglevel None leaves logging as it is.
    """
    global _env
    if loglevel:
        log.setup_logging(loglevel)
    if _env is None:
        caller = sys._getframe(1).f_code.co_filename
        _env = _make_environment(
            os.path.basename(caller),
            include_length=include_length,
            include_time=include_time,
            include_context=include_context,
            include_payload=include_payload,
        )
        _env.events.init.fire(environment=_env, runner=None, web_ui=None)
        if log.unhandled_greenlet_exception:
            # The failure has been logged. Nothing that the locustfile has begun may keep us.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
    _env.user_classes = [user_class]
    _env._filter_tasks_by_tags()
    _env.events.test_start.fire(environment=_env)
    if _env.host:
        user_class.host = _env.host
    user = user_class(_env)
    _env.single_user_instance = user
    user.run()
