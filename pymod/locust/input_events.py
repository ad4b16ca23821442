"""Keys that change a running test."""

import logging
import os
import sys
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from select import select

import _locust

POLL_SECONDS = 0.2


class InitError(Exception):
    """There is no keyboard."""


class UnixKeyPoller:
    """Reads single keys from a terminal without waiting for them."""

    def __init__(self):
        if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
            raise InitError("Terminal was not a tty. Keyboard input disabled")
        self.fd = sys.stdin.fileno()
        if self._in_background():
            raise InitError("Running in the background. Keyboard input disabled")
        self.tattr = termios.tcgetattr(self.fd)
        tty.setcbreak(self.fd, termios.TCSANOW)

    def _in_background(self) -> bool:
        """Whether the kernel would stop us if we touched the terminal."""
        try:
            return os.tcgetpgrp(self.fd) != os.getpgrp()
        except OSError:  # not the terminal of our session: nobody minds
            return False

    def cleanup(self) -> None:
        """Makes the terminal what it was, unless it has gone or is another's by now."""
        if not self._in_background():
            with suppress(termios.error):
                termios.tcsetattr(self.fd, termios.TCSANOW, self.tattr)

    def poll(self) -> str | None:
        """A key that was pressed, if there is one."""
        if self._in_background() or not select([self.fd], [], [], 0)[0]:
            return None
        return os.read(self.fd, 1).decode("utf-8", "replace") or None


class WindowsKeyPoller:
    """Stands for the keys of a Windows console. There is none here: making one says so."""

    def __init__(self):
        raise InitError("WindowsKeyPoller needs a Windows console. Keyboard input disabled")

    def cleanup(self) -> None:
        """There is nothing to restore."""

    def poll(self) -> str | None:
        """There are no keys."""
        return None


def get_poller() -> UnixKeyPoller:
    """A poller for the terminal of this process; InitError if there is none."""
    return UnixKeyPoller()


def input_listener(key_to_func_map: dict[str, Callable]) -> Callable[[], None]:
    """A function that calls, until it is killed, what belongs to each key."""

    def listen() -> None:
        try:
            poller = get_poller()
        except InitError as e:
            logging.debug(e)
            return
        try:
            while True:
                key = poller.poll()
                if key is None:
                    _locust.sleep(POLL_SECONDS)
                elif key in key_to_func_map:
                    key_to_func_map[key]()
        except Exception as e:
            logging.warning("Exception in keyboard input poller: %s", e)
        finally:
            poller.cleanup()

    return listen
