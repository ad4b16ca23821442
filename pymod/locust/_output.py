"""What is written: texts that C takes and everybody may read, and a standard output that may be closed or full."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


_PASSWORD_IN_URL = re.compile(r"((?:^|\w://)[^/?#\s:@]*):[^/?#\s]*@")


def without_password(text: str) -> str:
    """A text with *** in place of passwords in URLs, and in a host at its beginning: me:secret@host."""
    return _PASSWORD_IN_URL.sub(r"\1:***@", text)


def plain(text: Any) -> str:
    """A text that C can read: without NUL and lone surrogates."""
    return str(text).replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def forget_output() -> None:
    """Sends what is still in the buffer of the standard output, and all that follows, nowhere.

    Else it would fail once more when Python ends.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def asked_for() -> Iterator[None]:
    """For what was asked for and is printed: if that fails, the program says so and ends."""
    try:
        yield
        sys.stdout.flush()
    except OSError as e:
        forget_output()
        sys.stderr.write(f"locust: error: could not write to the standard output: {e.strerror}\n")
        sys.exit(1)
