"""A span for each request of HttpUser.

Its requests do not pass through requests' own code, so that OpenTelemetry's instrumentation of
requests does not see them. What it would record is recorded here: a client span named "METHOD name"
or "METHOD path", the attributes of the semantic conventions, the status, and the headers that carry
the trace to the server.
"""

import functools
import os
import time
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.structures import CaseInsensitiveDict

from .clients import HttpSession

REFUSED = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
)
"""Raised before anything is sent."""


def record(tracer) -> None:
    """Makes HttpSession record its requests with a tracer."""
    HttpSession.request = _recording(HttpSession.request, tracer)


def name_span(span, request) -> None:
    """Names the span of a request that requests itself sends."""
    span.update_name(_name(request.method, getattr(request, "_explicit_name", None), request.url))


def _name(method: str, name: "str | None", url: str) -> str:
    return f"{method.upper()} {name or urlsplit(url).path or '/'}"


def _conventions() -> tuple[bool, bool]:
    """Whether attributes get the names of the old and of the stable conventions."""
    wanted = {
        part.strip() for part in os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").split(",")
    }
    return "http" not in wanted or "http/dup" in wanted, bool(wanted & {"http", "http/dup"})


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="REDACTED:REDACTED@" + parts.netloc.rpartition("@")[2]))


def _describe_request(span, method: str, url: str) -> None:
    old, stable = _conventions()
    if old:
        span.set_attributes({"http.method": method, "http.url": url})
    if stable:
        parts = urlsplit(url)
        span.set_attributes({"http.request.method": method, "url.full": url})
        if parts.hostname:
            span.set_attributes(
                {"server.address": parts.hostname, "network.peer.address": parts.hostname}
            )
        if parts.port:
            span.set_attributes({"server.port": parts.port, "network.peer.port": parts.port})


def _describe_reply(span, response) -> None:
    from opentelemetry.trace import Status, StatusCode

    old, stable = _conventions()
    status, error = response.status_code, response.error
    if error is not None:
        _describe_failure(span, error)
    if not status:
        return
    if old:
        span.set_attribute("http.status_code", status)
    if stable:
        span.set_attribute("http.response.status_code", status)
    if status >= 400:
        span.set_status(Status(StatusCode.ERROR))
        if stable:
            span.set_attribute("error.type", str(status))


def _describe_failure(span, error: BaseException) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
    if _conventions()[1]:
        span.set_attribute("error.type", type(error).__qualname__)


def _recording(request, tracer):
    """HttpSession.request with a span around each call."""
    from opentelemetry import propagate, trace

    @functools.wraps(request)
    def recorded(self, method, url, name=None, *args, headers=None, **kwargs):
        span = tracer.start_span(str(method).upper(), kind=trace.SpanKind.CLIENT)
        headers = dict(headers or {})
        if agent := CaseInsensitiveDict(headers).get("User-Agent", self.headers.get("User-Agent")):
            span.set_attribute("user_agent.original", agent)
        propagate.inject(headers, trace.set_span_in_context(span))
        begin = time.time_ns()
        try:
            with _not_twice():
                response = request(self, method, url, name, *args, headers=headers, **kwargs)
        except REFUSED:
            raise  # nothing was sent: the span is dropped
        except BaseException as e:
            span.update_name(_name(method, name or self.request_name, str(url)))
            _describe_request(span, method.upper(), _without_credentials(str(url)))
            _describe_failure(span, e)
            span.end()
            raise
        meta = response.request_meta
        full_url = str(meta["url"])
        span.update_name(_name(method, name or self.request_name, full_url))
        _describe_request(span, method.upper(), _without_credentials(full_url))
        _describe_reply(span, response)
        span.end(begin + int(meta["response_time"] * 1e6))
        return response

    return recorded


def _not_twice():
    """While it lasts, the instrumentation of requests and urllib3 records nothing."""
    try:
        from opentelemetry.instrumentation.utils import suppress_http_instrumentation
    except ImportError:
        import contextlib

        return contextlib.nullcontext()
    return suppress_http_instrumentation()
