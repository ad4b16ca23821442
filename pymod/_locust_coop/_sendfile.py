"""socket.sendfile(): the standard library's, with the descriptor non-blocking meanwhile.

It is written for that, but only makes it so for sockets with a time limit.
"""

from __future__ import annotations

import os

import _locust


def change_class(cls) -> None:
    """Replaces the method that calls os.sendfile()."""
    original = cls._sendfile_use_sendfile
    if getattr(original, "_is_cooperative", False):
        return

    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        if self.gettimeout() is not None or not _locust.can_wait():
            return original(self, file, offset, count)
        os.set_blocking(self.fileno(), False)
        try:
            return original(self, file, offset, count)
        finally:
            if self.fileno() >= 0:
                os.set_blocking(self.fileno(), True)

    _sendfile_use_sendfile._is_cooperative = True
    cls._sendfile_use_sendfile = _sendfile_use_sendfile
