"""What the native code leaves to requests when it builds a request: encodings, checks, unusual parts."""

from __future__ import annotations

import io
import os
import re
import secrets
import stat

import requests
import urllib3.util
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth, _basic_auth_str
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from requests.models import complexjson
from requests.sessions import merge_setting
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

LET_THROUGH = (MissingSchema, InvalidSchema, InvalidURL)
"""What is wrong with a URL is the task's to know; nothing is reported."""


def encode_form(data):
    """A form as requests encodes it."""
    return requests.models.RequestEncodingMixin._encode_params(data)


_json_encoder = complexjson.JSONEncoder(allow_nan=False)


def encode_json(value):
    """A body of JSON as requests encodes it."""
    try:
        return _json_encoder.encode(value)
    except ValueError as e:
        raise requests.exceptions.InvalidJSONError(e) from e


def prepare_url(url, params):
    """A URL as requests quotes it."""
    request = requests.PreparedRequest()
    request.prepare_url(url, params)
    check_scheme(request.url)
    return request.url


def check_scheme(url):
    """Raises what requests raises for a URL that no adapter takes."""
    if not url.lower().startswith(("http://", "https://")):
        raise InvalidSchema(f"No connection adapters were found for {url!r}")


def basic_auth(auth):
    """The header for a pair or an HTTPBasicAuth."""
    if isinstance(auth, HTTPBasicAuth):
        return _basic_auth_str(auth.username, auth.password)
    return _basic_auth_str(*auth)


def merge_headers(session, headers):
    """The session's headers with those of a call laid over them."""
    return merge_setting(headers, session.headers, dict_class=CaseInsensitiveDict) or {}


# http.client's rules for header lines, which come after requests'.
_legal_name = re.compile(rb"[^:\s][^:\r\n]*")
_illegal_value = re.compile(rb"\n(?![ \t])|\r(?![ \t\n])|\0")


def check_header(name, value):
    """Raises what requests and http.client raise for a header that they do not send."""
    check_header_validity((name, value))
    name, value = (part.encode("latin-1") if isinstance(part, str) else part for part in (name, value))
    if not _legal_name.fullmatch(name):
        raise ValueError(f"Invalid header name {name!r}")
    if _illegal_value.search(value):
        raise ValueError(f"Invalid header value {value!r}")


def split_timeout(timeout):
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


class _Files:
    """What HTTPAdapter.cert_verify() fills in of a pool."""

    cert_reqs = ca_certs = ca_cert_dir = cert_file = key_file = None


def tls_options(url, verify, cert):
    """Options of connections for verify= and cert=; raises OSError for files that are not there, as requests does."""
    files = _Files()
    HTTPAdapter.cert_verify(None, files, url, verify, cert)
    return file_options(
        ca_file=files.ca_certs if verify is not True else None,
        ca_directory=files.ca_cert_dir,
        cert_file=files.cert_file,
        key_file=files.key_file,
    )


def http_version(version) -> int:
    """"1.0", "1.1" or "2", as the engine counts them."""
    number = {"1.0": 10, "1.1": 11, "2": 20}.get(str(version))
    if number is None:
        raise ValueError(f"http_version must be '1.0', '1.1' or '2', not {version!r}")
    return number


def file_options(**paths):
    """Options of connections that name files; what is None says nothing."""
    return {name: os.fsdecode(path) for name, path in paths.items() if path is not None}


# Bodies.

_PIECE = 64 * 1024


def body_source(body):
    """What the native code sends for a body that is neither text nor bytes.

    Regular files are read by the I/O thread: [(descriptor, offset, length)]. Anything else is iterated over: (iterable,
    length or -1, rewind or None).
    """
    pieces = getattr(body, "_pieces", None)
    if pieces is not None:
        return pieces()
    if not hasattr(body, "read"):
        return iter(body), _length(body), None
    piece = _regular_file(body)
    if piece is not None:
        body.seek(piece[1] + piece[2])
        return [piece]
    return _read_pieces(body), _length(body), _rewinder(body)


def _regular_file(body):
    """(descriptor, offset, length) of what is left of a file on disk, or None."""
    if isinstance(body, io.TextIOBase):
        return None
    try:
        descriptor, at = body.fileno(), body.tell()
        status = os.fstat(descriptor)
    except (AttributeError, OSError):
        return None
    if not stat.S_ISREG(status.st_mode) or not isinstance(body, (io.BufferedReader, io.BufferedRandom, io.FileIO)):
        return None
    return descriptor, at, max(status.st_size - at, 0)


def _read_pieces(body):
    while piece := body.read(_PIECE):
        yield piece.encode("latin-1") if isinstance(piece, str) else piece


def _rewinder(body):
    try:
        start = body.tell()
    except (AttributeError, OSError):
        return None

    def rewind():
        try:
            body.seek(start)
        except OSError:
            raise requests.exceptions.UnrewindableBodyError(
                "An error occurred when rewinding request body for redirect."
            ) from None
        return _read_pieces(body)

    return rewind


def _length(body):
    length = requests.utils.super_len(body)
    return length if length else -1


# Files of a form are not read before they are sent, if they are larger than this.
_LARGE = 256 * 1024


class MultipartBody:
    """A form with files, which are read from disk while they are sent."""

    def __init__(self, pieces):
        self._parts = pieces
        self._left = None

    def _pieces(self):
        return list(self._parts)

    def __len__(self):
        return sum(len(part) if isinstance(part, bytes) else part[2] for part in self._parts)

    def __iter__(self):
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
                continue
            descriptor, at, length = part
            while length and (piece := os.pread(descriptor, min(length, _PIECE), at)):
                at, length = at + len(piece), length - len(piece)
                yield piece

    def read(self, size=-1):
        """The next bytes, for who reads it as a file."""
        if self._left is None:
            self._left, self._source = b"", iter(self)
        while size < 0 or len(self._left) < size:
            piece = next(self._source, None)
            if piece is None:
                size = len(self._left)
                break
            self._left += piece
        bytes_read, self._left = self._left[:size], self._left[size:]
        return bytes_read

    def tell(self):
        return 0

    def seek(self, position):
        self._left = None


def _without_large_files(files):
    """The files of a form with marks instead of those that are not to be read now, and {mark: piece}."""
    marks, changed = {}, []
    for name, value in files.items() if hasattr(files, "items") else files:
        whole = isinstance(value, (tuple, list))
        given = list(value) if whole else [requests.utils.guess_filename(value) or name, value]
        piece = _regular_file(given[1]) if len(given) > 1 and hasattr(given[1], "read") else None
        if piece is not None and piece[2] > _LARGE:
            given[1].seek(piece[1] + piece[2])
            mark = secrets.token_bytes(32)
            marks[mark] = piece
            given[1] = mark
            value = tuple(given)
        changed.append((name, value))
    return changed, marks


def _with_pieces(body, marks):
    pieces = []
    for mark, piece in marks.items():
        before, _, body = body.partition(mark)
        pieces += [before, piece]
    return MultipartBody([*pieces, body])


def _signs(session, arguments):
    """Whether an auth object has a look at the request, and so perhaps at its body."""
    auth = arguments.get("auth") or session.auth
    return auth is not None and not isinstance(auth, (tuple, HTTPBasicAuth))


def prepare(session, method, url, arguments):
    """Lets requests prepare a request that the native code does not: files, auth objects, unusual bodies.

    Gives (method, url, headers, body, request) to be sent natively; or the response, if the request wants hooks of
    requests to be called, as HTTPDigestAuth does.
    """
    marks = {}
    if arguments.get("files") and not _signs(session, arguments):
        files, marks = _without_large_files(arguments["files"])
        arguments = {**arguments, "files": files}
    prepared = prepare_request(session, method, session._build_url(url), arguments)
    if marks:
        prepared.body = _with_pieces(prepared.body, marks)
        prepared.headers["Content-Length"] = str(len(prepared.body))
    if any(prepared.hooks.values()):
        return session._send_prepared(prepared, arguments)
    check_scheme(prepared.url)
    return prepared.method, prepared.url, prepared.headers, prepared.body, prepared


_OF_REQUEST = ("data", "json", "params", "headers", "cookies", "auth", "files")


def prepare_request(session, method, url, arguments):
    """What requests makes of a call before it sends it."""
    if session.headers is None:
        session.headers = CaseInsensitiveDict()
    given = {name: arguments[name] for name in _OF_REQUEST if name in arguments}
    return session.prepare_request(requests.Request(method.upper(), url, **given))
