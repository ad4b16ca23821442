"""Bodies that are neither text nor bytes: files, generators, multipart forms."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

PIECE = 64 * 1024


def describe_body(body):
    """(pieces, length, rewind) of something that is read or iterated over; length -1: unknown."""
    read = getattr(body, "read", None)
    if read is None:
        return iter(body), _length(body), None
    seek = getattr(body, "seek", None)

    def again():
        seek(0)
        return _pieces(read)

    return _pieces(read), _length(body), again if seek is not None else None


def _pieces(read):
    while piece := read(PIECE):
        yield piece


def _length(body) -> int:
    try:
        return len(body)
    except TypeError:
        pass
    try:
        return os.fstat(body.fileno()).st_size - body.tell()
    except (AttributeError, OSError):
        return -1


def encode_files(files, data):
    """The body and the header line of a form with files.

    files: a mapping or pairs of a name and a file, or a tuple (file name, file[, type[, headers[,
    boundary]]]); a file is str, bytes or has read().
    """
    if isinstance(data, (str, bytes)):
        raise ValueError("Data must not be a string.")
    parts, boundary = [], None
    for name, values in _pairs(data or {}):
        if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
            values = [values]
        parts.extend(_field(name, value) for value in values if value is not None)
    for name, file in _pairs(files):
        if isinstance(file, (tuple, list)):
            missing = [None] * max(0, 5 - len(file))
            filename, contents, kind, headers, own = [*file, *missing]
            boundary = boundary or own
        else:
            filename, contents, kind, headers = _filename(file) or name, file, None, None
        if contents is not None:
            parts.append(_part(name, _contents(contents), filename, kind, headers))
    boundary = boundary or secrets.token_hex(16)
    mark = boundary.encode("ascii")
    body = b"".join(b"--%s\r\n%s\r\n" % (mark, part) for part in parts) + b"--%s--\r\n" % mark
    return body, f"content-type: multipart/form-data; boundary={boundary}".encode()


def _pairs(items):
    return items.items() if isinstance(items, Mapping) else items


def _contents(file):
    return file.read() if hasattr(file, "read") else file


def _filename(file):
    name = getattr(file, "name", None)
    name = name.decode() if isinstance(name, bytes) else name
    if isinstance(name, str) and name and name[0] != "<" and name[-1] != ">":
        return os.path.basename(name)
    return None


def _quoted(value) -> str:
    value = value.decode() if isinstance(value, bytes) else str(value)
    return value.replace('"', "%22")


def _field(name, value) -> bytes:
    return _part(name, value if isinstance(value, bytes) else str(value))


def _part(name, contents, filename=None, kind=None, headers=None) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{_quoted(name)}"']
    if filename is not None:
        lines[0] += f'; filename="{_quoted(filename)}"'
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    lines.extend(f"{key}: {value}" for key, value in _pairs(headers or {}))
    contents = contents.encode() if isinstance(contents, str) else bytes(contents)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + contents
