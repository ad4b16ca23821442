"""--html: the file's name, its content, and its being written however the test ends."""

import signal

import pytest
from reports import args_of

LOCUSTFILE = """
import os, time
from locust import User, constant, events, task

class Shop(User):
    host = "https://shop.example.com"
    wait_time = constant(0.02)

    @task
    def buy(self):
        self.environment.events.request.fire(
            request_type="GET", name="</script>", response_time=3, response_length=10, exception=None, context={})
        print("task", flush=True)

@events.quitting.add_listener
def quitting(**kw):
    print("there" if os.path.exists("r.html") else "not there", flush=True)
"""

HEADLESS = "--headless -u 2 -r 2.5 --only-summary".split()


def report(directory, name="r.html"):
    return args_of((directory / name).read_text("utf-8"))


def test_at_the_end(run, directory):
    r = run(*HEADLESS, "-t", "1", "--html", "r.html", locustfile=LOCUSTFILE)
    assert r.code == 0, r
    args = report(directory)
    assert "there" in r.out.split("\n")
    assert args["host"] == "https://shop.example.com"
    assert args["show_download_link"] is False
    total = args["requests_statistics"][-1]
    assert total["num_requests"] == r.out.count("task")
    assert args["tasks"]["total"] == {"Shop": {"ratio": 1.0, "tasks": {"buy": {"ratio": 1.0}}}}
    assert args["history"][-1]["time"] <= args["end_time"]
    assert dict(args["options"])["--html"] == "r.html"
    assert not list(directory.glob("*.tmp"))


@pytest.mark.parametrize(("variable", "name"), [("users-{u}-{r}-{t}.html", "users-2-2-1.html"), ("new/dir/{x}", "new/dir/{x}")])
def test_file_name(run, directory, variable, name):
    r = run(*HEADLESS, "-t", "1", env={"LOCUST_HTML": variable}, locustfile=LOCUSTFILE)
    assert r.code == 0, r
    assert report(directory, name)["is_report"] is True


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_when_it_is_stopped(start, directory, signum):
    program = start(*HEADLESS, "--html", "r.html", "--stop-timeout", "5", locustfile=LOCUSTFILE)
    program.expect("task")
    program.send(signum)
    r = program.finish()
    assert r.code == 0, r
    assert "there" in r.out.split("\n")
    assert report(directory)["requests_statistics"][-1]["num_requests"] == r.out.count("task")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("home", "home: Is a directory"),
        ("locustfile.py/x.html", "locustfile.py/x.html: locustfile.py: Not a directory"),
        ("/proc/nothing/x.html", "/proc/nothing/x.html: /proc/nothing: No such file or directory"),
    ],
)
def test_a_report_that_would_be_lost_ends_the_program(run, name, reason):
    r = run(*HEADLESS, "-t", "1", "--html", name, locustfile=LOCUSTFILE)
    assert r.code == 1 and "task" not in r.out and "Traceback" not in r.err, r
    assert r.messages()[-1] == f"--html: could not write {reason}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/dev/full", "/dev/full: No space left on device"),
        ("locustfile.py/{u}.html", "locustfile.py: File exists"),
    ],
)
def test_a_file_that_cannot_be_written(run, name, reason):
    r = run(*HEADLESS, "-t", "1", "--html", name, locustfile=LOCUSTFILE)
    assert r.code == 0, r
    errors = [(logger, text) for _, level, logger, text in r.log() if level == "ERROR"]
    assert errors and all(logger == "locust.main" for logger, _ in errors)
    assert all(text.startswith("--html: could not write ") and reason in text for _, text in errors)
    assert "Aggregated" in r.err
    assert "Traceback" not in r.err
