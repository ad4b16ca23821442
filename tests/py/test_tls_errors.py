"""What failures of TLS are called: as Python calls them, and the same on every machine."""

import contextlib
import re
import socket
import ssl
import struct
import threading

import pytest
from http_pair import Events, ours
from locust._tls_errors import tls_error


def no_tls(connection):
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def refusal(connection):
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


def end(connection):
    pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def server(answer):
    """A port; who connects and has said something gets this answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    with listening.accept()[0] as connection:
                        connection.recv(10000)
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def pythons(port):
    """What the ssl module says, without its line number."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        with pytest.raises(OSError) as caught:
            ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    return re.sub(r" \(_ssl\.c:\d+\)", "", repr(caught.value))


# What Python itself says of it depends on its version.
EOF = "SSLEOFError(8, '[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol')"


@pytest.mark.parametrize("answer", [no_tls, refusal, end, reset])
def test_the_text_is_pythons(answer):
    events = Events()
    with server(answer) as port:
        response = ours(f"https://127.0.0.1:{port}", events).get("/")
        told = repr(events[0]["exception"])
        expected = EOF if answer is end else pythons(port)
        text = str(response.error)
    if answer is reset:
        assert told == f"ProtocolError('Connection aborted.', {expected})" or told == expected
    else:
        assert told == f"SSLError({expected})"
    assert expected in text and "OpenSSL" not in text


@pytest.mark.parametrize("message, expected", [
    ("error:1408F10B:SSL routines:ssl3_get_record:wrong version number",
     ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")),
    ("OpenSSL/3.0.19: error:0A000086:SSL routines::certificate verify failed",
     ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")),
    ("SSL certificate problem: self-signed certificate",
     ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                                     "self-signed certificate")),
    ("what nobody knows", ssl.SSLError(1, "what nobody knows")),
])  # fmt: skip
def test_texts_of_libcurl(message, expected):
    assert repr(tls_error(message, "localhost")) == repr(expected)
