"""A CSV file with a line for each request.

requests = CsvRequestLogger("requests.csv")

@events.init.add_listener
def on_init(environment, **kwargs):
    requests.register(environment)
"""

import csv
import time

__all__ = ["CSV_COLUMNS", "CsvRequestLogger"]

CSV_COLUMNS = (
    "timestamp",
    "request_type",
    "name",
    "response_time_ms",
    "response_length",
    "status_code",
    "exception",
)


def _status_code(response, exception) -> int:
    """The status of a reply; 0 if there is none, or it has no number."""
    if response is None:
        return 0
    try:
        return int(response.status_code)
    except (AttributeError, TypeError, ValueError):
        return 0


class CsvRequestLogger:
    """Writes the requests of a test into a file, which is begun anew and closed at the end.

    The lines are passed on to the system flush_interval at a time.
    """

    def __init__(self, filepath: str, *, flush_interval: int = 1):
        self.filepath = filepath
        self.flush_interval = max(1, flush_interval)
        self._file = None
        self._writer = None
        self._unflushed = 0

    def register(self, environment) -> None:
        """Opens the file and listens to the requests. OSError if it cannot be opened."""
        self.close()
        self._file = open(self.filepath, "w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(CSV_COLUMNS)
        self._file.flush()
        environment.events.request.add_listener(self._on_request)
        environment.events.quitting.add_listener(self._on_quitting)

    def close(self) -> None:
        """Closes the file; requests that come later are not written."""
        file, self._file, self._writer, self._unflushed = self._file, None, None, 0
        if file is not None:
            file.close()

    def _on_request(
        self,
        *,
        request_type,
        name,
        response_time,
        response_length,
        exception=None,
        response=None,
        start_time=None,
        **kwargs,
    ):
        if self._writer is None:
            return
        self._writer.writerow(
            (
                round(time.time() if start_time is None else start_time, 6),
                request_type,
                name,
                "" if response_time is None else round(response_time, 2),
                response_length,
                _status_code(response, exception),
                "" if exception is None else str(exception),
            )
        )
        self._unflushed += 1
        if self._unflushed >= self.flush_interval:
            self._file.flush()
            self._unflushed = 0

    def _on_quitting(self, **kwargs):
        self.close()
