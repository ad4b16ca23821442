"""FastHttpUser and its client, which is that of geventhttpclient over the native engine."""

from __future__ import annotations

import re
import socket
import ssl
import zlib
from contextlib import contextmanager
from urllib.parse import unquote, urlparse, urlunparse

import _locust

from locust._fast.agent import HTTPClientPool, UserAgent
from locust._fast.agent import insecure_context as insecure_ssl_context_factory
from locust._fast.errors import (
    BadStatusCode,
    ConnectionError,
    HTTPConnectionClosed,
    HTTPParseError,
    exceeded,
)
from locust._fast.headers import Headers
from locust._fast.native import basic_auth, install
from locust._fast.replies import BodyStream, CompatRequest, CompatResponse
from locust.exception import StopTest
from locust.user import User
from locust.user.rest import RestMixin

__all__ = [
    "FAILURE_EXCEPTIONS",
    "CompatRequest",
    "CompatResponse",
    "ConnectionError",
    "ErrorResponse",
    "FastHttpLocust",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "HTTPClientPool",
    "HTTPConnectionClosed",
    "HTTPParseError",
    "Headers",
    "LocustBadStatusCode",
    "LocustUserAgent",
    "ResponseContextManager",
    "RestResponseContextManager",
    "UserAgent",
    "absolute_http_url_regexp",
    "insecure_ssl_context_factory",
]

absolute_http_url_regexp = re.compile(r"^https?://", re.I)

FAILURE_EXCEPTIONS = (
    ConnectionError,
    ConnectionRefusedError,
    ConnectionResetError,
    socket.error,
    ssl.SSLError,
    _locust.Timeout,
    HTTPConnectionClosed,
    HTTPParseError,
    zlib.error,
)
"""What a request may end with that counts as its failure; everything else reaches the task."""


class FastRequest(CompatRequest):
    """A request that was sent: url, method, headers, payload."""

    @property
    def body(self):
        """The payload."""
        return self.payload


class FastResponse(CompatResponse):
    """A reply."""

    request_type = FastRequest

    def iter_content(self, chunk_size=1024, decode_content=True):
        """Yields the body as it arrives: UTF-8 as str, unless decode_content is False."""
        chunks = _chunks(self.stream, chunk_size)
        yield from _decoded(chunks) if decode_content else chunks


def _chunks(stream: BodyStream, size: int):
    while chunk := stream.read_piece(size):
        yield chunk


def _decoded(chunks):
    """UTF-8 as str, what is none as bytes. A character in two chunks comes with the second."""
    rest = b""
    for chunk in chunks:
        chunk, rest = rest + chunk, b""
        try:
            yield chunk.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data" or not error.start:
                yield chunk
            else:
                rest = chunk[error.start :]
                yield chunk[: error.start].decode()
    if rest:
        yield rest


class ErrorResponse(FastResponse):
    """Stands for the reply of a request that has none: status_code 0, and error says why."""

    def __init__(self, request, error):
        self.request = request
        self.error = error


class LocustBadStatusCode(BadStatusCode):
    """The status is none of those that count as success."""

    def __repr__(self):
        return f"{type(self).__name__}({self.kw_text})"


class LocustUserAgent(UserAgent):
    """The user agent of a FastHttpSession."""

    response_type = FastResponse
    request_type = FastRequest
    valid_response_codes = frozenset([*range(200, 209), 226, 301, 302, 303, 304, 307, 308])


class ResponseContextManager(FastResponse):
    """A reply to a request with catch_response=True, whose block decides on success."""

    def __init__(self, response, request_event, request_meta, catch_response):
        self._stand_for(response, request_event, request_meta, catch_response)


class RestResponseContextManager(ResponseContextManager):
    """What rest() gives: js is the parsed body."""

    js: dict
    error: Exception
    headers: Headers


class FastHttpSession(_locust.FastSessionBase):
    """A client that reports every request.

    URLs may be relative to base_url; name= is for the statistics; with catch_response=True a block
    decides whether a request has succeeded. Settings go to the LocustUserAgent, which is the
    attribute client.
    """

    def __init__(
        self,
        base_url,
        request_event,
        user,
        insecure=True,
        client_pool=None,
        ssl_context_factory=None,
        **kwargs,
    ):
        auth_header = None
        if base_url:
            parts = urlparse(base_url)
            if parts.username and parts.password:
                base_url = urlunparse(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
                auth_header = basic_auth((unquote(parts.username), unquote(parts.password)))
        if base_url and base_url.lower().startswith("http+unix://"):
            # All requests go to a unix socket; what URLs say is localhost.
            path, slash, rest = base_url[len("http+unix://") :].partition("/")
            base_url = "http://localhost" + slash + rest
            kwargs["unix_socket"] = unquote(path)
        if ssl_context_factory is None:
            ssl_context_factory = (
                insecure_ssl_context_factory if insecure else ssl.create_default_context
            )
        client = LocustUserAgent(
            cookiejar=(),
            insecure=insecure,
            ssl_context_factory=ssl_context_factory,
            client_pool=client_pool,
            **kwargs,
        )
        super().__init__(base_url, request_event, user, client)
        self.auth_header = auth_header

    def _build_url(self, path):
        return path if absolute_http_url_regexp.match(path) else f"{self.base_url}{path}"

    @contextmanager
    def rename_request(self, name: str):
        """Within the block, requests that say no name are called so."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def iter_lines(self, url, method="GET", **kwargs):
        """Sends a request and yields the lines of the reply as they arrive, without their ends."""
        response = self.request(method, url, stream=True, **kwargs)
        response.raise_for_status()
        rest = ""
        for chunk in response.iter_content(chunk_size=1024):
            rest += chunk if isinstance(chunk, str) else chunk.decode(errors="replace")
            *lines, rest = rest.split("\n")
            yield from lines
        if rest:
            yield rest


class FastHttpUser(RestMixin, User):
    """A user with a FastHttpSession.

    The settings below go to the session when the user is made; changing them later has no effect.
    """

    abstract = True

    network_timeout: float = 60.0
    """Seconds that the server may be silent."""

    connection_timeout: float = 60.0
    """Seconds that a connection may take."""

    max_redirects: int = 30
    """How many redirects one request may follow; with 0, a redirect is a failure."""

    max_retries: int = 0
    """How often a request that took too long is tried again."""

    insecure: bool = True
    """Whether certificates are not checked."""

    default_headers: "dict | None" = None
    """Headers of every request."""

    concurrency: int = 10
    """How many requests of one user can be under way to the same host; others wait."""

    proxy_host: "str | None" = None
    proxy_port: "int | None" = None
    """A proxy: both or neither."""

    client_pool: "HTTPClientPool | None" = None
    """Connections that all users of the class share; by default each has its own."""

    ssl_context_factory = None
    """Makes an ssl.SSLContext that says whom to trust and who we are."""

    http_version: "str | None" = None
    """"1.0", "1.1" or "2"; without it what --http-version says, or "1.1"."""

    report_timings = False
    """Whether responses and request events have `timings`: where the time of each request went."""

    def __init__(self, environment):
        super().__init__(environment)
        if self.host is None:
            raise StopTest(
                f"You must specify the base host. Give {type(self).__name__} a host, "
                "or name one with --host on the command line."
            )
        options = getattr(self.environment, "parsed_options", None)
        version = self.http_version or getattr(options, "http_version", None)
        self.client = FastHttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            network_timeout=self.network_timeout,
            connection_timeout=self.connection_timeout,
            max_redirects=self.max_redirects,
            max_retries=self.max_retries,
            insecure=self.insecure,
            concurrency=self.concurrency,
            client_pool=self.client_pool,
            ssl_context_factory=self.ssl_context_factory,
            headers=self.default_headers,
            proxy_host=self.proxy_host,
            proxy_port=self.proxy_port,
            **({"http_version": version} if version is not None else {}),
        )
        self.client.report_timings = self.report_timings


def _caught(error, url, max_retries):
    """The failure that something thrown into a call counts as; or raises it again."""
    if isinstance(error, (_locust.Timeout, TimeoutError)):
        return exceeded(url, max_retries, error)
    if isinstance(error, FAILURE_EXCEPTIONS):
        return error
    raise error


def _bad_status(response, url, status):
    error = LocustBadStatusCode(url, code=status)
    error.response = response
    return error


install(
    response_class=FastResponse,
    error_class=ErrorResponse,
    context_class=ResponseContextManager,
    valid_codes=LocustUserAgent.valid_response_codes,
    redirect_codes=LocustUserAgent.redirect_response_codes,
    caught=_caught,
    bad_status=_bad_status,
)

# Made of what is above.
from locust.legacy.users import FastHttpLocust  # noqa: E402
