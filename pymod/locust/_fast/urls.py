"""Addresses and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlparse, urlunparse

from requests.utils import requote_uri


class InvalidURL(Exception):
    """An address that is none."""


_PARTS = ("scheme", "netloc", "path", "params", "query", "fragment", "username", "password")


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
        if name in _PARTS:
            return getattr(self._parts, name) or ""
        raise AttributeError(name)


def encode_params(params) -> str:
    """Parameters (str, bytes, a mapping or pairs) as a query; without None, lists one by one."""
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
    added = encode_params(params) if params else ""
    query = "&".join(part for part in (parts.query, added) if part)
    target = requote_uri(urlunparse(("", "", parts.path, parts.params, query, "")))
    slash = "" if target.startswith("/") else "/"
    return f"{parts.scheme.lower()}://{host}{port}{slash}{target}"
