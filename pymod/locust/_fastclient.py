"""What geventhttpclient has under these names, over the native engine.

FastHttpUser's client (locust.contrib.fasthttp) is made of it, and the package geventhttpclient hands it to locustfiles
that import it. Requests, replies, redirects and cookies are native; here is what is Python by nature.
"""

from __future__ import annotations

import datetime
import errno
import http.client
import json
import os
import socket
import ssl
import zlib
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlencode, urlparse, urlunparse

import _locust
from requests.utils import requote_uri

from locust._fastbody import describe_body, encode_files
from locust.clients import SessionCookieJar

VERSION = "2.3.8"
"""The version of geventhttpclient whose behaviour is reproduced."""

USER_AGENT = f"python/gevent-http-client-{VERSION}"


class Headers(dict):
    """Header fields: the names in any case, each with one value or several.

    As a dict it has the names in lower case, and for each of them the list of its (name, value).
    """

    def __init__(self, headers=None, **more):
        super().__init__()
        self.extend(headers or (), **more)

    def __setitem__(self, name, value):
        values = value if isinstance(value, (list, tuple)) else [value]
        super().__setitem__(name.lower(), [(name, one) for one in values])

    def __getitem__(self, name):
        values = [value for _, value in super().__getitem__(name.lower())]
        return values[0] if len(values) == 1 else values

    def __delitem__(self, name):
        super().__delitem__(name.lower())

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def __eq__(self, other):
        if not hasattr(other, "keys"):
            return False
        other = other if isinstance(other, Headers) else Headers(other)
        return {name: self[name] for name in self} == {name: other[name] for name in other}

    def __ne__(self, other):
        return not self == other

    __hash__ = None

    def __len__(self):
        """The number of lines."""
        return sum(len(lines) for lines in super().values())

    def __repr__(self):
        return f"{type(self).__name__}({self.compatible_dict()})"

    def __str__(self):
        return "\n".join(f"{name}: {value}" for name, value in self.items())

    def __or__(self, other):
        merged = self.copy()
        merged.update(other)
        return merged

    def __ior__(self, other):
        self.update(other)
        return self

    def __reduce__(self):
        return type(self), (list(self.items()),)

    def get(self, name, default=None):
        """The value, or the list of them; default if there is none."""
        return self[name] if name in self else default

    def getlist(self, name):
        """All values of a name, maybe none."""
        return [value for _, value in super().get(name.lower(), ())]

    getheaders = getallmatchingheaders = getlist

    def get_all(self, name, default=None):
        """All values of a name, or default if there is none."""
        return self.getlist(name) or default

    def add(self, name, value):
        """Adds lines, leaving those that are there."""
        for one in value if isinstance(value, (list, tuple)) else [value]:
            super().setdefault(name.lower(), []).append((name, one))

    def discard(self, name):
        """Deletes a name, if it is there."""
        if name in self:
            del self[name]

    def pop(self, name, *default):
        """Deletes a name and returns its value, or the default if there is one and it is not there."""
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def setdefault(self, name, default=""):
        """The value, set to default if there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def extend(self, headers=(), **more):
        """Adds the lines of a mapping or of pairs."""
        for name, value in [*_lines_of(headers), *more.items()]:
            self.add(name, value)

    def update(self, headers=(), **more):
        """Sets the names of a mapping or of pairs; other names stay."""
        if isinstance(headers, Headers):
            headers = {name: headers.getlist(name) for name, _ in headers.itermerged()}
        for name, value in [*_lines_of(headers), *more.items()]:
            self[name] = value

    def copy(self):
        """Another one with the same lines."""
        return type(self)(self)

    def items(self):
        """(name, value) of each line, those of one name together."""
        for lines in super().values():
            yield from lines

    def keys(self):
        """The names, in lower case."""
        return list(self)

    def values(self):
        """The value, or the list of them, of each name."""
        return [self[name] for name in self]

    def itermerged(self):
        """(name, value) of each name, several values joined by commas."""
        for lines in super().values():
            yield lines[0][0], ", ".join(str(value) for _, value in lines)

    def iterlower(self):
        """(name in lower case, value) of each line."""
        for name, value in self.items():
            yield name.lower(), value

    def compatible_dict(self):
        """An ordinary dict, several values joined by commas."""
        return dict(self.itermerged())


def _lines_of(headers):
    if isinstance(headers, Headers):
        return list(headers.items())
    if hasattr(headers, "keys"):
        return [(name, headers[name]) for name in headers.keys()]
    return list(headers)


# --- Exceptions.


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
    """It took too long each time (original: what happened last), or there were too many redirects."""


class BadStatusCode(ConnectionError):
    """The status is none of the valid ones. code, response, request."""

    @property
    def http_log(self):
        """Request and reply as text."""
        return conversation(self.response)


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


class InvalidURL(Exception):
    """An address that is none."""


def make_error(response, url, kind, code, message, max_retries, received):
    """The exception for a failure of the engine, which came after so many bytes."""
    if kind == "resolve":
        return socket.gaierror(code, message)
    if kind in ("connect_timeout", "read_timeout"):
        timeout = TimeoutError("timed out")
        return timeout if kind == "read_timeout" and code == 1 else exceeded(url, max_retries, timeout)
    if kind == "closed" or (kind == "reset" and code == errno.ECONNRESET and not received):
        return HTTPConnectionClosed("connection closed.")
    if kind in ("connect", "reset", "broken_body"):
        code = code or errno.ECONNRESET
        error = OSError(code, os.strerror(code))
        again = code in (errno.ETIMEDOUT, errno.ENOLINK, errno.ENOENT, errno.EPIPE) and kind != "broken_body"
        return exceeded(url, max_retries, error) if again else error
    if kind in ("truncated", "bad_chunk"):
        return HTTPParseError("Incomplete response." if kind == "truncated" else message)
    if kind == "tls":
        return _tls_error(message)
    if kind == "bad_encoding":
        return zlib.error(f"Error -3 while decompressing data: {message.rpartition(': ')[2]}")
    if kind == "too_many_redirects":
        return RetriesExceeded(url, f"Redirection limit reached ({code})")
    if kind == "bad_redirect":
        return UnsupportedRedirectSchemeError(url, f"refusing to follow redirect to {message!r}")
    if kind == "too_big":
        if code == 2:
            return ConnectionError(url, message)
        return HTTPParseError("too many header lines" if code else "a header line is too long")
    if kind == "proxy":
        return OSError(code, os.strerror(code)) if code else ConnectionError(url, message)
    if kind == "bad_upload":
        return OSError(code, os.strerror(code)) if code else ConnectionError(url, message or "the body cannot be read")
    if kind in ("bad_status_line", "bad_header"):
        return HTTPParseError(message.rstrip("\r\n"))
    return ConnectionError(url, message or kind)


def exceeded(url, max_retries, original):
    """What is raised when a request has been tried often enough."""
    return RetriesExceeded(url, max_retries, original=original)


def _tls_error(message):
    for marker in ("certificate problem: ", "certificate verify failed"):
        if marker in message:
            reason = message.partition("certificate problem: ")[2] or message
            return _verification_error(reason)
    if "does not match" in message or "no alternative certificate" in message:
        return _verification_error(message)
    return ssl.SSLError(1, message)


def _verification_error(reason):
    return ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason}")


# --- Addresses.


class URL:
    """An address and its parts."""

    def __init__(self, url="", params=None):
        self._parts = urlparse(url) if isinstance(url, str) else urlparse(str(url))
        if params is not None:
            query = f"{self._parts.query}&" if self._parts.query else ""
            self._parts = self._parts._replace(query=query + encode_params(params))

    def __str__(self):
        return self._parts.geturl()

    def __repr__(self):
        return f"URL({self})"

    def __iter__(self):
        return iter(self._parts)

    def __eq__(self, other):
        return self._parts == (other if isinstance(other, URL) else URL(other))._parts

    __hash__ = None

    @property
    def host(self):
        """Without port, in lower case."""
        return self._parts.hostname or ""

    hostname = host

    @property
    def port(self):
        """The usual one of the scheme if the address names none."""
        return self._parts.port or {"http": 80, "https": 443}.get(self._parts.scheme)

    @property
    def request_uri(self):
        """What is asked for: path, parameters and query."""
        return urlunparse(("", "", self._parts.path, self._parts.params, self._parts.query, ""))

    @property
    def quoted_uri(self):
        """The same as it goes on the wire."""
        return requote_uri(self.request_uri)

    def __getattr__(self, name):
        if name in ("scheme", "netloc", "path", "params", "query", "fragment", "username", "password"):
            return getattr(self._parts, name) or ""
        raise AttributeError(name)


def encode_params(params) -> str:
    """Parameters as a query: str, bytes, a mapping or pairs; None is left out, lists come one by one."""
    if isinstance(params, bytes):
        return params.decode()
    if isinstance(params, str):
        return params
    pairs = []
    for name, values in params.items() if isinstance(params, Mapping) else params:
        if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
            values = [values]
        pairs.extend((name, value) for value in values if value is not None)
    return urlencode(pairs, doseq=True)


def prepare_url(url: str, params) -> str:
    """A URL that is not plain as it goes on the wire."""
    parts = urlparse(url)
    if not parts.hostname:
        raise InvalidURL(f"no host in {url!r}")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port is not None else ""
    query = "&".join(part for part in (parts.query, encode_params(params) if params else "") if part)
    target = requote_uri(urlunparse(("", "", parts.path, parts.params, query, "")))
    slash = "" if target.startswith("/") else "/"
    return f"{parts.scheme.lower()}://{host}{port}{slash}{target}"


# --- Requests and replies.


class CompatRequest:
    """A request that was sent, as urllib tells it."""

    unverifiable = False
    type = "https"

    def __init__(self, url, method="GET", headers=None, payload=None, params=None):
        self.url = str(url)
        self.url_split = URL(self.url, params)
        self.method = method
        self.headers = headers
        self.payload = payload
        self.original_host = self.origin_req_host = self.url_split.host
        self.host = self.url_split.netloc

    @property
    def full_url(self):
        """The URL."""
        return self.url

    @property
    def data(self):
        """The body."""
        return self.payload

    def get_full_url(self):
        """The URL."""
        return self.url

    def get_host(self):
        """The host, without port."""
        return self.url_split.host

    def get_type(self):
        """The scheme."""
        return self.url_split.scheme

    def get_origin_req_host(self):
        """The host that was asked first."""
        return self.original_host

    def is_unverifiable(self):
        """Whether a redirect led here."""
        return self.unverifiable

    def has_header(self, name):
        """Whether a header was sent."""
        return name in (self.headers or ())

    def get_header(self, name, default=None):
        """The value of a header."""
        return self.headers.get(name, default)

    def header_items(self):
        """All headers."""
        return list(self.headers.items())

    def add_unredirected_header(self, name, value):
        """Adds a header."""
        self.headers.add(name, value)


class CompatResponse(_locust.FastResponseBase):
    """A reply."""

    request_type = CompatRequest

    def __len__(self):
        """The length that the headers declare, else that of the contents."""
        declared = self.headers.get("content-length") if self.headers is not None else None
        return int(declared) if isinstance(declared, str) and declared.isdigit() else len(self.content or b"")

    def __iter__(self):
        return iter(self.stream)

    @property
    def status(self):
        """The status as a str."""
        return str(self.status_code)

    @property
    def _request(self):
        return self.request

    @property
    def _response(self):
        return self.stream if self.status_code else None

    def info(self):
        """The headers."""
        return self.headers

    def read(self, n=None):
        """So many bytes of the body, or all that is left."""
        return self.stream.read(n)

    def readline(self, sep=b"\r\n"):
        """The next line of the body."""
        return self.stream.readline(sep)

    def unzipped(self, gzip=True, br=False):
        """The body, decoded, as it always is here."""
        return self.content


class BodyStream:
    """The body of a reply as a file. With stream=True it is read as it arrives."""

    def __init__(self, response):
        self._response = response
        self._buffer = b""
        self._flows = response._read(0, False) is not None
        if not self._flows:
            self._buffer = response.content or b""

    @property
    def headers(self):
        """The headers of the reply."""
        return self._response.headers

    @property
    def status_code(self):
        """The HTTP status."""
        return self._response.status_code

    def get_code(self):
        """The HTTP status."""
        return self._response.status_code

    @property
    def message_complete(self):
        """Whether the whole body has been read."""
        return not self._buffer and self._response.isclosed()

    def _take(self, size):
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return piece

    def read(self, n=None):
        """So many bytes, or all that is left; less only at the end."""
        size = -1 if n is None or n < 0 else n
        if not self._flows or 0 <= size <= len(self._buffer):
            return self._take(len(self._buffer) if size < 0 else size)
        had = self._take(len(self._buffer))
        return had + self._response._read(size if size < 0 else size - len(had), True)

    def read_piece(self, n):
        """What there is, up to so many bytes; waits if there is nothing; b"" at the end."""
        return self._take(n) if self._buffer or not self._flows else self._response._read(n, False)

    def readline(self, sep=b"\r\n"):
        """Up to the next separator, or what is left."""
        begin = 0
        while (at := self._buffer.find(sep, begin)) < 0:
            begin = max(0, len(self._buffer) - len(sep) + 1)
            piece = self._response._read(4096, False) if self._flows else b""
            if not piece:
                return self._take(len(self._buffer))
            self._buffer += piece
        return self._take(at + len(sep))

    def release(self):
        """What is left is not wanted."""
        self._buffer = b""
        self._response.release()

    close = release

    def __iter__(self):
        return iter(lambda: self.read_piece(4096), b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


def conversation(response) -> str:
    """The last request and its reply as text, for reading."""
    request = response.request
    target = request.url_split.quoted_uri or "/"
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    text = f"REQUEST: {request.url}\n" + "\r\n".join(lines) + "\r\n\r\n"
    payload = request.payload
    if payload:
        text += (payload if isinstance(payload, str) else payload.decode(errors="replace")) + "\n\n"
    if response.headers is None:
        return text
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    body = (response.content or b"").decode(errors="replace")
    return f"{text}RESPONSE: HTTP/1.1 {response.status_code}\n{headers}\n\n{body}"


def _write_debug(response, stream):
    for reply in [*response.history, response]:
        if reply.status_code:
            stream.write(conversation(reply) + "\n\n")


def _request_of(response):
    info = response._request_info()
    if info is None:
        return None
    method, url, lines, body = info
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and value:
            headers.add(name, value.removeprefix(" "))
        elif not colon:
            headers.add(name.rstrip(";"), "")
    return response.request_type(url, method=method, headers=headers, payload=body)


def _text_of(response):
    """The text of a reply that does not say how it is encoded."""
    from requests.compat import chardet

    response.encoding = chardet.detect(response.content)["encoding"]
    if response.encoding is None:
        return None
    return str(response.content, response.encoding, errors="replace")


def _attribute_of(response, what):
    if what == "headers":
        return Headers(response._header_items()) if response.status_code else None
    if what == "request":
        return _request_of(response)
    if what == "text":
        return _text_of(response)
    if what == "elapsed":
        return datetime.timedelta(seconds=response._elapsed_seconds)
    if what == "stream":
        return BodyStream(response)
    if what == "url":
        return getattr(response.request, "url", None)
    raise AttributeError(what)


# --- Connections.


class HTTPClientPool:
    """The connections of one user agent or of several."""

    def __init__(self, **client_args):
        self.client_args = client_args
        self.clients = {}
        self._agent = None

    def get_client(self, url):
        """The client for the host of a URL."""
        url = url if isinstance(url, URL) else URL(url)
        key = url.host, url.port
        if key not in self.clients:
            self.clients[key] = HTTPClient.from_url(url, **self.client_args)
        return self.clients[key]

    def close(self):
        """Closes the connections; the next request opens new ones."""
        for client in self.clients.values():
            client.close()
        self.clients.clear()
        if self._agent is not None:
            self._agent.close()


class HTTPClient:
    """Requests to one host, without redirects, cookies and a look at the status."""

    HTTP_10 = "HTTP/1.0"
    HTTP_11 = "HTTP/1.1"
    DEFAULT_HEADERS = Headers({"User-Agent": USER_AGENT})

    @classmethod
    def from_url(cls, url, **kwargs):
        """The client for the host of a URL."""
        url = url if isinstance(url, URL) else URL(url)
        return cls(url.host, port=url.port, ssl=url.scheme == "https", **kwargs)

    def __init__(self, host, port=None, headers=None, ssl=False, **kwargs):
        self.host = host
        self.ssl = bool(ssl) or "ssl_options" in kwargs
        self.port = port or (443 if self.ssl else 80)
        self.default_headers = self.DEFAULT_HEADERS | (headers or {})
        kwargs.pop("ssl_options", None)
        self._agent = _AnyStatus(headers=headers, max_redirects=0, max_retries=0, **kwargs)

    def request(self, method, request_uri, body=b"", headers=None):
        """Sends a request and waits for the reply."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        slash = "" if request_uri.startswith("/") else "/"
        url = f"http{'s' if self.ssl else ''}://{host}:{self.port}{slash}{request_uri}"
        return self._agent.urlopen(url, method, headers=headers, payload=body or None)

    def get(self, request_uri, headers=None):
        """request("GET", ...)"""
        return self.request("GET", request_uri, headers=headers)

    def head(self, request_uri, headers=None):
        """request("HEAD", ...)"""
        return self.request("HEAD", request_uri, headers=headers)

    def options(self, request_uri, headers=None):
        """request("OPTIONS", ...)"""
        return self.request("OPTIONS", request_uri, headers=headers)

    def post(self, request_uri, body=b"", headers=None):
        """request("POST", ...)"""
        return self.request("POST", request_uri, body, headers)

    def put(self, request_uri, body=b"", headers=None):
        """request("PUT", ...)"""
        return self.request("PUT", request_uri, body, headers)

    def patch(self, request_uri, body=b"", headers=None):
        """request("PATCH", ...)"""
        return self.request("PATCH", request_uri, body, headers)

    def delete(self, request_uri, body=b"", headers=None):
        """request("DELETE", ...)"""
        return self.request("DELETE", request_uri, body, headers)

    def close(self):
        """Closes the connections."""
        self._agent.close()


class _Silent:
    """A request event that nobody listens to."""

    def fire(self, **kwargs):
        """Does nothing."""


class UserAgent(_locust.UserAgentBase):
    """Settings, cookies and connections; urlopen() makes requests with them."""

    response_type = CompatResponse
    request_type = CompatRequest
    valid_response_codes = frozenset([200, 206, 301, 302, 303, 307, 308])
    redirect_response_codes = frozenset([301, 302, 303, 307, 308])

    def __init__(
        self,
        max_redirects=3,
        max_retries=3,
        retry_delay=0,
        cookiejar=None,
        headers=None,
        *,
        insecure=False,
        client_pool=None,
        **client_args,
    ):
        super().__init__(
            int(max_redirects),
            int(max_retries),
            retry_delay,
            client_args.get("connection_timeout", 5.0) or 0,
            client_args.get("network_timeout", 5.0) or 0,
            bool(insecure),
        )
        self._client_args = {**client_args, "insecure": True} if insecure else client_args
        if headers:
            self.default_headers.update(headers)
        if cookiejar is None or cookiejar:
            self.cookiejar = cookiejar
        if client_pool is not None:
            self.clientpool = client_pool

    @property
    def redirect_resonse_codes(self):
        """redirect_response_codes, as older versions spell it."""
        return self.redirect_response_codes

    @redirect_resonse_codes.setter
    def redirect_resonse_codes(self, codes):
        self.redirect_response_codes = codes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def urlopen(self, url, method="GET", headers=None, payload=None, to_string=False, **kwargs):
        """Sends a request; returns the reply, or its body. Raises what the request failed with."""
        session = _locust.FastSessionBase("", _Silent(), None, self)
        response = session.request(method, str(url), headers=headers, data=payload, **kwargs)
        error = getattr(response, "error", None)
        if error is not None:
            raise error
        if not to_string:
            return response
        if not response.content:
            raise EmptyResponse(url, "Empty response body received")
        return response.content


class _AnyStatus(UserAgent):
    valid_response_codes = frozenset(range(100, 1000))
    redirect_response_codes = frozenset()


def _default_headers(agent):
    return Headers({"User-Agent": USER_AGENT})


def _client_pool(agent):
    pool = HTTPClientPool(**agent._client_args)
    pool._agent = agent
    return pool


# --- What the native code leaves to Python.


def basic_auth(auth) -> str:
    """The header for a pair of user name and password, each str or bytes."""
    user, password = (part.encode("latin-1") if isinstance(part, str) else part for part in auth)
    return "Basic " + b64encode(user + b":" + password).decode()


def _encode_form(data) -> bytes:
    return urlencode(data).encode()


_OWN_KEYWORDS = ("files", "debug_stream", "max_retries", "max_redirects", "to_string", "response_codes")


def _extend(agent, method, data, params, others):
    """Sorts the keywords that request() itself does not know.

    What urlopen() does not know either is part of the form or the query, as in geventhttpclient.
    """
    own = {name: others[name] for name in _OWN_KEYWORDS if name in others}
    more = {name: value for name, value in others.items() if name not in own}
    if more and method.upper() == "POST":
        data = {**(data or {}), **more} if data is None or isinstance(data, dict) else data
    elif more and (params is None or isinstance(params, dict)):
        params = {**(params or {}), **more}
    retries, redirects = own.get("max_retries"), own.get("max_redirects")
    return (
        data,
        params,
        own.get("files"),
        own.get("debug_stream"),
        agent.max_retries if retries is None else int(retries),
        agent.max_redirects if redirects is None else int(redirects),
    )


def install(response_class, error_class, context_class, valid_codes, redirect_codes, caught, bad_status):
    """Hands everything over to the native code."""
    _locust.set_fast_helpers(
        f"User-Agent: {USER_AGENT}",
        response_class=response_class,
        error_class=error_class,
        context_class=context_class,
        valid_codes=valid_codes,
        redirect_codes=redirect_codes,
        default_headers=_default_headers,
        cookiejar=SessionCookieJar,
        clientpool=_client_pool,
        prepare_url=prepare_url,
        extend=_extend,
        encode_form=_encode_form,
        encode_files=encode_files,
        encode_json=json.dumps,
        feed=describe_body,
        basic_auth=basic_auth,
        make_error=make_error,
        caught=caught,
        bad_status=bad_status,
        write_debug=_write_debug,
        lazy=_attribute_of,
        loads=json.loads,
    )
