"""locust.contrib.csv_request_logger."""

import csv

import pytest

from locust.contrib.csv_request_logger import CSV_COLUMNS, CsvRequestLogger, _status_code
from locust.env import Environment


class Reply:
    def __init__(self, status_code):
        self.status_code = status_code


@pytest.fixture
def environment():
    return Environment()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "requests.csv"


def fire(environment, **kwargs):
    usual = {"request_type": "GET", "name": "/", "response_time": 1.5, "response_length": 3, "exception": None}
    environment.events.request.fire(**{**usual, "context": {}, **kwargs})


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        first, *others = csv.reader(file)
    assert first == list(CSV_COLUMNS)
    return others


def test_a_line_for_each_request(environment, path):
    path.write_text("an old file")
    log = CsvRequestLogger(str(path))
    assert path.read_text() == "an old file"
    log.register(environment)
    assert rows(path) == []
    fire(environment, start_time=1700000000.1234567, response=Reply(200), response_time=12.3456)
    fire(environment, start_time=1, request_type="X", name='a, "b"\nü', exception=ValueError("bad"), response_length=0)
    fire(environment, start_time=2, exception="a text", response=Reply(500))
    assert rows(path) == [
        ["1700000000.123457", "GET", "/", "12.35", "3", "200", ""],
        ["1", "X", 'a, "b"\nü', "1.5", "0", "0", "bad"],
        ["2", "GET", "/", "1.5", "3", "500", "a text"],
    ]


def test_a_request_without_a_time(environment, path):
    CsvRequestLogger(str(path)).register(environment)
    fire(environment, response_time=None)
    ((timestamp, *_, time, length, _, _),) = rows(path)
    assert float(timestamp) > 1.7e9 and (time, length) == ("", "3")


def test_flushing(environment, path):
    log = CsvRequestLogger(str(path), flush_interval=3)
    log.register(environment)
    seen = []
    for _ in range(7):
        fire(environment)
        seen.append(len(rows(path)))
    assert seen == [0, 0, 3, 3, 3, 6, 6]
    log.close()
    assert len(rows(path)) == 7


@pytest.mark.parametrize("interval", [0, -1])
def test_at_least_one_at_a_time(environment, path, interval):
    CsvRequestLogger(str(path), flush_interval=interval).register(environment)
    fire(environment)
    assert len(rows(path)) == 1


def test_closed_at_the_end(environment, path):
    log = CsvRequestLogger(str(path))
    log.register(environment)
    fire(environment)
    environment.events.quitting.fire(environment=environment)
    fire(environment)
    assert len(rows(path)) == 1
    log.close()


def test_registered_again_it_begins_anew(environment, path):
    log = CsvRequestLogger(str(path))
    log.register(environment)
    fire(environment)
    log.register(Environment())
    assert rows(path) == []


def test_a_file_that_cannot_be_opened(environment, tmp_path):
    with pytest.raises(FileNotFoundError):
        CsvRequestLogger(str(tmp_path / "no" / "requests.csv")).register(environment)
    fire(environment)


@pytest.mark.parametrize(
    "response, exception, status",
    [
        (None, None, 0),
        (None, ValueError(), 0),
        (Reply(404), ValueError(), 404),
        (Reply("200"), None, 200),
        (Reply(None), None, 0),
        (Reply("none"), None, 0),
        (object(), None, 0),
    ],
)
def test_status_codes(response, exception, status):
    assert _status_code(response, exception) == status
