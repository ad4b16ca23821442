"""urllib3's pools over the native engine.

requests' adapters ask a urllib3 pool for each reply, and all that they, urllib3's retries and a user's own adapter make
of it stays theirs. These pools differ from urllib3's in one place: a request goes to an I/O thread instead of a socket
of Python's. What the engine cannot do as a pool asks for it (odd socket options, fingerprints) is left to urllib3's own
pools, on sockets.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import warnings
import weakref
from functools import partial

import _locust
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    InsecureRequestWarning,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.poolmanager import PoolManager, pool_classes_by_scheme

from locust._requests_errors import (
    body_error,
    head_error,
    new_connection_error,
    os_error,
    resolution_error,
)
from locust._requests_prepare import file_options
from locust._tls_errors import tls_error

_TWO = not urllib3.__version__.startswith("1.")


# Connections, which are only names for slots of a pool.


class _Slot:
    """What a pool keeps instead of a connection: its place in the queue, and a transport if it has its own."""

    is_verified = True
    is_connected = True
    is_closed = False
    proxy_is_verified = None
    has_connected_to_proxy = True
    _transport = None
    engine_options = None

    @property
    def sock(self):
        raise AttributeError("the connection is the engine's")

    @sock.setter
    def sock(self, value):
        pass

    @property
    def transport(self):
        if self._transport is None:
            self._transport = _locust.Transport()
            self._transport.options = self.engine_options
        return self._transport

    def connect(self):
        """The engine connects when it must."""

    def close(self):
        if self._transport is not None:
            self._transport.close()

    # How requests before 2.30 sends chunked bodies: line by line. They are collected first.

    def putrequest(self, method, url, **_):
        self._request = (method, url, [], [])

    def putheader(self, name, *values):
        self._request[2].append((name, values[0]))

    def endheaders(self, *_args, **_kwargs):
        pass

    def send(self, data):
        self._request[3].append(data)

    def getresponse(self, *_args, **_kwargs):
        method, url, headers, chunks = self._request
        body = b"".join(chunks[2::4])
        limits = urllib3.util.Timeout(connect=None, read=None)
        reply = self.engine_pool._transmit(self, method, url, body, _Pairs(headers), limits, True)
        return ReplyFile(reply, message_of(reply.headers))


class _Pairs(list):
    """Header lines, as what has items()."""

    def items(self):
        return list(self)


class EngineConnection(_Slot, HTTPConnection):
    """A slot of a pool for http."""


class EngineHTTPSConnection(_Slot, HTTPSConnection):
    """A slot of a pool for https."""


# urllib3 names the class in its errors.
EngineConnection.__name__ = EngineConnection.__qualname__ = "HTTPConnection"
EngineHTTPSConnection.__name__ = EngineHTTPSConnection.__qualname__ = "HTTPSConnection"
EngineConnection.__module__ = EngineHTTPSConnection.__module__ = "urllib3.connection"


# Replies.


def message_of(items):
    """Header lines as http.client has them."""
    message = http.client.HTTPMessage()
    for name, value in items:
        message[name] = value
    return message


class ReplyFile:
    """The body of a reply, read as http.client.HTTPResponse is read."""

    def __init__(self, reply, message):
        self._reply = reply
        self.msg = self.headers = message
        self.status = reply.status
        self.reason = reply.reason
        self.version = min(reply.version, 20)
        kind = message.get("Content-Type", "")
        chunked = message.get("Transfer-Encoding", "").lower() == "chunked"
        self.as_it_comes = chunked or kind.startswith("text/event-stream")
        self._received = 0

    def read(self, amt=None):
        reply = self._reply
        if reply is None or amt == 0:
            return b""
        data = reply.read(-1 if amt is None else amt, True)
        return self._took(reply, data, amt is None or len(data) < amt)

    def read1(self, amt=-1):
        """What there is, but at least a byte unless it is over."""
        reply = self._reply
        if reply is None or amt == 0:
            return b""
        data = reply.read(64 * 1024 if amt is None or amt < 0 else amt, False)
        return self._took(reply, data, not data)

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _took(self, reply, data, over):
        """What was read; another green thread may have closed the file meanwhile."""
        self._received += len(data)
        if not over:
            if reply.is_read and reply.failure is None:
                self.close()
            return data
        self._reply = None
        failure = reply.failure
        if failure is not None:
            kind, code, message, _, received = failure
            error = body_error(kind, code, message, max(received, self._received))
            raise error if error is not None else http.client.HTTPException(message or kind)
        return data

    def close(self):
        self._reply = None

    def isclosed(self):
        return self._reply is None

    @property
    def closed(self):
        return self._reply is None

    def getheader(self, name, default=None):
        return self.msg.get(name, default)

    def getheaders(self):
        return list(self.msg.items())

    def flush(self):
        pass


class EngineResponse(urllib3.HTTPResponse):
    """urllib3's response over a ReplyFile."""

    engine_reply = None

    def stream(self, amt=2**16, decode_content=None):
        """Pieces of the body: those of chunked bodies and event streams as they come."""
        if not getattr(self._original_response, "as_it_comes", False):
            yield from super().stream(amt, decode_content)
            return
        while not self._original_response.isclosed() or self._has_buffered():
            data = self._read_some(amt, decode_content)
            if data:
                yield data

    def _has_buffered(self):
        return bool(_TWO and len(self._decoded_buffer))

    def _read_some(self, amt, decode_content):
        if _TWO:
            return self.read1(amt if amt is not None else 2**16, decode_content)
        self._fp.read, read = self._fp.read1, self._fp.read
        try:
            return self.read(amt if amt is not None else 2**16, decode_content)
        finally:
            self._fp.read = read

    @classmethod
    def from_httplib(cls, response, pool=None, connection=None, retries=None, **kwargs):
        """For urllib3 1.x, whose pools wrap what _make_request() gives: that is one of these already."""
        response._pool, response._connection, response.retries = pool, connection, retries
        response.decode_content = kwargs.get("decode_content", True)
        if kwargs.get("preload_content", True):
            response._body = response.read(decode_content=response.decode_content)
        return response


def make_response(reply, method, url=None):
    """A urllib3 response for a _locust.Reply, whose body was not read yet."""
    items = reply.headers
    file = ReplyFile(reply, message_of(items))
    response = EngineResponse(
        body=file,
        headers=urllib3._collections.HTTPHeaderDict(items),
        status=reply.status,
        version=file.version,
        reason=file.reason,
        preload_content=False,
        decode_content=False,
        original_response=file,
        request_method=method,
        request_url=url,
        **({"version_string": f"HTTP/{reply.version // 10}.{reply.version % 10}"} if _VERSION_STRING else {}),
    )
    response.engine_reply = reply
    return response


_VERSION_STRING = _TWO and "version_string" in urllib3.HTTPResponse.__init__.__code__.co_varnames


# Pools.


class _EnginePool:
    """What differs from urllib3's pools: how a request is made."""

    ResponseCls = EngineResponse
    transport = None
    engine_options = None

    def _new_conn(self):
        conn = super()._new_conn()
        conn.engine_pool = weakref.proxy(self)
        conn.engine_options = self.engine_options
        return conn

    def _prepare_proxy(self, conn):
        """The engine asks the proxy for a tunnel."""

    def _make_request(
        self,
        conn,
        method,
        url,
        body=None,
        headers=None,
        retries=None,
        timeout=urllib3.util.Timeout.DEFAULT_TIMEOUT,
        chunked=False,
        response_conn=None,
        preload_content=True,
        decode_content=True,
        **_,
    ):
        self.num_requests += 1
        limits = self._get_timeout(timeout)
        limits.start_connect()
        reply = self._transmit(conn, method, url, body, headers, limits, chunked)
        response = make_response(reply, method, url)
        if _TWO:
            response.retries = retries
            response._connection = response_conn
            response._pool = self
        if preload_content and _TWO:
            response.decode_content = decode_content
            response._body = response.read(decode_content=decode_content)
        return response

    def _transmit(self, conn, method, url, body, headers, limits, chunked):
        """Sends a request over the engine; a _locust.Reply whose header is there."""
        verify, options = self._tls_options()
        if self.scheme == "https" and not verify:
            self._warn_unverified()
        reply = (self.transport or conn.transport).send(
            method,
            self._absolute_url(url),
            _complete_headers(method, headers, body, chunked),
            _complete_body(body),
            (_seconds(limits.connect_timeout), _seconds(limits.read_timeout)),
            verify,
            **options,
            **self._proxy_options(),
        )
        if not reply.status:
            self._raise_failure(conn, url, limits, reply.failure)
        return reply

    def _absolute_url(self, url):
        if not url.startswith("/"):
            return url
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        port = "" if self.port in (None, _default_port(self.scheme)) else f":{self.port}"
        return f"{self.scheme}://{host}{port}{url}"

    def _proxy_options(self):
        if self.proxy is None:
            return {}
        # For http the credentials are among the headers already; for https the tunnel needs them.
        proxy = self.proxy if self.scheme == "https" else self.proxy._replace(auth=None)
        return {"http_proxy": proxy.url, "https_proxy": proxy.url}

    def _tls_options(self):
        """(whether certificates are checked, options of connections) for https."""
        if self.scheme != "https":
            return True, {}
        context = self.conn_kw.get("ssl_context")
        if context is not None and not _is_default(context):
            return _context_options(context)
        verify = self.cert_reqs not in (ssl.CERT_NONE, "CERT_NONE", "NONE")
        ca_file = self.ca_certs if self.ca_certs != requests.adapters.DEFAULT_CA_BUNDLE_PATH else None
        options = file_options(
            ca_file=ca_file, ca_directory=self.ca_cert_dir, cert_file=self.cert_file, key_file=self.key_file
        )
        if self.key_password is not None:
            options["key_password"] = self.key_password
        if self.assert_hostname is False:
            options["any_host_name"] = True
        return verify, options

    def _warn_unverified(self):
        warnings.warn(
            f"Unverified HTTPS request is being made to host '{self.host}'. Adding certificate verification is "
            "strongly advised. See: https://urllib3.readthedocs.io/en/latest/advanced-usage.html#tls-warnings",
            InsecureRequestWarning,
            stacklevel=2,
        )

    def _raise_failure(self, conn, url, limits, failure):
        kind, code, message, limit, _ = failure
        if kind == "resolve":
            _raise_while(socket.gaierror(code, message), partial(resolution_error, conn, self.host))
        if kind == "connect":
            _raise_while(os_error(code), partial(new_connection_error, conn))
        if kind == "connect_timeout":
            limit = limits.connect_timeout
            _raise_while(
                socket.timeout("timed out"),
                lambda e: ConnectTimeoutError(
                    conn, f"Connection to {self.host} timed out. (connect timeout={limit})"
                ),
            )
        if kind == "read_timeout":
            limit = limits.connect_timeout if code == 2 else limits.read_timeout
            _raise_while(
                socket.timeout("timed out"),
                lambda e: ReadTimeoutError(self, url, f"Read timed out. (read timeout={limit})"),
            )
        if kind == "tls":
            cause = tls_error(message, self.host)
            if not isinstance(cause, ssl.SSLError):
                raise cause
            _raise_while(cause, SSLError)
        if kind == "proxy":
            _raise_while(_proxy_refusal(code, message), partial(ProxyError, _PROXY_TEXT))
        error = head_error(kind, code, message)
        raise error if error is not None else ProtocolError(message or kind)


class EnginePool(_EnginePool, HTTPConnectionPool):
    """A pool for http."""

    ConnectionCls = EngineConnection


class EngineHTTPSPool(_EnginePool, HTTPSConnectionPool):
    """A pool for https."""

    ConnectionCls = EngineHTTPSConnection


EnginePool.__name__ = EnginePool.__qualname__ = "HTTPConnectionPool"
EngineHTTPSPool.__name__ = EngineHTTPSPool.__qualname__ = "HTTPSConnectionPool"


def _raise_while(cause, make):
    """Raises an error as one that was made while another one was handled."""
    try:
        raise cause
    except OSError as e:
        raise make(e) from e


_PROXY_TEXT = "Unable to connect to proxy" if _TWO else "Cannot connect to proxy."


def _proxy_refusal(code, message):
    """Why a proxy could not be used: it was not reached, or it refused."""
    return OSError(f"Tunnel connection failed: {code or ''} {message}".strip()) if message else os_error(code)


def _default_port(scheme):
    return 443 if scheme == "https" else 80


def _seconds(limit):
    if limit is None or not isinstance(limit, (int, float)):
        return None if limit is None else socket.getdefaulttimeout()
    return float(limit)


# Methods whose requests say nothing of a body if they have none.
_WITHOUT_BODY = {"GET", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT"}


def _complete_headers(method, headers, body, chunked):
    """The headers with what urllib3's connections say of the body."""
    names = {name.decode().lower() if isinstance(name, bytes) else name.lower() for name, _ in headers.items()}
    if "content-length" in names or "transfer-encoding" in names:
        return headers
    if chunked:
        return {"Transfer-Encoding": "chunked", **headers}
    if body is None and method.upper() not in _WITHOUT_BODY:
        return {"Content-Length": "0", **headers}
    return headers


def _complete_body(body):
    return body if not isinstance(body, str) or _TWO else body.encode("utf-8")


def _is_default(context):
    return context is getattr(requests.adapters, "_preloaded_ssl_context", None)


def _context_options(context):
    from locust._fast.tls import context_options  # which knows what was loaded into it

    return context_options(context)


# Which pool does what.

# Arguments of pools that the engine knows, or that say nothing it would do otherwise.
_KNOWN = {
    "maxsize", "block", "timeout", "headers", "retries", "strict", "blocksize", "cert_reqs", "ca_certs", "ca_cert_dir",
    "cert_file", "key_file", "key_password", "assert_hostname", "ssl_context", "ssl_version", "_proxy",
    "_proxy_headers", "_proxy_config",
}  # fmt: skip


def _engine_can(arguments):
    unknown = {name for name, value in arguments.items() if value is not None and name not in _KNOWN}
    return not unknown and arguments.get("assert_hostname") in (None, False)


def _make_pool(ours, theirs, transport, options, host, port, **arguments):
    if not _engine_can(arguments):
        return theirs(host, port, **arguments)
    pool = ours(host, port, **arguments)
    pool.transport, pool.engine_options = transport, options
    return pool


class EngineClasses(dict):
    """What a PoolManager makes pools with.

    transport: connections that all of them share; None: each slot has its own, with these options.
    """

    def __init__(self, transport, options):
        super().__init__(
            http=partial(_make_pool, EnginePool, HTTPConnectionPool, transport, options),
            https=partial(_make_pool, EngineHTTPSPool, HTTPSConnectionPool, transport, options),
        )


class _ProxyManagers(dict):
    """An adapter's managers by proxy, which it makes when it needs them."""

    def __init__(self, managers, transport, options):
        super().__init__(managers)
        self._how = transport, options

    def __setitem__(self, proxy, manager):
        route_manager(manager, *self._how)
        super().__setitem__(proxy, manager)


def route_manager(manager, transport=None, options=None):
    """Lets a PoolManager make pools over the engine, if it makes urllib3's own."""
    classes = getattr(manager, "pool_classes_by_scheme", None)
    ours = isinstance(classes, EngineClasses) and (transport is not None or options is not None)
    if isinstance(manager, PoolManager) and (classes is pool_classes_by_scheme or ours):
        manager.pool_classes_by_scheme = EngineClasses(transport, options)


def route(adapter, transport=None, options=None):
    """Lets an adapter of requests send over the engine. Adapters with a transport of their own keep it."""
    if isinstance(adapter, requests.adapters.HTTPAdapter):
        route_manager(getattr(adapter, "poolmanager", None), transport, options)
        if type(getattr(adapter, "proxy_manager", None)) in (dict, _ProxyManagers):
            adapter.proxy_manager = _ProxyManagers(adapter.proxy_manager, transport, options)
