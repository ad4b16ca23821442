"""--csv, --csv-full-history, --json and --json-file, from the outside."""

import csv
import json
import os

import pytest
from serving import PROGRAM

REQUESTS = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(0.05)

    @task
    def t(self):
        fire = self.environment.events.request.fire
        fire(request_type="GET", name="/a", response_time=12.5, response_length=7, exception=None, context={})
        fire(request_type="PUT", name="/b", response_time=3, response_length=7, exception=ValueError("boom"), context={})

@events.quitting.add_listener
def last(environment, **kwargs):
    environment.stats.log_request("GET", "/last", 1.5, 1)
    environment.process_exit_code = 0
"""

SHORT = ["--headless", "-u", "1", "-t", "2", "--only-summary"]


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_csv_files(run, directory):
    r = run(*SHORT, "--csv", "new/directory/out", locustfile=REQUESTS)
    assert r.code == 0, r
    base = directory / "new" / "directory"
    assert sorted(path.name for path in base.iterdir()) == [
        f"out_{kind}.csv" for kind in ("exceptions", "failures", "stats", "stats_history")
    ]
    stats = rows(base / "out_stats.csv")
    assert [row["Name"] for row in stats] == ["/a", "/b", "/last", "Aggregated"]
    count = int(stats[0]["Request Count"])
    assert (stats[0]["Max Response Time"], stats[1]["Max Response Time"]) == ("12.5", "3")
    assert stats[3]["Request Count"] == str(2 * count + 1)
    (failure,) = rows(base / "out_failures.csv")
    assert failure["Occurrences"] == stats[1]["Failure Count"] == str(count)
    assert rows(base / "out_exceptions.csv") == []
    history = rows(base / "out_stats_history.csv")
    assert {row["Name"] for row in history} == {"Aggregated"} and len(history) >= 2
    assert history[-1]["Total Request Count"] == str(2 * count + 1)
    assert len({row["Timestamp"] for row in history}) == len(history)


def test_full_history(run, directory):
    r = run(*SHORT, "--csv-full-history", env={"LOCUST_CSV": "out"}, locustfile=REQUESTS)
    assert r.code == 0, r
    assert {row["Name"] for row in rows(directory / "out_stats_history.csv")} == {"/a", "/b", "/last", "Aggregated"}


def test_full_history_needs_files(run):
    r = run("--headless", "--csv-full-history")
    assert (r.code, r.err) == (2, "locust: error: '--csv-full-history' requires '--csv'.\n")


def test_a_full_disk_does_not_end_the_test(run, directory):
    for kind in ("stats", "stats_history", "failures", "exceptions"):
        os.symlink("/dev/full", directory / f"out_{kind}.csv")
    r = run(*SHORT, "--csv", "out", locustfile=REQUESTS)
    assert r.code == 0, r
    errors = [text for _, level, _, text in r.log() if level == "ERROR"]
    assert len(errors) == 4 and all("No space left on device" in text for text in errors)
    assert "Response time percentiles (approximated)" in r.err


def test_a_directory_that_disappears(run, directory):
    text = REQUESTS + """
import shutil
@events.spawning_complete.add_listener
def remove(**_):
    shutil.rmtree("gone")
"""
    reports = ["--csv", "gone/out", "--html", "gone/out.html", "--json-file", "gone/out", "--junit-xml", "gone/out.xml"]
    r = run(*SHORT, *reports, locustfile=text)
    assert r.code == 0 and "Traceback" not in r.err, r
    assert sorted(path.name for path in (directory / "gone").iterdir()) == ["out.html", "out.json", "out.xml"]
    errors = sorted(text for _, level, _, text in r.log() if level == "ERROR")
    assert errors == [
        f"gone/out_{kind}.csv has been removed: what it held of this test is lost."
        for kind in ("exceptions", "failures", "stats", "stats_history")
    ]


@pytest.mark.parametrize("target", ["/proc/nothing/out", "locustfile.py/out"])
def test_files_that_cannot_be_made_end_the_program(run, target):
    r = run(*SHORT, "--csv", target, locustfile=REQUESTS)
    assert r.code == 1 and f"--csv {target}: " in r.err and "Traceback" not in r.err, r


def test_json(run):
    r = run(*SHORT, "--json", locustfile=REQUESTS)
    assert r.code == 0, r
    data = json.loads(r.out)
    assert [row["name"] for row in data] == ["/a", "/b", "/last"]
    assert data[0]["max_response_time"] == 12.5 and type(data[1]["max_response_time"]) is int
    lines = [line.split() for line in r.err.splitlines() if line.startswith("GET ")]
    assert lines[0][2] == str(data[0]["num_requests"])  # the table is not empty after that


def test_json_file(run, directory):
    r = run(*SHORT, "--json", "--json-file", "out", locustfile=REQUESTS)
    assert r.code == 0, r
    text = (directory / "out.json").read_text()
    assert text + "\n" == r.out and "Response time percentiles" not in r.err


def test_a_json_file_in_a_new_directory(run, directory):
    assert run(*SHORT, "--json-file", "new/one/out", locustfile=REQUESTS).code == 0
    assert len(json.loads((directory / "new" / "one" / "out.json").read_text())) == 3


def test_a_json_file_that_cannot_be_made_ends_the_program(run):
    r = run(*SHORT, "--json-file", "locustfile.py/out", locustfile=REQUESTS)
    assert r.code == 1, r
    assert r.messages()[-1] == "--json-file: could not write locustfile.py/out.json: locustfile.py: Not a directory"


def test_json_to_a_full_disk(start, directory):
    os.symlink("/dev/full", directory / "stdout")
    program = start(*SHORT, "--json", locustfile=REQUESTS)
    code = program.process.wait(30)
    said = program.err.read_text()
    assert code == 0 and "--json: could not write to the standard output: No space left on device" in said
    assert "Response time percentiles (approximated)" in said and "Traceback" not in said


@pytest.mark.parametrize("args", ["-l", "-h", "-V", "--show-task-ratio", "--show-task-ratio-json"])
def test_information_that_cannot_be_printed(start, directory, args):
    os.symlink("/dev/full", directory / "stdout")
    program = start(args, locustfile=REQUESTS)
    assert program.process.wait(30) == 1
    said = program.err.read_text().splitlines()
    assert said[-1] == "locust: error: could not write to the standard output: No space left on device"
    assert "Traceback" not in said


@pytest.mark.parametrize("option", ["--html", "--junit-xml", "--json-file"])
def test_reports_on_a_full_disk(run, directory, option):
    os.symlink("/dev/full", directory / "out.json")
    r = run(*SHORT, option, "out" if option == "--json-file" else "/dev/full", locustfile=REQUESTS)
    assert r.code == 0 and "Traceback" not in r.err, r
    errors = [text for _, level, _, text in r.log() if level == "ERROR"]
    assert errors and all(text.startswith(option) and text.endswith("No space left on device") for text in errors)
    assert "Response time percentiles (approximated)" in r.err


def test_an_older_report_is_not_lost_to_a_full_disk(run, directory):
    """The disk is a limit on the size of files: what is written beyond it fails as on a full one."""
    names = ("out.json", "out.html", "out.xml")
    for name in names:
        (directory / name).write_text("older")
    limited = ["sh", "-c", '(ulimit -f 0; exec "$0" "$@") 2>&1 | cat', PROGRAM]
    r = run(*SHORT, "--json-file", "out", "--html", "out.html", "--junit-xml", "out.xml", program=limited, locustfile=REQUESTS)
    assert "Traceback" not in r.out and "Response time percentiles (approximated)" in r.out, r
    for name, option in zip(names, ("--json-file", "--html", "--junit-xml")):
        assert f"{option}: could not write {name}: File too large" in r.out, r
        assert (directory / name).read_text() == "older"
    assert not list(directory.glob("*.tmp"))


@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(run, directory, redirections):
    closed = ["sh", "-c", f'"$0" "$@" {redirections}; echo $? >code', PROGRAM]
    for args, code in (([*SHORT, "--json", "--csv", "out"], 0), (["-l"], 0), (["--nonsense"], 2), (["-f", "gone.py"], 1)):
        r = run(*args, program=closed, locustfile=REQUESTS)
        assert (directory / "code").read_text() == f"{code}\n" and "Traceback" not in r.out + r.err, r
    assert [row["Name"] for row in rows(directory / "out_stats.csv")] == ["/a", "/b", "/last", "Aggregated"]


def test_what_is_written_to_a_closed_stream_is_in_no_file(run, directory):
    text = REQUESTS + "\nimport os\n@events.quitting.add_listener\ndef f(**_):\n    os.write(2, b'astray')\n"
    r = run(*SHORT, "--csv", "out", program=["sh", "-c", '"$0" "$@" 2>&-', PROGRAM], locustfile=text)
    assert r.code == 0, r
    assert not [path for path in directory.glob("out_*.csv") if b"astray" in path.read_bytes()]


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_pipe_that_nobody_reads(start, directory, closed):
    command = 'exec 3>&1; { "$@"; echo "code $?" >&3; } %s'
    script = command % ("2>&1 >&3 | head -c 10 >head" if closed == "stderr" else "2>stderr-of-it | true")
    args = [*SHORT, "--json", "--csv", "out", "--html", "out.html"]
    program = start(script, "sh", PROGRAM, *args, program=["sh", "-c"], locustfile=REQUESTS)
    r = program.finish()
    assert r.out.endswith("code 0\n"), r
    assert rows(directory / "out_stats.csv")[-1]["Name"] == "Aggregated" and (directory / "out.html").exists()
    if closed == "stdout":
        said = (directory / "stderr-of-it").read_text()
        assert "--json: could not write to the standard output: Broken pipe" in said and "Traceback" not in said
