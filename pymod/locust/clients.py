"""The HTTP client of HttpUser: a requests.Session whose requests are made by native I/O threads.

What every request needs is native (_locust.SessionBase, _locust.ResponseBase). Here are the classes that third-party
code knows, and what hangs together with requests: _requests_prepare builds what the native code does not,
_requests_pools lets requests' own machinery send over the engine, _requests_responses makes what is looked at of a
response, _requests_cookies shows the cookies, and _requests_errors makes exceptions of failures.
"""

from __future__ import annotations

import atexit
import os
import re
from contextlib import contextmanager
from urllib.parse import unquote, urlparse, urlunparse

import _locust
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException
from requests.models import complexjson

from locust import _requests_cookies as cookies
from locust import _requests_pools as pools
from locust import _requests_prepare as prepare
from locust import _requests_responses as responses
from locust._requests_cookies import SessionCookieJar
from locust._requests_errors import aborted, make_error, unwrap
from locust.exception import CatchResponseError, LocustError, ResponseError

__all__ = ["HttpSession", "LocustHttpAdapter", "ResponseContextManager", "absolute_http_url_regexp", "requests_version"]

absolute_http_url_regexp = re.compile(r"^https?://", re.I)

requests_version = tuple(int(part) for part in re.findall(r"\d+", requests.__version__)[:3])


class LocustHttpAdapter(HTTPAdapter):
    """The adapter of a session. Ordinary requests do not pass through it: the native engine sends them.

    pool_manager: a urllib3.PoolManager to be used instead of one of the adapter's own.
    """

    poolmanager = None

    def __init__(self, pool_manager=None, *args, **kwargs):
        self.poolmanager = pool_manager
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args, **kwargs):
        if self.poolmanager is None:
            super().init_poolmanager(*args, **kwargs)
        pools.route(self)


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
        if pool_manager is not None:
            self._share(pool_manager)
        if base_url.lower().startswith("http+unix://"):
            self._connect_to(base_url)

    def _connect_to(self, url):
        """All requests go to a unix socket; what URLs say is localhost."""
        socket, slash, path = url[len("http+unix://"):].partition("/")
        self.base_url = "http://localhost" + slash + path
        self._ask(unix_socket=unquote(socket))

    def _ask(self, **options):
        """Asks something of all connections that are made from now on."""
        self._transport.options = {**(self._transport.options or {}), **options}

    @property
    def http_version(self):
        """"1.0", "1.1" or "2": what is spoken; 2 with https only if the server agrees."""
        number = (self._transport.options or {}).get("http_version", 11)
        return {10: "1.0", 11: "1.1", 20: "2"}[number]

    @http_version.setter
    def http_version(self, version):
        self._ask(http_version=prepare.http_version(version))

    def _share(self, pool_manager):
        """Uses the connections of a PoolManager: natively, unless it limits how many there may be."""
        transport = getattr(pool_manager, "_locust_transport", None)
        if transport is None and not pool_manager.connection_pool_kw.get("block"):
            transport = pool_manager._locust_transport = _locust.Transport()
        pools.route_manager(pool_manager, transport)
        if transport is not None:
            self._transport = transport
        self.adapters = _own_adapters(self, pool_manager, transport is not None)

    def mount(self, prefix, adapter):
        """Requests whose URL begins with the prefix are sent by this adapter, over the native engine if it is one of
        requests' HTTPAdapters."""
        pools.route(adapter, options=self._transport.options)
        super().mount(prefix, adapter)

    def prepare_request(self, request):
        prepared = super().prepare_request(request)
        if self.explicit_name:
            prepared._explicit_name = self.explicit_name
        return prepared

    @contextmanager
    def rename_request(self, name: str):
        """Within the block, requests that say no name are called so."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def _build_url(self, path):
        """The URL of a request: what is no absolute one stands behind base_url."""
        if absolute_http_url_regexp.match(path):
            return path
        return f"{self.base_url}{path}"

    def _send_request_safe_mode(self, method, url, **kwargs):
        """A response in any case, unless the URL is wrong: of a failure one that stands for it."""
        return _safely(requests.Session.request, self, method, url, **kwargs)

    def _send_prepared(self, prepared, arguments):
        """The same for a request that is prepared already; arguments: those of request()."""
        return _safely(_send, self, prepared, arguments)

    def _new_jar(self):
        return _locust.CookieJar()


def _safely(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except (MissingSchema, InvalidSchema, InvalidURL):
        raise
    except RequestException as e:
        return ResponseContextManager(e)


def _send(session, prepared, arguments):
    """As requests.Session.request() goes on when it has prepared a request."""
    settings = session.merge_environment_settings(
        prepared.url,
        arguments.get("proxies") or {},
        arguments.get("stream"),
        arguments.get("verify"),
        arguments.get("cert"),
    )
    return session.send(
        prepared,
        timeout=arguments.get("timeout"),
        allow_redirects=arguments.get("allow_redirects", True),
        **settings,
    )


def _send_slowly(session, method, url, arguments):
    """Leaves a call to requests, piece by piece; it comes back to us where its adapters ask for a connection."""
    return session._send_request_safe_mode(method, session._build_url(url), **arguments)


class ResponseContextManager(_locust.ResponseBase, requests.Response):
    """A reply. With catch_response=True it is a context manager whose block decides on success.

    Until the block ends, success() and failure() may be called; what the block leaves undecided is decided by the
    status.
    """

    connection = None

    @classmethod
    def wrap_response(cls, response, request_event, request_meta, catch_response):
        """A reply of this class for any response of requests, to be reported with request_meta."""
        wrapped = cls._of(response)
        wrapped._entered = False
        wrapped._manual_result = None
        wrapped._request_event = request_event
        wrapped._catch_response = catch_response
        wrapped.request_meta = request_meta
        return wrapped

    @property
    def next(self):
        """The request that a redirect asks for, if it was not followed."""
        if "_next" in self.__dict__:
            return self.__dict__["_next"]
        if not self.is_redirect:
            return None
        return responses.next_request(self)

    def _request_for(self, url):
        return responses.request_of(self, url)

    def _content_encoding(self):
        return responses.headers_of(self).get("Content-Encoding")


def _needs_catch_response(self, *args, **kwargs):
    raise LocustError(
        "If you want to change the state of the request using .success() or .failure(), you must pass "
        "catch_response=True. See http://docs.locust.io/en/stable/writing-a-locustfile.html#validating-responses"
    )


requests.Response.success = _needs_catch_response
requests.Response.failure = _needs_catch_response


# What a session has when somebody looks at it.


def _own_adapters(session, pool_manager=None, native=True):
    """The adapters that a session comes with. Requests that would pass through them are sent natively."""
    adapters = {}
    for prefix in ("https://", "http://"):
        adapter = adapters[prefix] = LocustHttpAdapter(pool_manager=pool_manager)
        adapter._native = (adapter.max_retries, adapter.poolmanager) if native else None
        pools.route(adapter, session._transport if pool_manager is None else None)
    return adapters


def _adapters_are_ours(session):
    """Whether all of a session's adapters are those that it came with, unchanged."""
    adapters = session.adapters
    if len(adapters) != 2 or "http://" not in adapters or "https://" not in adapters:
        return False
    for adapter in adapters.values():
        if type(adapter) is not LocustHttpAdapter:
            return False
        native = adapter.__dict__.get("_native")
        if native is None or "send" in adapter.__dict__:
            return False
        if native[0] is not adapter.max_retries or native[1] is not adapter.poolmanager:
            return False
    return True


def _close_adapters(session):
    for adapter in session.adapters.values():
        adapter.close()


def _session_attribute(session, what):
    if what == "headers":
        return requests.utils.default_headers()
    if what == "cookies":
        return SessionCookieJar(session._jar)
    if what == "hooks":
        return requests.hooks.default_hooks()
    if what == "adapters":
        return _own_adapters(session)
    return {}


def _lazy(thing, what):
    if isinstance(thing, _locust.SessionBase):
        return _session_attribute(thing, what)
    return responses.attribute(thing, what)


def _default_lines():
    return [f"{name}: {value}" for name, value in requests.utils.default_headers().items()]


# Who replaces one of these wants it to be called: (class or None for the session's own, name, what it is now).
_REPLACEABLE = [
    (None, "_build_url"),
    (None, "_send_request_safe_mode"),
    (None, "prepare_request"),
    (requests.Session, "prepare_request"),
    (requests.Session, "request"),
    *((None, name) for name in (
        "send", "get_adapter", "merge_environment_settings", "resolve_redirects", "get_redirect_target",
        "should_strip_auth", "rebuild_auth", "rebuild_proxies", "rebuild_method",
    )),
]  # fmt: skip

_locust.set_client_helpers(
    _default_lines(),
    f"User-Agent: python-urllib3/{urllib3.__version__}",
    not urllib3.__version__.startswith("1."),
    response_class=ResponseContextManager,
    encode_json=prepare.encode_json,
    encode_form=prepare.encode_form,
    prepare_url=prepare.prepare_url,
    prepare=prepare.prepare,
    merge_headers=prepare.merge_headers,
    basic_auth=prepare.basic_auth,
    basic_auth_class=HTTPBasicAuth,
    check_header=prepare.check_header,
    split_timeout=prepare.split_timeout,
    tls_options=prepare.tls_options,
    body_source=prepare.body_source,
    cookie_items=cookies.cookie_items,
    adopt_cookies=cookies.adopt,
    passed_on=prepare.LET_THROUGH,
    request_error=requests.RequestException,
    make_error=make_error,
    aborted=aborted,
    unwrap=unwrap,
    http_error=requests.exceptions.HTTPError,
    response_error=ResponseError,
    catch_error=CatchResponseError,
    lazy=_lazy,
    describe=responses.describe,
    send_slowly=_send_slowly,
    adapters_are_ours=_adapters_are_ours,
    close_adapters=_close_adapters,
    adapter_class=HTTPAdapter,
    adapter_send=HTTPAdapter.send,
    own_methods=tuple((owner, name, getattr(owner or HttpSession, name)) for owner, name in _REPLACEABLE),
    loads=complexjson.loads,
    trust=os.fsdecode(requests.certs.where()) if os.path.exists(requests.certs.where()) else None,
)

# Connections are closed in good order, after the last thing that may use them.
atexit.register(_locust.stop_engine)
