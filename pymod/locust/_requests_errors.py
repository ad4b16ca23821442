"""How the engine's failures look in Python: as http.client, urllib3 and requests raise them."""

from __future__ import annotations

import errno
import http.client
import os
import re
import socket
import ssl
import zlib
from urllib.parse import urlparse

import requests
import urllib3
import urllib3.exceptions
from requests.exceptions import InvalidSchema

ABSOLUTE_URL = re.compile(r"^https?://", re.I)


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


def _connection_error(request, inner):
    return _caused(requests.exceptions.ConnectionError(inner, request=request), inner)


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


def tls_error(message, host):
    """What ssl raises for a handshake that failed, or a certificate that is refused."""
    reason = message
    if "certificate problem: " in message or "certificate verify failed" in message:
        reason = message.partition("certificate problem: ")[2] or message
    elif "does not match" in message or "no alternative certificate" in message:
        kind = "IP address" if re.fullmatch(r"[\d.]+|.*:.*", host) else "Hostname"
        reason = f"{kind} mismatch, certificate is not valid for {host!r}."
    else:
        return ssl.SSLError(1, reason)
    return ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason}")


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
        return _connection_error(request, inner), inner
    if kind == "connect":
        inner = os_error(code)
        return _connection_error(request, inner), inner
    inner = head_error(kind, code, message)
    if inner is not None:
        return _connection_error(request, inner), inner
    if kind == "tls":
        inner = urllib3.exceptions.SSLError(tls_error(message, urlparse(url).hostname))
        return _caused(exceptions.SSLError(inner, request=request), inner), inner
    if kind == "connect_timeout":
        error = exceptions.ConnectTimeout(
            f"{pool_name(url)}: Connection to {urlparse(url).hostname} timed out. (connect timeout={timeout:g})",
            request=request,
        )
        return error, error
    if kind == "read_timeout" and code == 1:
        inner = _read_timeout(None, f"{pool_name(url)}: Read timed out.")
        return _connection_error(None, inner), inner
    if kind == "read_timeout":
        inner = _read_timeout(url, f"{pool_name(url)}: Read timed out. (read timeout={timeout:g})")
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
    return _connection_error(request, inner), inner
