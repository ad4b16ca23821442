"""What a request may end with, instead of a reply."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import zlib
from urllib.parse import urlparse

from locust._tls_errors import tls_error


class ConnectionError(Exception):
    """A request failed. url says which one; keywords become attributes."""

    def __init__(self, url, *args, **details):
        self.url = url
        self.__dict__.update(details)
        self.kw_text = ", ".join(f"{name}={value}" for name, value in details.items())
        if args and isinstance(args[0], str):
            text = args[0] if len(args) == 1 else f"{args[0]}: {args[1:]}"
        else:
            text = str(args[0]) if len(args) == 1 else ""
        self.text = ", ".join(part for part in (text, self.kw_text) if part)

    def __str__(self):
        return f"URL {self.url}: {self.text}" if self.text else f"URL {self.url}"

    def __repr__(self):
        text = super().__repr__()
        return f"{text[:-1]}, {self.kw_text})" if self.kw_text else text


class RetriesExceeded(ConnectionError):
    """It took too long each time (original: the last time), or there were too many redirects."""


class BadStatusCode(ConnectionError):
    """The status is none of the valid ones. code, response, request."""

    @property
    def http_log(self):
        """Request and reply as text."""
        return self.response.conversation()


class EmptyResponse(ConnectionError):
    """A reply without a body, where one was asked for."""


class UnrewoundBodyError(ConnectionError):
    """A redirect asks for the body once more, and it cannot be read again."""


class UnsupportedRedirectSchemeError(ConnectionError):
    """A redirect leads to something that is not HTTP."""


class HTTPParseError(http.client.HTTPException):
    """What came is not HTTP."""


class HTTPConnectionClosed(HTTPParseError):
    """The server closed the connection instead of replying."""


class HTTPProtocolViolationError(HTTPParseError):
    """Something came that must not come there."""


TRIED_AGAIN = (errno.ETIMEDOUT, errno.ENOLINK, errno.ENOENT, errno.EPIPE)
"""Errors of the system after which a request is tried again; the native code has the same list."""


def make_error(response, url, kind, code, message, max_retries, received):
    """The exception for a failure of the engine, which came after so many bytes."""
    if kind == "resolve":
        return socket.gaierror(code, message)
    if kind in ("connect_timeout", "read_timeout"):
        timeout = TimeoutError("timed out")
        in_body = kind == "read_timeout" and code == 1
        return timeout if in_body else exceeded(url, max_retries, timeout)
    if kind == "closed" or (kind == "reset" and code == errno.ECONNRESET and not received):
        return HTTPConnectionClosed("connection closed.")
    if kind in ("connect", "reset", "broken_body"):
        code = code or errno.ECONNRESET
        error = OSError(code, os.strerror(code))
        again = code in TRIED_AGAIN and kind != "broken_body"
        return exceeded(url, max_retries, error) if again else error
    if kind in ("truncated", "bad_chunk"):
        return HTTPParseError("Incomplete response." if kind == "truncated" else message)
    if kind == "tls":
        return tls_error(message, urlparse(url).hostname)
    if kind == "bad_encoding":
        return zlib.error(f"Error -3 while decompressing data: {message.rpartition(': ')[2]}")
    if kind == "too_many_redirects":
        return RetriesExceeded(url, f"Redirection limit reached ({code})")
    if kind == "bad_redirect":
        scheme = message.partition(":")[0]
        return UnsupportedRedirectSchemeError(
            url, f"refusing to follow redirect to {scheme!r} URL"
        )
    if kind == "too_big":
        if code == 2:
            return ConnectionError(url, message)
        return HTTPParseError("too many header lines" if code else "a header line is too long")
    if kind == "proxy":
        return OSError(code, os.strerror(code)) if code else ConnectionError(url, message)
    if kind == "bad_upload":
        if code:
            return OSError(code, os.strerror(code))
        return ConnectionError(url, message or "the body cannot be read")
    if kind in ("bad_status_line", "bad_header"):
        return HTTPParseError(message.rstrip("\r\n"))
    return ConnectionError(url, message or kind)


def exceeded(url, max_retries, original):
    """What is raised when a request has been tried often enough."""
    return RetriesExceeded(url, max_retries, original=original)
