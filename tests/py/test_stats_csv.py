"""StatsCSV and StatsCSVFileWriter: rows for any writer, and files of whole rows."""

import csv
import io
import logging
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import _locust
import pytest

import locust.stats
from locust.stats import PERCENTILES_TO_REPORT, RequestStats, StatsCSV, StatsCSVFileWriter

KINDS = ("stats", "stats_history", "failures", "exceptions")


@pytest.fixture
def environment():
    runner = SimpleNamespace(
        user_count=3,
        exceptions={
            1: {"count": 2, "msg": 'say "no"', "traceback": "line\n  line", "nodes": {"local"}},
        },
    )
    stats = RequestStats()
    runner.stats = stats
    for ms in (5.0, 155.0):
        stats.log_request("GET", "/a, b", ms, 10)
    stats.log_error("GET", "/a, b", ValueError("boom"))
    return SimpleNamespace(stats=stats, runner=runner)


@pytest.fixture
def quick(monkeypatch):
    """Seconds that pass quickly."""
    monkeypatch.setattr(locust.stats, "CSV_STATS_INTERVAL_SEC", 0.01)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def written(tmp_path):
    return {kind: rows(tmp_path / f"run_{kind}.csv") for kind in KINDS}


def run_for(writer, seconds):
    green = _locust.Greenlet.spawn(writer)
    _locust.sleep(seconds)
    green.kill()


# --- Any writer.


def test_any_object_with_writerow(environment):
    class Writer(list):
        writerow = list.append

    report, writer = StatsCSV(environment, [0.5, 1.0]), Writer()
    report.requests_csv(writer)
    report.failures_csv(writer)
    report.exceptions_csv(writer)
    assert writer[0] == report.requests_csv_columns and writer[0][-2:] == ["50%", "100%"]
    assert writer[1][:9] == ["GET", "/a, b", 2, 1, 5, 80.0, 5.0, 155.0, 10.0]
    assert writer[1][-2:] == [155, 155] and writer[2][1] == "Aggregated"
    failure = dict(zip(report.failures_columns, writer[4], strict=True))
    assert failure["Error"] == "ValueError('boom')" and failure["Occurrences"] == 1
    assert failure["First Seen"].endswith("Z")
    assert writer[-1] == [2, 'say "no"', "line\n  line", "local"]
    report.close_files()


def test_a_writer_that_fails(environment):
    class Writer:
        def writerow(self, row):
            raise RuntimeError(row[0])

    report = StatsCSV(environment, [0.5])
    with pytest.raises(RuntimeError, match="Type"):
        report.requests_csv(Writer())
    with pytest.raises(RuntimeError, match="GET"):
        _locust.csv_requests(Writer(), environment.stats, [0.5])
    with pytest.raises(AttributeError):
        report.failures_csv(object())
    environment.runner = None
    report.exceptions_csv(csv.writer(io.StringIO()))


def test_our_files_are_python_csv(environment, tmp_path):
    """What C writes, csv.writer would have written, to the byte."""
    stats = environment.stats
    for name in ("", 'quo"te', "line\nline", "cr\r", "ünï", " blank ", "'", "a;b", "\ud800"):
        stats.log_request("", name, 1 / 3, 7)
        stats.log_error(name, name, name)
    file = _locust.CsvFile(tmp_path / "ours.csv")
    text = io.StringIO()
    for report in (file, csv.writer(text)):
        written_by = StatsCSV(environment, [0.5, 0.99])
        written_by.requests_csv(report)
        written_by.failures_csv(report)
        written_by.exceptions_csv(report)
        report.writerow(["", None, 1.5, 10**30, True, "x,y", ["a"]])
        report.writerows([[1], []])
    file.append()
    assert (tmp_path / "ours.csv").read_bytes() == text.getvalue().encode("utf-8", "backslashreplace")


def test_csv_file(tmp_path):
    path = tmp_path / "x.csv"
    file = _locust.CsvFile(str(path))
    assert file.name == str(path) and not file.closed and file.fileno() > 2
    with pytest.raises(TypeError):
        file.writerow(5)

    class Sullen:
        def __str__(self):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        file.writerow(["half", Sullen()])
    file.writerow(["whole"])
    assert path.read_text() == ""
    file.flush()
    file.writerow(["last"])
    file.close()
    file.close()
    assert path.read_bytes() == b"whole\r\nlast\r\n" and file.closed
    for call in (file.append, file.fileno, lambda: file.writerow([])):
        with pytest.raises(ValueError, match="closed"):
            call()
    with pytest.raises(FileNotFoundError) as e:
        _locust.CsvFile(tmp_path / "nowhere" / "x.csv")
    assert e.value.filename.name == "x.csv"


# --- Files.


def test_files(environment, tmp_path, quick):
    writer = StatsCSVFileWriter(environment, PERCENTILES_TO_REPORT, str(tmp_path / "run"))
    assert all((tmp_path / f"run_{kind}.csv").read_text() == "" for kind in KINDS)
    run_for(writer, 0.1)
    files = written(tmp_path)
    assert [row["Name"] for row in files["stats"]] == ["/a, b", "Aggregated"]
    assert files["stats"][1]["Request Count"] == "2" and files["stats"][1]["99.99%"] == "155"
    assert {row["Name"] for row in files["stats_history"]} == {"Aggregated"}
    seconds = [row["Timestamp"] for row in files["stats_history"]]
    assert seconds and len(set(seconds)) == len(seconds)  # one sample a second, however often it is written
    assert files["stats_history"][0]["User Count"] == "3"
    assert files["failures"][0]["Error"] == "ValueError('boom')"
    assert files["exceptions"][0]["Traceback"] == "line\n  line"
    writer.close_files()
    assert writer.requests_csv_filehandle.closed
    writer.close_files()


def test_full_history(environment, tmp_path, quick):
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run"), full_history=True)
    run_for(writer.stats_writer, 0.05)
    history = written(tmp_path)["stats_history"]
    assert [row["Name"] for row in history[:2]] == ["/a, b", "Aggregated"]
    assert history[0]["Timestamp"] == history[1]["Timestamp"]
    assert writer.stats_history_file_name() == str(tmp_path / "run_stats_history.csv")


def test_the_last_second_is_in_the_files(environment, tmp_path, monkeypatch):
    monkeypatch.setattr(locust.stats, "CSV_STATS_INTERVAL_SEC", 60)
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run"))
    green = _locust.Greenlet.spawn(writer)
    _locust.sleep(0.01)
    environment.stats.log_request("GET", "/late", 1.0, 1)
    green.kill()
    assert "/late" in [row["Name"] for row in written(tmp_path)["stats"]]
    environment.stats.log_request("GET", "/later", 1.0, 1)
    writer.close_files()
    files = written(tmp_path)
    assert "/later" in [row["Name"] for row in files["stats"]]
    assert files["stats_history"][-1]["Total Request Count"] == "4"


def test_files_that_were_never_begun_stay_empty(environment, tmp_path):
    StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run")).close_files()
    assert all((tmp_path / f"run_{kind}.csv").read_text() == "" for kind in KINDS)


def test_closed_files_end_the_writing(environment, tmp_path, quick):
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run"))
    green = _locust.Greenlet.spawn(writer)
    _locust.sleep(0.02)
    writer.close_files()
    green.join(timeout=10)
    assert green.dead and green.exception is None


def test_tables_shrink_in_place(environment, tmp_path, quick):
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run"))
    inode = (tmp_path / "run_stats.csv").stat().st_ino
    run_for(writer, 0.02)
    environment.stats.clear_all()
    writer.close_files()
    files = written(tmp_path)
    assert [row["Name"] for row in files["stats"]] == ["Aggregated"] and files["failures"] == []
    assert files["stats"][0]["50%"] == "N/A"
    assert (tmp_path / "run_stats.csv").stat().st_ino == inode


def test_overridden_rows_are_written(environment, tmp_path, quick):
    class Mine(StatsCSVFileWriter):
        def requests_csv(self, csv_writer):
            csv_writer.writerow(["Name", "Mine"])
            csv_writer.writerow(["x", 1.5])

        def requests_flush(self):
            flushed.append(self)
            super().requests_flush()

    flushed = []
    writer = Mine(environment, [0.5], str(tmp_path / "run"))
    run_for(writer, 0.05)
    assert rows(tmp_path / "run_stats.csv") == [{"Name": "x", "Mine": "1.5"}]
    assert flushed[0] is writer


def test_a_full_disk_is_reported_once(environment, tmp_path, quick, caplog):
    for kind in ("stats", "stats_history"):
        (tmp_path / f"run_{kind}.csv").symlink_to("/dev/full")
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run"))
    run_for(writer, 0.1)
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 2
    for kind, message in zip(("stats", "stats_history"), errors, strict=True):
        path = str(tmp_path / f"run_{kind}.csv")
        assert path in message and "No space left on device" in message and "goes on" in message
    assert len(rows(tmp_path / "run_failures.csv")) == 1
    writer.close_files()


def test_a_disk_that_was_full(environment, tmp_path, quick, caplog):
    """The header too comes once there is room; that is said."""
    limited = textwrap.dedent(
        """
        import resource, signal, sys, types
        import _locust, locust.stats
        from locust.stats import RequestStats, StatsCSVFileWriter
        import logging
        logging.basicConfig(level=logging.INFO)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        locust.stats.CSV_STATS_INTERVAL_SEC = 0.01
        stats = RequestStats()
        stats.log_request("GET", "/a", 5.0, 1)
        environment = types.SimpleNamespace(stats=stats, runner=None)
        writer = StatsCSVFileWriter(environment, [0.5], sys.argv[1])
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        green = _locust.Greenlet.spawn(writer)
        _locust.sleep(0.05)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        _locust.sleep(0.05)
        writer.close_files()
        """
    )
    run = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path / "run")], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("File too large") == 4 and run.stderr.count("again.") == 4
    files = written(tmp_path)
    assert [row["Name"] for row in files["stats"]] == ["/a", "Aggregated"]
    assert files["stats_history"][-1]["Total Request Count"] == "1"


def test_a_directory_that_is_not_there(environment, tmp_path):
    with pytest.raises(FileNotFoundError):
        StatsCSVFileWriter(environment, [0.5], str(tmp_path / "nowhere" / "run"))
