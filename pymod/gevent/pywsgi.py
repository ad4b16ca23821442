"""A WSGI server (PEP 3333) for HTTP/1.0 and HTTP/1.1."""

from __future__ import annotations

import http.client
import logging
import socket
import sys
import time
from datetime import datetime
from email.utils import formatdate
from urllib.parse import unquote_to_bytes

from .hub import get_hub
from .server import StreamServer

__all__ = ["WSGIServer", "WSGIHandler", "LoggingLogAdapter", "Environ", "SecureEnviron", "WSGISecureEnviron"]

MAX_REQUEST_LINE = 8192
MAX_HEADERS = 65536


class _BadRequest(Exception):
    """A request that is answered with an error of its own, and the end of the connection."""

    def __init__(self, status: str):
        super().__init__(status)
        self.status = status


class Environ(dict):
    """A WSGI environment."""


class SecureEnviron(Environ):
    """A WSGI environment whose repr() shows few of the values: there may be secrets among the others."""

    shown = ("REMOTE_ADDR", "REMOTE_PORT", "REQUEST_METHOD", "PATH_INFO", "HTTP_HOST")

    def __repr__(self):
        known = ", ".join(f"{key!r}: {self[key]!r}" for key in self.shown if key in self)
        return f"{{{known}, ({len(self) - sum(key in self for key in self.shown)} more)}}"


WSGISecureEnviron = SecureEnviron


class LoggingLogAdapter:
    """Makes a logger of logging a file to write lines to."""

    def __init__(self, logger, level=logging.INFO):
        self._logger, self._level = logger, level

    def write(self, message) -> None:
        """Logs a line."""
        if message := message.rstrip():
            self._logger.log(self._level, message)

    def flush(self) -> None:
        """Does nothing."""

    def writelines(self, lines) -> None:
        """Logs lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._logger, name)


class _NoLog:
    """A file that forgets."""

    def write(self, message) -> None:
        """Does nothing."""

    flush = writelines = write


class Input:
    """wsgi.input: the body of a request."""

    def __init__(self, rfile, length, sock=None, chunked=False):
        self.rfile = rfile
        self.socket = sock
        self.content_length = length
        self.chunked_input = chunked
        self._left = 0 if chunked else length or 0
        self._ended = not chunked
        self._buffer = b""

    def _say_continue(self) -> None:
        sock, self.socket = self.socket, None
        if sock is not None:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _next_chunk(self) -> None:
        line = self.rfile.readline(64)
        try:
            self._left = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            raise OSError(f"the request's body is not chunked: {line!r}") from None
        if self._left == 0:
            self._ended = True
            while self.rfile.readline(MAX_REQUEST_LINE).strip():
                pass

    def _some(self, size: int) -> bytes:
        """Up to so many bytes from the connection; none at the end."""
        self._say_continue()
        if self._left == 0 and not self._ended:
            self._next_chunk()
        if self._left == 0:
            return b""
        data = self.rfile.read(min(size, self._left))
        if not data:
            raise OSError(f"unexpected end of the request's body, {self._left} bytes are missing")
        self._left -= len(data)
        if self._left == 0 and not self._ended:
            self.rfile.readline(64)
        return data

    def read(self, size=-1) -> bytes:
        """So many bytes, or all."""
        wanted = sys.maxsize if size is None or size < 0 else size
        parts, got = [self._buffer[:wanted]], min(wanted, len(self._buffer))
        self._buffer = self._buffer[got:]
        while got < wanted and (data := self._some(min(wanted - got, 65536))):
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def readline(self, size=-1) -> bytes:
        """A line, or so many bytes of it."""
        wanted = sys.maxsize if size is None or size < 0 else size
        while b"\n" not in self._buffer and len(self._buffer) < wanted and (data := self._some(8192)):
            self._buffer += data
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line = self._buffer[: min(end, wanted)]
        self._buffer = self._buffer[len(line) :]
        return line

    def readlines(self, hint=None) -> list[bytes]:
        """All lines."""
        return list(self)

    def __iter__(self):
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def _discard(self) -> bool:
        """Reads what nobody has read. Whether the next request can be read."""
        if self.socket is not None and (self._left or not self._ended):
            return False    # the client still waits for the word to go on
        try:
            while self._some(65536):
                pass
        except (OSError, ValueError):
            return False
        return True


class WSGIHandler:
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    MessageClass = http.client.HTTPMessage

    def __init__(self, sock, address, server, rfile=None):
        self.socket, self.client_address, self.server = sock, address, server
        self.rfile = sock.makefile("rb", -1) if rfile is None else rfile
        self.requestline = None
        self.environ = None
        self.application = None
        self.close_connection = False
        self.headers_sent = False
        self.response_length = 0
        self.time_start = self.time_finish = 0.0

    def handle(self) -> None:
        """Answers until there are no more requests."""
        try:
            while self.socket is not None:
                result = self.handle_one_request()
                if result is True:
                    continue
                if result is not None and result is not False:
                    self._send_error(*result)
                break
        except OSError:
            pass    # the client has gone
        finally:
            if self.socket is not None:
                self.rfile.close()
                self.socket.close()

    def _send_error(self, status: str, body: bytes) -> None:
        self.status = status
        self.socket.sendall(body)
        self.response_length = len(body)
        self.time_finish = time.time()
        self.log_request()
        self._see_off()

    def _see_off(self) -> None:
        """Reads on for a moment: to close while the client still sends would take the answer from it."""
        self.socket.shutdown(socket.SHUT_WR)
        self.socket.settimeout(1)
        for _ in range(16):
            if not self.socket.recv(65536):
                break

    # --- Reading.

    def read_requestline(self) -> str:
        """The first line of a request; "" at the end."""
        line = self.rfile.readline(MAX_REQUEST_LINE)
        while line in (b"\r\n", b"\n"):
            line = self.rfile.readline(MAX_REQUEST_LINE)
        if len(line) == MAX_REQUEST_LINE:
            raise _BadRequest("414 Request URI Too Long")
        return line.decode("latin-1")

    def read_request(self, raw_requestline: str) -> bool:
        """Reads the headers, and decides about the connection."""
        self.requestline = raw_requestline.rstrip()
        words = self.requestline.split()
        if len(words) == 3:
            self.command, self.path, self.request_version = words
            if not self.request_version.startswith("HTTP/1."):
                raise _BadRequest("505 HTTP Version Not Supported")
        elif len(words) == 2 and words[0] == "GET":
            (self.command, self.path), self.request_version = words, "HTTP/0.9"
        else:
            raise _BadRequest("400 Bad Request")
        self._read_headers()
        connection = (self.headers.get("Connection") or "").lower()
        if self.request_version == "HTTP/1.1":
            self.close_connection = "close" in connection
        else:
            self.close_connection = "keep-alive" not in connection
        return True

    def _read_headers(self) -> None:
        if self.request_version == "HTTP/0.9":
            self.headers = self.MessageClass()
        else:
            try:
                self.headers = http.client.parse_headers(self.rfile, self.MessageClass)
            except http.client.HTTPException:
                raise _BadRequest("431 Request Header Fields Too Large") from None
        length = self.headers.get("Content-Length")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise _BadRequest("400 Bad Request")
        self.content_length = length

    def get_environ(self) -> dict:
        """The WSGI environment of the request."""
        env = self.server.get_environ()
        path, _, query = self.path.partition("?")
        if not path.startswith("/") and "://" in path:
            path = "/" + path.split("://", 1)[1].partition("/")[2]
        env.update(
            REQUEST_METHOD=self.command,
            SCRIPT_NAME="",
            PATH_INFO=unquote_to_bytes(path).decode("latin-1"),
            QUERY_STRING=query,
            SERVER_PROTOCOL=self.request_version,
            REMOTE_ADDR=str(self.client_address[0]) if self.client_address else "",
            REMOTE_PORT=str(self.client_address[1]) if self.client_address else "",
            GATEWAY_INTERFACE="CGI/1.1",
            REQUEST_URI=self.path,
            RAW_URI=self.path,
        )
        if (kind := self.headers.get("Content-Type")) is not None:
            env["CONTENT_TYPE"] = kind
        if self.content_length is not None:
            env["CONTENT_LENGTH"] = self.content_length
        for key, value in self._headers():
            env[key] = f"{env[key]},{value}" if key in env else value
        chunked = (self.headers.get("Transfer-Encoding") or "").lower() == "chunked"
        length = int(self.content_length) if self.content_length is not None else None
        expects = self.headers.get("Expect", "").lower() == "100-continue"
        env["wsgi.input"] = self.wsgi_input = Input(self.rfile, length, self.socket if expects else None, chunked)
        env["wsgi.input_terminated"] = True
        return env

    def _headers(self):
        for name, value in self.headers.items():
            key = name.replace("-", "_").upper()
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH") and "_" not in name:
                yield "HTTP_" + key, value.strip()

    def handle_one_request(self):
        """Answers one. True: go on; None: no more; status and bytes: an error to be sent."""
        if self.rfile.closed:
            return None
        try:
            raw_requestline = self.read_requestline()
            if not raw_requestline:
                return None
            self.time_start = time.time()
            self.time_finish = 0.0
            self.headers_sent, self.response_length = False, 0
            self.read_request(raw_requestline)
        except _BadRequest as error:
            self.requestline = self.requestline or ""
            self.time_start = self.time_start or time.time()
            text = error.status.encode()
            reply = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (text, len(text), text)
            return error.status, reply
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self.rfile.closed or not self.wsgi_input._discard():
            return None
        return True

    # --- Answering.

    def start_response(self, status, headers, exc_info=None):
        """WSGI's start_response()."""
        if exc_info:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("the response has been started already")
        if not isinstance(status, str) or not status[:3].isdigit():
            raise AssertionError(f"the status must be a str of three digits and a reason: {status!r}")
        for name, value in headers:
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"headers must be strings: {name!r}: {value!r}")
            if any(c in "\r\n\0" for c in name + value):
                raise ValueError(f"a header contains a line break: {name!r}: {value!r}")
        self.status = status
        self.code = int(status.split(" ", 1)[0])
        self.response_headers = list(headers)
        names = {name.lower(): value for name, value in headers}
        self.provided_date = names.get("date")
        self.provided_content_length = names.get("content-length")
        if "close" in names.get("connection", "").lower():
            self.close_connection = True
        return self.write

    def _may_have_body(self) -> bool:
        return self.command != "HEAD" and self.code >= 200 and self.code not in (204, 304)

    def finalize_headers(self) -> None:
        """Adds what is missing: the date, the length or the chunks, what becomes of the connection."""
        if self.provided_date is None:
            self.response_headers.append(("Date", formatdate(usegmt=True)))
        known = {name.lower() for name, _ in self.response_headers}
        bodiless = self.code < 200 or self.code in (204, 304)
        if self.provided_content_length is None and "transfer-encoding" not in known and not bodiless:
            if self.request_version == "HTTP/1.1":
                self.response_use_chunked = self.command != "HEAD"
                if self.response_use_chunked:
                    self.response_headers.append(("Transfer-Encoding", "chunked"))
            else:
                self.close_connection = True
        if "connection" not in known:
            if self.close_connection:
                self.response_headers.append(("Connection", "close"))
            elif self.request_version == "HTTP/1.0":
                self.response_headers.append(("Connection", "keep-alive"))

    def _sendall(self, data: bytes) -> None:
        self.socket.sendall(data)
        self.response_length += len(data)

    def _chunk(self, data: bytes) -> bytes:
        if not self._may_have_body():
            return b""
        return b"%x\r\n%s\r\n" % (len(data), data) if self.response_use_chunked and data else data

    def write(self, data) -> None:
        """Sends a part of the body; the headers before the first."""
        if data and not isinstance(data, (bytes, bytearray, memoryview)):
            raise AssertionError(f"the body must be bytes, not {type(data).__name__}")
        data = bytes(data or b"")
        if self.headers_sent:
            self._sendall(self._chunk(data))
        elif self.status is None:
            raise AssertionError("start_response() has not been called")
        else:
            self._write_with_headers(data)

    def _write_with_headers(self, data: bytes) -> None:
        self.headers_sent = True
        self.finalize_headers()
        lines = [f"HTTP/1.1 {self.status}"] + [f"{name}: {value}" for name, value in self.response_headers]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if self.request_version == "HTTP/0.9":
            head = b""
        self._sendall(head + self._chunk(data))

    def run_application(self) -> None:
        """Calls the application, and sends what it returns."""
        self.result = self.application(self.environ, self.start_response)
        self.process_result()

    def process_result(self) -> None:
        """Sends what the application has returned."""
        if not self.headers_sent and self.status is not None and self.provided_content_length is None:
            try:
                if len(self.result) == 1 and isinstance(self.result, (list, tuple)):
                    self.provided_content_length = str(len(self.result[0]))
                    self.response_headers.append(("Content-Length", self.provided_content_length))
            except TypeError:
                pass    # it has no length: chunks
        for data in self.result:
            if data:
                self.write(data)
        if self.status is not None and not self.headers_sent:
            if self.provided_content_length is None and self._may_have_body():
                self.provided_content_length = "0"
                self.response_headers.append(("Content-Length", "0"))
            self.write(b"")
        if self.response_use_chunked and self._may_have_body():
            self._sendall(b"0\r\n\r\n")

    def handle_one_response(self) -> None:
        """Answers one request, whatever the application does."""
        self.status = self.code = None
        self.response_headers: list = []
        self.response_use_chunked = False
        self.provided_date = self.provided_content_length = None
        self.result = None
        try:
            try:
                self.run_application()
            finally:
                if hasattr(self.result, "close"):
                    self.result.close()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception:
            self.handle_error(*sys.exc_info())
        finally:
            self.time_finish = time.time()
            self.log_request()

    def handle_error(self, kind, value, tb) -> None:
        """Answers 500, if nothing has been sent yet; the hub shows the traceback."""
        get_hub().handle_error(self.environ, kind, value, tb)
        self.close_connection = True
        if self.headers_sent:
            return
        body = b"Internal Server Error"
        self.status = None
        headers = [("Content-Type", "text/plain"), ("Connection", "close"), ("Content-Length", str(len(body)))]
        self.start_response("500 Internal Server Error", headers)
        try:
            self.write(body)
        except OSError:
            pass    # the client has gone

    # --- Logging.

    def format_request(self) -> str:
        """The line of the log."""
        now = datetime.now().replace(microsecond=0)
        length = self.response_length or "-"
        delta = f"{self.time_finish - self.time_start:.6f}" if self.time_finish else "-"
        address = self.client_address[0] if isinstance(self.client_address, tuple) else self.client_address
        code = (self.status or "000").split()[0]
        return f'{address or "-"} - - [{now}] "{self.requestline or ""}" {code} {length} {delta}'

    def log_request(self) -> None:
        """Writes a line to the log."""
        self.server.log.write(self.format_request() + "\n")

    def log_error(self, message: str) -> None:
        """Writes to the error log."""
        self.server.error_log.write(message)


class WSGIServer(StreamServer):
    """WSGIServer(listener, application=None, backlog=None, spawn="default", log="default", error_log="default",
    handler_class=None, environ=None, **ssl_args)

    log, error_log: a file, a logger, None for nothing; by default standard error.
    """

    handler_class = WSGIHandler
    environ_class = SecureEnviron
    secure_environ_class = SecureEnviron
    base_env = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "gevent/25.9 Python/%d.%d" % sys.version_info[:2],
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

    def __init__(
        self,
        listener,
        application=None,
        backlog=None,
        spawn="default",
        log="default",
        error_log="default",
        handler_class=None,
        environ=None,
        **ssl_args,
    ):
        super().__init__(listener, backlog=backlog, spawn=spawn, **ssl_args)
        if application is not None:
            self.application = application
        if handler_class is not None:
            self.handler_class = handler_class
        self.log = self._log_of(log, logging.INFO)
        self.error_log = self._log_of(error_log, logging.ERROR)
        self.set_environ(environ)

    @staticmethod
    def _log_of(log, level):
        if log == "default":
            return sys.stderr
        if log is None:
            return _NoLog()
        return log if hasattr(log, "write") else LoggingLogAdapter(log, level)

    def set_environ(self, environ=None) -> None:
        """What all requests' environments begin with."""
        self.environ = self.environ_class(self.base_env)
        self.environ["wsgi.url_scheme"] = "https" if self.ssl_enabled else "http"
        self.environ.update(environ or {})
        if self.environ.get("wsgi.errors") is None:
            self.environ["wsgi.errors"] = sys.stderr if isinstance(self.error_log, _NoLog) else self.error_log

    def get_environ(self) -> dict:
        """A copy of that."""
        return self.environ_class(self.environ)

    def init_socket(self) -> None:
        """Listens, and tells the environment where."""
        super().init_socket()
        self.update_environ()

    def update_environ(self) -> None:
        """Puts host and port into the environment."""
        if isinstance(self.address, tuple):
            self.environ.setdefault("SERVER_NAME", socket.getfqdn(str(self.address[0])))
            self.environ.setdefault("SERVER_PORT", str(self.address[1]))
        else:
            self.environ.setdefault("SERVER_NAME", "")
            self.environ.setdefault("SERVER_PORT", "")

    def handle(self, sock, address) -> None:
        """Answers the requests of one connection."""
        self.handler_class(sock, address, self).handle()
