"""What of a response comes into being when somebody looks at it, and responses that requests itself has made."""

from __future__ import annotations

import datetime
import functools
import io
import json

from urllib.parse import urlparse

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict

from locust import _requests_pools as pools
from locust._requests_errors import JSONDecodeError, PoolName, pool_name


def headers_of(response):
    """The headers of a native response, lines of the same name joined."""
    headers = CaseInsensitiveDict()
    for name, value in response._header_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def cookies_of(response):
    """The cookies that a native response sets."""
    jar = RequestsCookieJar()
    if response.status_code:
        message = pools.message_of(response._header_items())
        raw = type("Raw", (), {"_original_response": type("Original", (), {"msg": message})})
        extract_cookies_to_jar(jar, request_of(response, response.url), raw)
    return jar


def request_of(response, url=None):
    """The request of a native response, as it was sent; None: there was none."""
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
    request._cookies = RequestsCookieJar()
    return request


def next_request(response):
    """The request that a redirect asks for which was not followed, with the cookies that it was itself sent with."""
    with requests.Session() as session:
        session.trust_env = False
        for pair in response.request.headers.get("Cookie", "").split("; "):
            name, equals, value = pair.partition("=")
            if name:
                session.cookies.set(name, value if equals else None, domain=urlparse(response.url).hostname)
        return next(session.resolve_redirects(response, response.request, yield_requests=True), None)


class _Bytes:
    """A body that has come, as a _locust.Reply gives it."""

    failure = None

    def __init__(self, response, body):
        self.status = response.status_code
        self.reason = response.reason
        self.version = response._http_version
        self.headers = response._header_items()
        self._body = io.BytesIO(body)

    @property
    def is_read(self):
        return self._body.tell() >= len(self._body.getbuffer())

    def read(self, most, fill):
        return self._body.read(most)


def raw_of(response):
    """response.raw: urllib3's response; of one whose body was read already there is nothing left to read."""
    if response._reply is not None:
        raw = pools.make_response(response._reply, response._method)
        raw._pool = PoolName(pool_name(response.url))
        return raw
    raw = pools.make_response(_Bytes(response, response._raw_body), response._method)
    if response._content_consumed:
        raw._original_response.close()
        raw._fp_bytes_read = len(response._raw_body)
    return raw


def _json(response, **kwargs):
    try:
        return requests.Response.json(response, **kwargs)
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError) or not hasattr(error, "pos"):
            raise
        raise JSONDecodeError(error.msg, error.doc, error.pos) from error


def attribute(response, what):
    """An attribute of a response when it is looked at for the first time."""
    if what == "headers":
        return headers_of(response)
    if what == "cookies":
        return cookies_of(response)
    if what == "elapsed":
        return datetime.timedelta(seconds=response._elapsed_seconds)
    if what == "request":
        if response.error is not None:
            return getattr(response.error, "request", None)
        return request_of(response)
    if what == "raw":
        return raw_of(response) if response.status_code else None
    if what == "json":
        return functools.partial(_json, response)
    if what in ("text", "content"):
        return getattr(requests.Response, what).fget(response)
    return getattr(requests.Response, what).__get__(response)


def describe(session, response, url, stream):
    """(URL, name, length, ms or None) that the request event has of a response which requests has made.

    The time is the engine's, from the first request going out to the last byte; None if the transport was another one.
    """
    first = (response.history[0] if response.history else response).request
    if first is not None:
        reported, name = str(first.url), first.path_url
    else:
        reported, name = session._build_url(url), str(url)
    if stream or (stream is None and session.stream):
        length = int(response.headers.get("content-length") or 0)
    else:
        length = len(response.content or b"")
    return reported, name, length, _engine_ms(response)


def _engine_ms(response):
    replies = [getattr(r.raw, "engine_reply", None) for r in [*response.history, response] if r.status_code]
    if not replies or None in replies:
        return None
    return (replies[-1].times[1] - replies[0].times[0]) * 1000
