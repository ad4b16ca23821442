"""The HTTP client of HttpUser: a requests.Session whose requests are made by native I/O threads.

What every request needs is native (_locust.SessionBase, _locust.ResponseBase). Here is what is Python by nature: the
classes that third-party code knows, requests' own objects made when somebody looks at them, and its exceptions.
"""

import atexit
import copy
import datetime
import errno
import http.client
import io
import os
import re
import socket
import ssl
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from http.cookiejar import Cookie
from urllib.parse import urlparse, urlunparse

import _locust
import requests
import urllib3
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth, _basic_auth_str
from requests.cookies import RequestsCookieJar
from requests.exceptions import InvalidSchema
from requests.models import complexjson
from requests.sessions import merge_setting
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from locust.exception import CatchResponseError, LocustError, ResponseError

__all__ = ["HttpSession", "LocustHttpAdapter", "ResponseContextManager", "absolute_http_url_regexp", "requests_version"]

absolute_http_url_regexp = re.compile(r"^https?://", re.I)

requests_version = tuple(int(part) for part in re.findall(r"\d+", requests.__version__)[:3])


class LocustHttpAdapter(HTTPAdapter):
    """What HttpSession.adapters shows. Requests do not pass through it: the native engine sends them."""

    def __init__(self, pool_manager=None, *args, **kwargs):
        self.poolmanager = pool_manager
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args, **kwargs):
        if self.poolmanager is None:
            super().init_poolmanager(*args, **kwargs)


class SessionCookieJar(RequestsCookieJar):
    """The cookies of a session, which live in native code so that redirects see them without Python."""

    def __init__(self, session):
        self._session = session
        self._version = None
        super().__init__()

    @property
    def _cookies(self):
        version = self._session._cookie_version()
        if version != self._version:
            self._tree = {}
            for values in self._session._cookie_list():
                cookie = make_cookie(*values)
                self._tree.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
            self._version = version
        return self._tree

    @_cookies.setter
    def _cookies(self, tree):
        """The constructor of the base class begins with an empty one."""

    def set_cookie(self, cookie, *args, **kwargs):
        value = cookie.value
        if isinstance(value, str) and value.startswith('"') and value.endswith('"'):
            value = value.replace('\\"', "")
            cookie = copy.copy(cookie)
            cookie.value = value
        self._session._cookie_set(*_cookie_values(cookie))

    def clear(self, domain=None, path=None, name=None):
        if name is not None and (domain is None or path is None):
            raise ValueError("domain and path must be given to remove a cookie by name")
        if path is not None and domain is None:
            raise ValueError("domain must be given to remove cookies by path")
        deleted = self._session._cookie_delete(domain, path, name)
        if domain is not None and not deleted:
            raise KeyError(name if name is not None else path if path is not None else domain)

    def replace(self, cookies):
        """Takes the contents of another jar or mapping instead of its own."""
        cookies = list(cookies) if not isinstance(cookies, Mapping) or hasattr(cookies, "set_cookie") else dict(cookies)
        self.clear()
        if isinstance(cookies, dict):
            self.update(cookies)
        else:
            for cookie in cookies:
                self.set_cookie(cookie)

    def __reduce__(self):
        return RequestsCookieJar, (), self.copy().__getstate__()

    def copy(self):
        jar = RequestsCookieJar()
        jar.set_policy(self.get_policy())
        jar.update(self)
        return jar


def make_cookie(domain, path, name, _, value, domain_given, path_given, secure, http_only, expires):
    """One cookie of the native jar as http.cookiejar has it."""
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=domain_given,
        domain_initial_dot=domain.startswith("."),
        path=path,
        path_specified=path_given,
        secure=secure,
        expires=expires or None,
        discard=not expires,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": None} if http_only else {},
    )


class HttpSession(_locust.SessionBase, requests.Session):
    """A session that reports every request.

    It takes what requests.Session takes, and besides: URLs relative to base_url, name= for the statistics, and
    catch_response=True to decide in a with-block whether the request has succeeded.
    """

    def __init__(self, base_url, request_event, user, *args, pool_manager=None, **kwargs):
        parts = urlparse(base_url)
        if parts.username and parts.password:
            netloc = parts.hostname + (f":{parts.port}" if parts.port is not None else "")
            base_url = urlunparse(parts._replace(netloc=netloc))
        super().__init__(base_url, request_event, user)
        if parts.username and parts.password:
            self.auth = HTTPBasicAuth(parts.username, parts.password)
        self.pool_manager = pool_manager

    def mount(self, prefix, adapter):
        raise NotImplementedError("adapters are not supported by this version's HTTP client")

    @contextmanager
    def rename_request(self, name: str):
        """Within the block, requests that say no name are called so."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None


class ResponseContextManager(_locust.ResponseBase, requests.Response):
    """A reply. With catch_response=True it is a context manager whose block decides on success.

    Until the block ends, success() and failure() may be called; what the block leaves undecided is decided by the
    status.
    """

    next = None
    connection = None


def _needs_catch_response(self, *args, **kwargs):
    raise LocustError(
        "If you want to change the state of the request using .success() or .failure(), you must pass "
        "catch_response=True. See http://docs.locust.io/en/stable/writing-a-locustfile.html#validating-responses"
    )


requests.Response.success = _needs_catch_response
requests.Response.failure = _needs_catch_response


# What the native code leaves to requests.


def _encode_form(data):
    return requests.models.RequestEncodingMixin._encode_params(data)


def _encode_json(value):
    try:
        return _json_encoder.encode(value)
    except ValueError as e:
        raise requests.exceptions.InvalidJSONError(e) from e


_json_encoder = complexjson.JSONEncoder(allow_nan=False)


def _prepare_url(url, params):
    request = requests.PreparedRequest()
    request.prepare_url(url, params)
    if not request.url.lower().startswith(("http://", "https://")):
        raise InvalidSchema(f"No connection adapters were found for {request.url!r}")
    return request.url


def _basic_auth(auth):
    if isinstance(auth, HTTPBasicAuth):
        return _basic_auth_str(auth.username, auth.password)
    return _basic_auth_str(*auth)


def _merge_headers(session, headers):
    return merge_setting(headers, session.headers, dict_class=CaseInsensitiveDict)


# http.client's rules for header lines, which come after requests'.
_legal_name = re.compile(rb"[^:\s][^:\r\n]*")
_illegal_value = re.compile(rb"\n(?![ \t])|\r(?![ \t\n])|\0")


def _check_header(name, value):
    """Raises what requests and http.client raise for a header that they do not send."""
    check_header_validity((name, value))
    name, value = (part.encode("latin-1") if isinstance(part, str) else part for part in (name, value))
    if not _legal_name.fullmatch(name):
        raise ValueError(f"Invalid header name {name!r}")
    if _illegal_value.search(value):
        raise ValueError(f"Invalid header value {value!r}")


def _split_timeout(timeout):
    """(connect, read) in seconds or None, by the rules of requests and urllib3."""
    if isinstance(timeout, tuple):
        if len(timeout) != 2:
            raise ValueError(
                f"Invalid timeout {timeout!r}. Pass a (connect, read) timeout tuple, or a single float to set both "
                "timeouts to the same value."
            )
        timeout = urllib3.util.Timeout(connect=timeout[0], read=timeout[1])
    elif not isinstance(timeout, urllib3.util.Timeout):
        timeout = urllib3.util.Timeout(connect=timeout, read=timeout)
    return timeout.connect_timeout, timeout.clone().read_timeout


def _cookie_items(cookies):
    """A jar or a mapping as arguments of _cookie_set."""
    return [_cookie_values(cookie) for cookie in requests.cookies.merge_cookies(RequestsCookieJar(), cookies)]


def _cookie_values(cookie):
    return (
        cookie.domain,
        cookie.path,
        cookie.name,
        cookie.value,
        cookie.domain_specified,
        cookie.path_specified,
        cookie.secure,
        cookie.has_nonstandard_attr("HttpOnly"),
        int(cookie.expires or 0),
    )


_UNSUPPORTED = ("stream", "proxies", "cert", "hooks")


def _prepare(session, method, url, arguments):
    """Lets requests prepare a request that the native code does not: files, auth objects, unusual bodies."""
    for name in _UNSUPPORTED:
        if arguments.pop(name, None):
            raise NotImplementedError(f"{name}= is not supported by this version's HTTP client")
        value = getattr(session, name)
        if any(value.values()) if name == "hooks" else value:
            raise NotImplementedError(f"a session's {name} is not supported by this version's HTTP client")
    if not absolute_http_url_regexp.match(url):
        url = session.base_url + url
    if session.headers is None:
        session.headers = CaseInsensitiveDict()
    prepared = session.prepare_request(requests.Request(method.upper(), url, **arguments))
    if not prepared.url.lower().startswith(("http://", "https://")):
        raise InvalidSchema(f"No connection adapters were found for {prepared.url!r}")
    body = prepared.body
    if hasattr(body, "read"):
        body = body.read()
        prepared.headers.pop("Transfer-Encoding", None)
    elif body is not None and not isinstance(body, (str, bytes, bytearray, memoryview)):
        body = b"".join(part.encode() if isinstance(part, str) else part for part in body)
        prepared.headers.pop("Transfer-Encoding", None)
    return prepared.method, prepared.url, prepared.headers, body


# Attributes that come into being when they are looked at.


def _session_attribute(session, what):
    if what == "headers":
        return requests.utils.default_headers()
    if what == "cookies":
        return SessionCookieJar(session)
    if what == "hooks":
        return requests.hooks.default_hooks()
    if what == "adapters":
        adapters = {}
        for prefix in ("https://", "http://"):
            adapters[prefix] = LocustHttpAdapter(pool_manager=getattr(session, "pool_manager", None))
        return adapters
    return {}


def _response_headers(response):
    headers = CaseInsensitiveDict()
    for name, value in response._header_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _response_cookies(response):
    jar = RequestsCookieJar()
    if response.status_code:
        message = http.client.HTTPMessage()
        for name, value in response._header_items():
            message[name] = value
        raw = type("Raw", (), {"_original_response": type("Original", (), {"msg": message})})
        requests.cookies.extract_cookies_to_jar(jar, _response_request(response, response.url), raw)
    return jar


def _response_request(response, url=None):
    info = response._request_info()
    if info is None:
        return None
    method, sent_url, lines, body = info
    request = requests.PreparedRequest()
    request.method = method
    request.url = url or sent_url
    request.headers = CaseInsensitiveDict()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and value:
            request.headers[name] = value.removeprefix(" ")
        elif not colon:
            request.headers[name.rstrip(";")] = ""
    request.body = body
    request.hooks = requests.hooks.default_hooks()
    return request


def _response_attribute(response, what):
    if what == "headers":
        return _response_headers(response)
    if what == "cookies":
        return _response_cookies(response)
    if what == "elapsed":
        return datetime.timedelta(seconds=response._elapsed_seconds)
    if what == "request":
        if response.error is not None:
            return getattr(response.error, "request", None)
        return _response_request(response)
    if what == "raw":
        return io.BytesIO(response.content or b"")
    if what == "text":
        return requests.Response.text.fget(response)
    return getattr(super(_locust.ResponseBase, response), what)


def _lazy(thing, what):
    if isinstance(thing, _locust.SessionBase):
        return _session_attribute(thing, what)
    return _response_attribute(thing, what)


# Failures as requests would raise them.


def _caused(outer, inner):
    """An exception raised while another one was handled, as requests' come."""
    outer.__context__ = inner
    return outer


def _connection_error(request, inner):
    return _caused(requests.exceptions.ConnectionError(inner, request=request), inner)


def _pool(url):
    """How urllib3 names the pool that a URL belongs to."""
    parts = urlparse(url)
    secure = parts.scheme == "https"
    return (
        f"HTTP{'S' if secure else ''}ConnectionPool(host={parts.hostname!r}, "
        f"port={parts.port or (443 if secure else 80)})"
    )


def _os_error(code):
    return OSError(code, os.strerror(code))


def _tls_error(message, host):
    reason = message
    if "certificate problem: " in message or "certificate verify failed" in message:
        reason = message.partition("certificate problem: ")[2] or message
        inner = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason}")
    elif "does not match" in message or "no alternative certificate" in message:
        kind = "IP address" if re.fullmatch(r"[\d.]+|.*:.*", host) else "Hostname"
        reason = f"{kind} mismatch, certificate is not valid for {host!r}."
        inner = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason}")
    else:
        inner = ssl.SSLError(1, reason)
    return urllib3.exceptions.SSLError(inner)


def _incomplete(received, missing):
    if missing < 0:
        return http.client.IncompleteRead(b"\0" * received)
    return urllib3.exceptions.IncompleteRead(received, missing)


def _decode_error(response, message):
    headers = _response_headers(response)
    return urllib3.exceptions.DecodeError(
        f"Received response with content-encoding: {headers.get('Content-Encoding')}, but failed to decode it.",
        zlib.error(f"Error -3 while decompressing data: {message.rpartition(': ')[2]}"),
    )


def _make_error(response, url, kind, code, message, timeout, received):
    """The exception that requests would raise, and what is left of it when its wrapping is taken off."""
    request = _response_request(response, url)
    exceptions = requests.exceptions
    if kind == "resolve":
        inner = socket.gaierror(code, message)
        return _connection_error(request, inner), inner
    if kind in ("connect", "reset"):
        inner = _os_error(code)
        return _connection_error(request, inner), inner
    if kind == "closed":
        inner = http.client.RemoteDisconnected("Remote end closed connection without response")
        return _connection_error(request, inner), inner
    if kind == "bad_status_line":
        inner = http.client.BadStatusLine(message or "")
        return _connection_error(request, inner), inner
    if kind == "tls":
        inner = _tls_error(message, urlparse(url).hostname)
        error = _caused(exceptions.SSLError(inner, request=request), inner)
        return error, inner
    if kind == "too_big":
        inner = (
            http.client.HTTPException("got more than 100 headers") if code else http.client.LineTooLong("header line")
        )
        return _connection_error(request, inner), inner
    if kind == "connect_timeout":
        host = urlparse(url).hostname
        error = exceptions.ConnectTimeout(
            f"{_pool(url)}: Connection to {host} timed out. (connect timeout={timeout:g})", request=request
        )
        return error, error
    if kind == "read_timeout" and code == 1:
        inner = urllib3.exceptions.ReadTimeoutError(None, None, f"{_pool(url)}: Read timed out.")
        inner.args = (f"{_pool(url)}: Read timed out.",)
        return _connection_error(None, inner), inner
    if kind == "read_timeout":
        inner = urllib3.exceptions.ReadTimeoutError(None, url, f"{_pool(url)}: Read timed out. (read timeout={timeout:g})")
        inner.args = (f"{_pool(url)}: Read timed out. (read timeout={timeout:g})",)
        error = exceptions.ReadTimeout(inner, request=request)
        return error, error
    if kind in ("broken_body", "truncated", "bad_chunk"):
        if kind == "broken_body":
            cause = _os_error(code or errno.ECONNRESET)
        elif kind == "truncated":
            cause = _incomplete(received, code)
        else:
            cause = http.client.HTTPException(message)
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
        if not absolute_http_url_regexp.match(message):
            raise InvalidSchema(f"No connection adapters were found for {message!r}")
        raise exceptions.InvalidURL(f"Failed to parse: {message}", request=request)
    if kind == "no_memory":
        error = exceptions.RequestException("not enough memory for the request", request=request)
        return error, error
    inner = urllib3.exceptions.ProtocolError(message or kind)
    return _connection_error(request, inner), inner


def _default_lines():
    return [f"{name}: {value}" for name, value in requests.utils.default_headers().items()]


_locust.set_client_helpers(
    _default_lines(),
    f"User-Agent: python-urllib3/{urllib3.__version__}",
    response_class=ResponseContextManager,
    encode_json=_encode_json,
    encode_form=_encode_form,
    prepare_url=_prepare_url,
    prepare=_prepare,
    merge_headers=_merge_headers,
    basic_auth=_basic_auth,
    basic_auth_class=HTTPBasicAuth,
    check_header=_check_header,
    split_timeout=_split_timeout,
    cookie_items=_cookie_items,
    passed_on=(requests.exceptions.MissingSchema, InvalidSchema, requests.exceptions.InvalidURL),
    request_error=requests.RequestException,
    make_error=_make_error,
    http_error=requests.exceptions.HTTPError,
    response_error=ResponseError,
    catch_error=CatchResponseError,
    lazy=_lazy,
    loads=complexjson.loads,
    trust=requests.certs.where() if os.path.exists(requests.certs.where()) else None,
)

# Connections are closed in good order, after the last thing that may use them.
atexit.register(_locust.stop_engine)
