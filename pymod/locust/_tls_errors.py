"""What the ssl module raises for what libcurl says of TLS.

The texts group failures in the statistics: they are Python's, and contain nothing that differs between machines (the
version of OpenSSL, the number of an error in it, addresses and ports).
"""

from __future__ import annotations

import errno
import os
import re
import ssl

_OPENSSL = re.compile(r"error:[0-9A-F]+:(?P<library>[^:]*):[^:]*:(?P<reason>[^:]+)", re.I)
_EOF = re.compile(r"SSL_ERROR_SYSCALL|unexpected eof", re.I)
_VERIFY_FAILED = "certificate verify failed"
_PROBLEM = "certificate problem: "


def tls_error(message, host):
    """What ssl raises for a handshake that failed, or a certificate that is refused.

    A connection that was reset meanwhile is a ConnectionResetError there, too.
    """
    if _PROBLEM in message:
        return _refused(message.partition(_PROBLEM)[2])
    if "does not match" in message or "no alternative certificate" in message:
        kind = "IP address" if re.fullmatch(r"[\d.]+|.*:.*", host) else "Hostname"
        return _refused(f"{kind} mismatch, certificate is not valid for {host!r}.")
    if _VERIFY_FAILED in message:
        return _refused(None)
    if os.strerror(errno.ECONNRESET) in message:
        return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    if _EOF.search(message):
        text = "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol"
        return ssl.SSLEOFError(int(ssl.SSL_ERROR_EOF), text)
    known = _OPENSSL.search(message)
    if known is None:
        return ssl.SSLError(1, message)
    reason = known["reason"].strip()
    library = known["library"].removesuffix(" routines").upper()
    return ssl.SSLError(1, f"[{library}: {re.sub(r'[^A-Z0-9]+', '_', reason.upper())}] {reason}")


def _refused(why):
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] {_VERIFY_FAILED}"
    return ssl.SSLCertVerificationError(1, f"{text}: {why}" if why else text)
