"""Files whose reading and writing lets the others run."""

from __future__ import annotations

import io
import os

import _locust

from .threadpool import pool

__all__ = ["FileObjectPosix", "FileObjectThread", "FileObjectBlock", "FileObject"]


class _Descriptor(io.RawIOBase):
    """A descriptor, non-blocking: pipes, terminals and the like are waited for."""

    def __init__(self, fd: int, mode: str, closefd: bool, name):
        self._fd, self._mode, self._closefd, self.name = fd, mode, closefd, name
        os.set_blocking(fd, False)

    def fileno(self):
        """Its number."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self._fd

    def readable(self):
        """Whether it is open for reading."""
        return "r" in self._mode or "+" in self._mode

    def writable(self):
        """Whether it is open for writing."""
        return any(letter in self._mode for letter in "wax+")

    def seekable(self):
        """Whether it is a file with places."""
        try:
            os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:
            return False
        return True

    def seek(self, offset, whence=0):
        """As os.lseek()."""
        return os.lseek(self.fileno(), offset, whence)

    def isatty(self):
        """Whether it is a terminal."""
        return os.isatty(self.fileno())

    def readinto(self, buffer):
        """Waits until there is something."""
        while True:
            try:
                return os.readv(self.fileno(), [buffer])
            except BlockingIOError:
                _locust.wait_fd(self._fd, 1)

    def write(self, data):
        """Waits until something can be written."""
        while True:
            try:
                return os.write(self.fileno(), data)
            except BlockingIOError:
                _locust.wait_fd(self._fd, 2)

    def close(self):
        """Closes the descriptor, if it is to be."""
        if not self.closed:
            super().close()
            if self._closefd:
                os.close(self._fd)


def _wrap(raw, mode: str, buffering, encoding, errors, newline):
    """Buffers and text, as open() puts them around a raw file."""
    if "b" not in mode and "t" not in mode and (encoding or errors or newline or not isinstance(raw, _Descriptor)):
        mode += "t"
    size = io.DEFAULT_BUFFER_SIZE if buffering in (None, -1, 1) else buffering
    if size == 0:
        return raw
    if raw.readable() and raw.writable():
        file = io.BufferedRandom(raw, size) if raw.seekable() else io.BufferedRWPair(raw, raw, size)
    else:
        file = io.BufferedReader(raw, size) if raw.readable() else io.BufferedWriter(raw, size)
    return io.TextIOWrapper(file, encoding, errors, newline, line_buffering=buffering == 1) if "b" not in mode else file


def FileObjectPosix(fobj, mode="r", buffering=None, closefd=True, encoding=None, errors=None, newline=None, **kwargs):
    """A file object for a descriptor, a file or a path. A file that is handed in must not be used any more."""
    if kwargs.pop("bufsize", None) is not None and buffering is None:
        buffering = -1
    if isinstance(fobj, int):
        fd, name = fobj, fobj
    elif isinstance(fobj, (str, bytes, os.PathLike)):
        with open(fobj, mode, closefd=True) as file:
            fd, name = os.dup(file.fileno()), fobj
    else:
        fobj.flush()
        fd, name = os.dup(fobj.fileno()) if closefd else fobj.fileno(), getattr(fobj, "name", None)
        mode = getattr(fobj, "mode", mode) if mode == "r" and isinstance(getattr(fobj, "mode", None), str) else mode
        if closefd:
            fobj.close()
    return _wrap(_Descriptor(fd, mode, closefd, name), mode, buffering, encoding, errors, newline)


class FileObjectThread:
    """A file object whose methods that may block run in OS threads."""

    _METHODS = frozenset(
        "read read1 readall readinto readline readlines write writelines flush seek tell truncate".split()
    )

    def __init__(self, fobj, mode="r", buffering=-1, closefd=True, encoding=None, errors=None, newline=None, **kwargs):
        self._threadpool = kwargs.pop("threadpool", None) or pool()
        self._lock = _locust.Semaphore(1) if kwargs.pop("lock", True) else None
        self._close = closefd
        if isinstance(fobj, (int, str, bytes, os.PathLike)):
            buffering = -1 if buffering is None else buffering
            fobj = open(fobj, mode, buffering, encoding, errors, newline, closefd if isinstance(fobj, int) else True)
            self._close = True
        self._io = fobj

    @property
    def io(self):
        """The file object itself."""
        return self._io

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._io is None or self._io.closed

    def _apply(self, function, *args, **kwargs):
        if self._lock is None:
            return self._threadpool.apply(function, args, kwargs)
        with self._lock:
            return self._threadpool.apply(function, args, kwargs)

    def __getattr__(self, name):
        if self._io is None:
            raise ValueError("I/O operation on closed file")
        value = getattr(self._io, name)
        if name not in self._METHODS:
            return value

        def call(*args, **kwargs):
            return self._apply(value, *args, **kwargs)

        return call

    def close(self) -> None:
        """Writes what is left, and closes it."""
        file, self._io = self._io, None
        if file is not None:
            self._apply(file.close if self._close else file.flush)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.close()


def FileObjectBlock(fobj, *args, **kwargs):
    """An ordinary file object: all wait when it blocks."""
    return fobj if hasattr(fobj, "read") or hasattr(fobj, "write") else open(fobj, *args, **kwargs)


FileObject = FileObjectPosix
