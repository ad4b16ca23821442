"""How the engine's failures look in Python: as http.client, urllib3 and requests raise them."""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import socket
import ssl
import zlib
from urllib.parse import urlparse

import requests
import urllib3
import urllib3.connection
import urllib3.exceptions
from requests.exceptions import InvalidSchema

from locust._tls_errors import tls_error

ABSOLUTE_URL = re.compile(r"^https?://", re.I)

if issubclass(requests.exceptions.JSONDecodeError, json.JSONDecodeError):
    JSONDecodeError = requests.exceptions.JSONDecodeError
else:  # requests has taken simplejson's, which the standard library's name does not catch

    class JSONDecodeError(requests.exceptions.JSONDecodeError, json.JSONDecodeError):
        """What a body raises that is no JSON: caught by requests', json's and simplejson's name for it."""


def unwrap(error):
    """What Locust's statistics call a failure: the cause behind the wrapping."""
    outer = (
        requests.exceptions.ConnectionError,
        urllib3.exceptions.ProtocolError,
        urllib3.exceptions.MaxRetryError,
        urllib3.exceptions.NewConnectionError,
    )
    while isinstance(error, outer) and error.__context__ is not None:
        error = error.__context__
    return error


def _caused(outer, inner):
    """An exception raised while another one was handled, as requests' come."""
    outer.__context__ = inner
    return outer


class PoolName(str):
    """What urllib3 begins its errors with, where there is no pool."""

    def _put_conn(self, conn):
        """There is no connection to be given back."""


def _connection(url):
    """A connection of urllib3 that was never made, for the errors that name one."""
    parts = urlparse(url)
    kind = urllib3.connection.HTTPSConnection if parts.scheme == "https" else urllib3.connection.HTTPConnection
    return kind(parts.hostname, parts.port)


def _gave_up(kind, request, url, reason):
    """An error of requests around urllib3's for a connection that did not come about."""
    path = request.path_url if request is not None else url
    inner = _caused(urllib3.exceptions.MaxRetryError(PoolName(pool_name(url)), path, reason), reason)
    return _caused(kind(inner, request=request), inner)


def aborted(request, cause):
    """An error of requests for a request that broke off."""
    inner = _caused(urllib3.exceptions.ProtocolError("Connection aborted.", cause), cause)
    return _caused(requests.exceptions.ConnectionError(inner, request=request), inner)


def new_connection_error(conn, cause):
    """urllib3's error for a connection that was refused."""
    return urllib3.exceptions.NewConnectionError(conn, f"Failed to establish a new connection: {cause}")


def resolution_error(conn, host, cause):
    """urllib3's error for a name that is unknown."""
    if hasattr(urllib3.exceptions, "NameResolutionError"):
        return urllib3.exceptions.NameResolutionError(host, conn, cause)
    return new_connection_error(conn, cause)


def pool_name(url):
    """How urllib3 names the pool that a URL belongs to."""
    parts = urlparse(url)
    secure = parts.scheme == "https"
    return (
        f"HTTP{'S' if secure else ''}ConnectionPool(host={parts.hostname!r}, "
        f"port={parts.port or (443 if secure else 80)})"
    )


def os_error(code):
    """The OSError of an errno."""
    return OSError(code, os.strerror(code))


def head_error(kind, code, message):
    """What http.client raises instead of a reply without a whole header; None if it is none of its errors."""
    if kind == "reset":
        return os_error(code)
    if kind == "closed":
        return http.client.RemoteDisconnected("Remote end closed connection without response")
    if kind == "bad_status_line":
        return http.client.BadStatusLine(message or "")
    if kind == "too_big" and code != 2:
        return (
            http.client.HTTPException("got more than 100 headers") if code else http.client.LineTooLong("header line")
        )
    return None


def body_error(kind, code, message, received):
    """What reading a body raises below urllib3; None if it did not break there."""
    if kind == "broken_body":
        return os_error(code or errno.ECONNRESET)
    if kind == "truncated":
        if code < 0:
            return http.client.IncompleteRead(b"\0" * received)
        return urllib3.exceptions.IncompleteRead(received, code)
    if kind == "bad_chunk":
        return http.client.HTTPException(message)
    if kind == "read_timeout":
        return socket.timeout("timed out")
    return None


def _decode_error(response, message):
    return urllib3.exceptions.DecodeError(
        f"Received response with content-encoding: {response._content_encoding()}, but failed to decode it.",
        zlib.error(f"Error -3 while decompressing data: {message.rpartition(': ')[2]}"),
    )


def _limit(seconds):
    """A time limit as it was most probably written."""
    return int(seconds) if seconds == int(seconds) else seconds


def _read_timeout(url, text):
    error = urllib3.exceptions.ReadTimeoutError(None, url, text)
    error.args = (text,)
    return error


def make_error(response, url, kind, code, message, timeout, received):
    """The exception that requests would raise, and what is left of it when its wrapping is taken off."""
    request = response._request_for(url)
    exceptions = requests.exceptions
    if kind == "resolve":
        inner = socket.gaierror(code, message)
        reason = _caused(resolution_error(_connection(url), urlparse(url).hostname, inner), inner)
        return _gave_up(exceptions.ConnectionError, request, url, reason), inner
    if kind == "connect":
        inner = os_error(code)
        reason = _caused(new_connection_error(_connection(url), inner), inner)
        return _gave_up(exceptions.ConnectionError, request, url, reason), inner
    inner = head_error(kind, code, message)
    if inner is not None:
        return aborted(request, inner), inner
    if kind == "tls":
        cause = tls_error(message, urlparse(url).hostname)
        if not isinstance(cause, ssl.SSLError):
            return aborted(request, cause), cause
        inner = urllib3.exceptions.SSLError(cause)
        return _gave_up(exceptions.SSLError, request, url, inner), inner
    if kind == "connect_timeout":
        host = urlparse(url).hostname
        reason = urllib3.exceptions.ConnectTimeoutError(
            _connection(url), f"Connection to {host} timed out. (connect timeout={_limit(timeout)})"
        )
        error = _gave_up(exceptions.ConnectTimeout, request, url, reason)
        return error, error
    if kind == "read_timeout" and code == 1:
        inner = _read_timeout(None, f"{pool_name(url)}: Read timed out.")
        return _caused(exceptions.ConnectionError(inner), inner), inner
    if kind == "read_timeout":
        inner = _read_timeout(url, f"{pool_name(url)}: Read timed out. (read timeout={_limit(timeout)})")
        error = exceptions.ReadTimeout(inner, request=request)
        return error, error
    cause = body_error(kind, code, message, received)
    if cause is not None:
        inner = urllib3.exceptions.ProtocolError(f"Connection broken: {cause!r}", cause)
        error = exceptions.ChunkedEncodingError(inner)
        return error, error
    if kind == "bad_encoding":
        error = exceptions.ContentDecodingError(_decode_error(response, message))
        return error, error
    if kind == "too_many_redirects":
        error = exceptions.TooManyRedirects(f"Exceeded {code} redirects.", request=request)
        return error, error
    if kind == "bad_redirect":
        if not ABSOLUTE_URL.match(message):
            raise InvalidSchema(f"No connection adapters were found for {message!r}")
        raise exceptions.InvalidURL(f"Failed to parse: {message}", request=request)
    if kind == "no_memory":
        error = exceptions.RequestException("not enough memory for the request", request=request)
        return error, error
    inner = urllib3.exceptions.ProtocolError(message or kind)
    return _caused(exceptions.ConnectionError(inner, request=request), inner), inner
