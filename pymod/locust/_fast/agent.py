"""User agents and the connections that they have."""

from __future__ import annotations

import ssl
from urllib.parse import quote

import _locust

from locust._requests_prepare import http_version

from . import USER_AGENT
from .errors import EmptyResponse
from .headers import Headers
from .replies import CompatRequest, CompatResponse
from .tls import default_authorities, factory_options
from .urls import URL


class HTTPClientPool(_locust.ClientPoolBase):
    """The connections of one user agent or of several."""

    def __init__(self, **client_args):
        super().__init__(int(client_args.get("concurrency", 1)))
        self.client_args = client_args
        self._clients = {}

    @property
    def clients(self):
        """{(host, port): client} of the hosts that were asked."""
        for url in self._hosts():
            self.get_client(url)
        return self._clients

    def get_client(self, url):
        """The client for the host of a URL."""
        url = url if isinstance(url, URL) else URL(url)
        key = url.host, url.port
        if key not in self._clients:
            self._clients[key] = HTTPClient.from_url(url, client_pool=self)
        return self._clients[key]

    def close(self):
        """Closes the connections; the next request opens new ones."""
        self._clients.clear()
        super().close()


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
        if client_pool is not None:
            client_args = client_pool.client_args
        elif insecure:
            client_args["insecure"] = True
        super().__init__(
            int(max_redirects),
            int(max_retries),
            retry_delay,
            client_args.get("connection_timeout", 5.0) or 0,
            client_args.get("network_timeout", 5.0) or 0,
            int(client_args.get("concurrency", 1)),
        )
        if client_args.get("proxy_host") is not None:
            assert client_args.get("proxy_port") is not None, "proxy_host needs a proxy_port"
        self._client_args = client_args
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


def insecure_context(*args, **kwargs):
    """A context that checks nothing."""
    return ssl._create_unverified_context()


def _proxy(host, port, user=None, password=None, **_):
    who = ""
    if user or password:
        who = f"{quote(user or '', safe='')}:{quote(password or '', safe='')}@"
    return f"http://{who}{f'[{host}]' if ':' in host else host}:{port}"


def options(agent):
    """(whether certificates are checked, what is asked of the connections)."""
    args = agent._client_args
    insecure = args.get("insecure", False)
    factory = args.get("ssl_context_factory") or ssl.create_default_context
    if factory is insecure_context:
        verify, options = False, {}
    elif factory is ssl.create_default_context:
        verify, options = True, {"ca_file": default_authorities(), "any_host_name": insecure}
    else:
        verify, options = factory_options(factory, insecure)
    if args.get("proxy_host") is not None:
        given = {name[6:]: value for name, value in args.items() if name.startswith("proxy_")}
        options["http_proxy"] = options["https_proxy"] = _proxy(**given)
    if args.get("http_version"):
        options["http_version"] = http_version(args["http_version"])
    options["unix_socket"] = args.get("unix_socket")
    return verify, options


def default_headers(agent):
    return Headers({"User-Agent": USER_AGENT})


def client_pool(agent):
    return HTTPClientPool(**agent._client_args)
