"""--live: the test on the whole terminal while it runs. It is drawn in C; here is when, and what
becomes of other output.

Log lines, and what the locustfile prints on a terminal, are shown in the view and written for good
when it is closed.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import time
from collections import deque
from typing import Any

import _locust

from ._output import without_password
from .log import ConsoleFormatter

DRAW_INTERVAL_SEC = 0.5
LINES_KEPT = 10_000
LINES_SHOWN = 8
LONGEST_LINE = 10_000  # of characters that no line end has followed yet

logger = logging.getLogger("locust.main")


class KeptBytes(io.RawIOBase):
    """Takes what is written to the buffer of a KeptOutput."""

    def __init__(self, text: io.TextIOBase):
        super().__init__()
        self.text = text

    def writable(self) -> bool:
        """It takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Keeps them as text."""
        self.text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class KeptOutput(io.TextIOBase):
    """Stands for a stream on the terminal, and keeps what is written to it."""

    def __init__(self, lines: deque, stream: Any):
        super().__init__()
        self.lines = lines
        self.stream = stream
        self.buffer = KeptBytes(self)
        self.begun = ""

    @property
    def encoding(self) -> str | None:
        """That of the stream, as the next two."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:
        """What is done about characters that cannot be encoded."""
        return self.stream.errors

    @property
    def name(self) -> Any:
        """What was opened."""
        return self.stream.name

    def writable(self) -> bool:
        """It takes text."""
        return True

    def isatty(self) -> bool:
        """Nothing that is written here goes to a terminal as it is."""
        return False

    def fileno(self) -> int:
        """That of the stream."""
        return self.stream.fileno()

    def write(self, text: str) -> int:
        """Keeps whole lines, and the beginning of the next."""
        *lines, self.begun = (self.begun + text).split("\n")
        if len(self.begun) > LONGEST_LINE:
            lines, self.begun = [*lines, self.begun], ""
        self.lines.extend((self.stream, line) for line in lines)
        return len(text)


def _printable(text: str, stream: Any) -> str:
    """A text without what the stream cannot encode."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


class LiveView:
    """The view of a test, from open() to close()."""

    def __init__(self, environment: Any, options: Any):
        self.environment = environment
        self.limit = float(options.run_time or 0)
        self.kept: deque = deque(maxlen=LINES_KEPT)
        self.handlers: list[logging.StreamHandler] = []
        self.streams: tuple | None = None

    def open(self) -> None:
        """Takes the terminal; ends the program if there is none."""
        colour = ConsoleFormatter.wanted()
        try:
            _locust.live_open(sys.stderr.fileno())
        except (AttributeError, OSError, ValueError) as e:
            reason = getattr(e, "strerror", None) or e
            logger.error("--live needs a terminal on the standard error: %s", reason)
            sys.exit(2)
        self.colour = colour
        self.blocks = "utf" in (sys.stderr.encoding or "").lower()
        self.started = time.monotonic()
        self._keep_output()

    def _keep_output(self) -> None:
        self.streams = out, err = sys.stdout, sys.stderr
        sys.stderr = KeptOutput(self.kept, err)
        if out is not None and not out.closed and out.isatty():
            out.flush()
            sys.stdout = KeptOutput(self.kept, out)
        for log in map(logging.getLogger, (None, "locust", "locust.stats_logger")):
            for handler in log.handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream is err:
                    handler.setStream(sys.stderr)
                    self.handlers.append(handler)

    def _host(self) -> str:
        hosts = {cls.host for cls in self.environment.user_classes}
        return without_password(str(self.environment.host or (hosts.pop() if len(hosts) == 1 else "") or ""))

    def _lines(self) -> tuple[str, ...]:
        last = [line for _, line in list(self.kept)[-LINES_SHOWN:]]
        return tuple(line.encode("utf-8", "replace").decode().replace("\0", "?") for line in last)

    def draw(self) -> None:
        """Draws it as it is now."""
        runner = self.environment.runner
        _locust.live_draw(
            self.environment.stats,
            runner.user_count,
            str(runner.state),
            self._host().encode("utf-8", "replace").decode().replace("\0", "?"),
            time.monotonic() - self.started,
            self.limit,
            self._lines(),
            self.colour,
            self.blocks,
        )

    def run(self) -> None:
        """Draws for ever; spawn it. A sample for the charts is taken each second."""
        next_sample = 0.0
        while self.streams is not None:
            now = time.monotonic()
            if now >= next_sample:
                next_sample = now + 1
                _locust.live_take(self.environment.stats, self.environment.runner.user_count)
            self.draw()
            _locust.sleep(DRAW_INTERVAL_SEC)

    def close(self) -> None:
        """Gives the terminal back, and writes what was kept. May be called again."""
        if self.streams is None:
            return
        _locust.live_close()
        (out, err), self.streams = self.streams, None
        for handler in self.handlers:
            handler.setStream(err)
        ours = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, KeptOutput)]
        sys.stdout, sys.stderr = out, err
        try:
            self._write_kept(err, ours)
        except (OSError, ValueError) as e:  # the terminal has gone: the reports are still to be written
            logger.error("--live: could not write to the terminal: %s", e)

    def _write_kept(self, err: Any, ours: list[KeptOutput]) -> None:
        if len(self.kept) == LINES_KEPT:
            err.write(f"(the last {LINES_KEPT} lines)\n")
        for stream, line in self.kept:
            stream.write(_printable(line, stream) + "\n")
        for kept in ours:
            kept.stream.write(_printable(kept.begun, kept.stream))
            kept.stream.flush()


def end_by_key() -> None:
    """The key q: as Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
