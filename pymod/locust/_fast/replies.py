"""Requests that were sent, and their replies."""

from __future__ import annotations

import datetime

import _locust

from .headers import Headers
from .urls import URL


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
        if isinstance(declared, str) and declared.isdigit():
            return int(declared)
        return len(self.content or b"")

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

    def conversation(self) -> str:
        """The last request and its reply as text, for reading."""
        request = self.request
        target = request.url_split.quoted_uri or "/"
        lines = [f"{request.method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.header_items()]
        text = f"REQUEST: {request.url}\n" + "\r\n".join(lines) + "\r\n\r\n"
        if request.payload:
            payload = request.payload
            text += payload if isinstance(payload, str) else payload.decode(errors="replace")
            text += "\n\n"
        if self.headers is None:
            return text
        body = (self.content or b"").decode(errors="replace")
        return f"{text}RESPONSE: HTTP/1.1 {self.status_code}\n" + str(self.headers) + f"\n\n{body}"


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


def write_debug(response, stream):
    for reply in [*response.history, response]:
        if reply.status_code:
            stream.write(reply.conversation() + "\n\n")


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


def attribute_of(response, what):
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
