"""locust.html: the report's data, its functions, and the files it is written to."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import _locust
import pytest
from reports import HOSTILE, START, Shop, add_history, args_of, environment, log

import locust
import locust.stats
from locust import events, html
from locust.argument_parser import get_parser
from locust.html import get_html_report, process_html_filename, render_template_from, save_html_report

KEYS = """is_report requests_statistics failures_statistics exceptions_statistics response_time_statistics start_time
end_time duration host history show_download_link locustfile tasks percentiles_to_chart profile""".split()


def args(made, **kwargs):
    return args_of(get_html_report(made, **kwargs))


# --- File names.


@pytest.mark.parametrize(
    ("users", "rate", "run_time", "expected"),
    [(5, 2.5, 90, "r-5-2-90.html"), (None, None, None, "r-{u}-{r}-{t}.html"), (0, 0.5, None, "r-0-0-{t}.html")],
)
def test_file_name(users, rate, run_time, expected):
    options = argparse.Namespace(num_users=users, spawn_rate=rate, run_time=run_time, html_file="r-{u}-{r}-{t}.html")
    assert process_html_filename(options) is None
    assert options.html_file == expected


def test_every_mark_is_replaced():
    options = argparse.Namespace(num_users=7, spawn_rate=1, run_time=1, html_file="{u}/{u}{x}.html")
    process_html_filename(options)
    assert options.html_file == "7/7{x}.html"


# --- Data.


def test_keys():
    assert set(KEYS) <= set(args(environment()))


def test_statistics_are_those_of_to_dict():
    made = environment()
    log(made, ["/b", "/a"], [("/a", "boom")])
    found = args(made)
    stats = made.stats
    assert found["requests_statistics"] == [
        stats.get("/a", "GET").to_dict(), stats.get("/b", "GET").to_dict(), stats.total.to_dict()
    ]  # fmt: skip
    assert [row["name"] for row in found["response_time_statistics"]] == ["/a", "/b", "Aggregated"]
    for row, entry in zip(found["response_time_statistics"], [*map(stats.get, "/a /b".split(), ["GET"] * 2), stats.total]):
        for p in html.PERCENTILES_FOR_HTML_REPORT:
            assert row[str(p)] == entry.get_response_time_percentile(p)
    [failure] = found["failures_statistics"]
    assert failure == next(iter(stats.errors.values())).to_dict()


def test_an_error_is_shown_as_its_text():
    made = environment()
    made.stats.log_error("GET", "/", ValueError("<object at 0x7f00>"))
    [failure] = args(made)["failures_statistics"]
    assert failure["error"].startswith("ValueError('<object at 0x...")
    assert failure["occurrences"] == 1


def test_exact_times_are_beside_the_rounded_ones():
    made = environment()
    for n in range(1, 1001):
        made.stats.log_request("GET", "/", n / 10 + 0.03, 1)
    found = args(made)
    assert found["response_time_statistics"][0]["0.95"] == 95
    exact = found["exact_times"]
    assert len(exact) == len(found["response_time_statistics"]) == 2
    assert (exact[0]["min"], exact[0]["max"]) == (0.13, 100.03)
    for p in html.PERCENTILES_FOR_HTML_REPORT:
        assert exact[0][str(p)] == pytest.approx(100 * p, rel=0.01)
    assert exact[0] == exact[1]
    distribution = found["distribution"]
    assert sum(count for _, _, count in distribution) == 1000
    assert all(one[1] == other[0] for one, other in zip(distribution, distribution[1:]))


def test_constants_are_read_when_used(monkeypatch):
    monkeypatch.setattr(html, "PERCENTILES_FOR_HTML_REPORT", [0.25, 1])
    monkeypatch.setattr(locust.stats, "PERCENTILES_TO_STATISTICS", [0.999])
    monkeypatch.setattr(locust.stats, "PERCENTILES_TO_CHART", [0.1, 0.2])
    made = environment()
    log(made, ["/"])
    found = args(made)
    assert set(found["response_time_statistics"][0]) == {"0.25", "1", "method", "name"}
    assert "response_time_percentile_0.999" in found["requests_statistics"][0]
    assert found["percentiles_to_chart"] == [0.1, 0.2]
    assert list(found["exact_times"][0]) == ["0.25", "1", "max", "min"]


@pytest.mark.parametrize("wrong", [["x"], [None], [(0.5,)]])
def test_percentiles_must_be_numbers(monkeypatch, wrong):
    monkeypatch.setattr(html, "PERCENTILES_FOR_HTML_REPORT", wrong)
    with pytest.raises((TypeError, ValueError)):
        get_html_report(environment())


def test_times():
    made = environment()
    total = made.stats.total
    total.start_time, total.last_request_timestamp = START, None
    found = args(made)
    assert (found["start_time"], found["end_time"]) == ("2023-11-14T22:13:20Z",) * 2
    assert found["duration"] == "0 seconds"
    log(made, ["/"])
    total.last_request_timestamp = START + 3723
    found = args(made)
    assert found["end_time"] == "2023-11-14T23:15:23Z"
    assert found["duration"] == "1 hour, 2 minutes and 3 seconds"


def test_host():
    made = environment()
    assert args(made)["host"] == "https://shop.example.com"
    made.host = "https://user:secret@other.example.com:80/x@y"
    assert args(made)["host"] == "https://user:***@other.example.com:80/x@y"
    made.host = None
    made.user_classes.append(type("Other", (Shop,), {"host": "http://elsewhere"}))
    assert args(made)["host"] == "None"


def test_small_things():
    made = environment(profile="nightly")
    found = args(made, show_download_link=False)
    assert (found["is_report"], found["show_download_link"]) == (True, False)
    assert (found["locustfile"], found["profile"]) == ("shop.py", "nightly")
    assert args(made)["show_download_link"] is True
    assert args(environment())["profile"] is None


def test_exceptions():
    made = environment()
    made.runner.exceptions["x"] = {"count": 2, "msg": "</script>", "traceback": "T", "nodes": {"b", "a"}}
    assert args(made)["exceptions_statistics"] == [{"count": 2, "msg": "</script>", "traceback": "T", "nodes": "a, b"}]


def test_tasks():
    made = environment()
    counts = made.runner.final_user_classes_count
    counts["Shop"] = 2
    made.runner.state = "stopped"
    assert args(made)["tasks"]["total"]["Shop"] == {
        "ratio": 1.0,
        "tasks": {"search": {"ratio": 0.75}, "Browse": {"ratio": 0.25, "tasks": {"look": {"ratio": 0.25}}}},
    }


def test_subclasses_of_the_statistics_are_taken():
    class Mine(locust.stats.RequestStats):
        pass

    made = environment()
    made.stats = Mine()
    log(made, ["/"])
    assert args(made)["requests_statistics"][-1]["num_requests"] == 3


# --- History.


def test_history_gets_a_last_sample():
    made = environment()
    log(made, ["/"])
    add_history(made, 3)
    found = args(made)
    assert len(found["history"]) == 4
    assert found["history"][-1]["time"] == found["end_time"]
    assert args(made)["history"] == found["history"]


def test_a_long_history_is_thinned_and_keeps_its_peak():
    made = environment()
    add_history(made, 17_280, peak=9999)
    dip = made.stats.history[4321]
    dip["current_rps"][1] = 0
    found = args(made)
    kept = found["history"]
    assert len(kept) <= html.HISTORY_MOST_SAMPLES + 2
    assert found["history_thinned"] == 17_281 // len(kept)
    assert kept[0] == made.stats.history[0] and kept[-1] == made.stats.history[-1]
    assert made.stats.history[9999] in kept and dip in kept
    assert [s["time"] for s in kept] == sorted(s["time"] for s in kept)
    assert len(made.stats.history) == 17_281


def test_strange_samples_do_no_harm():
    made = environment()
    add_history(made, 3000)
    made.stats.history[5] = {"time": made.stats.history[5]["time"], "current_rps": [None, float("nan")], "mine": object()}
    made.stats.history[6]["user_count"] = "many"
    assert len(args(made)["history"]) > 1000


# --- Options.


@pytest.fixture
def own_option():
    """A locustfile's option --api-token, and one marked as secret."""

    def add(parser):
        parser.add_argument("--api-token", default="")
        parser.add_argument("--pin", is_secret=True, default="")
        parser.add_argument("--colour", default="red")

    events.init_command_line_parser.add_listener(add)
    yield
    events.init_command_line_parser.remove_listener(add)


def test_options_that_were_set_are_told_and_secrets_are_not(own_option):
    line = "--headless -u 7 -r 2 -t 1h -H http://me:secret@host --api-token hush --pin 1234 --colour blue -T a b"
    options = get_parser().parse_args(line.split())
    report = get_html_report(environment(parsed_options=options))
    assert dict(args_of(report)["options"]) == {
        "--headless": "yes",
        "--users": "7",
        "--spawn-rate": "2.0",
        "--run-time": "3600",
        "--host": "http://me:***@host",
        "--api-token": "(not shown)",
        "--pin": "(not shown)",
        "--colour": "blue",
        "--tags": "a, b",
    }
    assert not any(secret in report for secret in ("hush", "1234\"", "me:secret"))


def test_secrets_in_what_users_are_configured_with():
    config = '[{"user_class_name": "A", "password": "hush", "extra": [{"apiKey": "hush", "host": "http://me:hush@host"}]}]'
    options = get_parser().parse_args(["--config-users", config])
    report = get_html_report(environment(parsed_options=options))
    told = dict(args_of(report)["options"])["--config-users"]
    assert "'user_class_name': 'A'" in told and told.count("(not shown)") == 2 and "http://me:***@host" in told
    assert "hush" not in report


@pytest.mark.parametrize(
    "name, secret",
    [("db_pwd", True), ("auth", True), ("access_key", True), ("author", False), ("monkey", False), ("compass", True)],
)
def test_which_options_are_secret(name, secret):
    assert (html._option_text(argparse.Namespace(dest=name), "hush") == "hush") is not secret


def test_without_options():
    assert args(environment())["options"] == []
    assert args(environment(parsed_options=argparse.Namespace(stop_timeout=1)))["options"] == [["--stop-timeout", "1"]]


def test_a_failing_listener_does_not_cost_the_report():
    def fail(parser):
        raise ValueError("no")

    made = environment(parsed_options=get_parser().parse_args(["-u", "3"]))
    events.init_command_line_parser.add_listener(fail)
    try:
        found = args(made)
    finally:
        events.init_command_line_parser.remove_listener(fail)
    # The hook itself logs what its listeners raise, and goes on.
    assert found["options"] == [["--users", "3"]]


def test_a_parser_that_cannot_be_made_costs_the_options_only(monkeypatch, caplog):
    made = environment(parsed_options=argparse.Namespace(num_users=3))
    monkeypatch.setattr(html.argument_parser, "get_parser", lambda: 1 / 0)
    assert args(made)["options"] == []
    assert "without the options" in caplog.text


# --- What cannot do harm.


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda text: repr(text[:20]))
def test_hostile_text_comes_back_as_it_was(bad):
    made = environment(profile=bad or "p", host=bad)
    made.locustfile = bad
    log(made, [bad], [(bad, bad)])
    made.runner.exceptions["x"] = {"count": 1, "msg": bad, "traceback": bad, "nodes": {bad}}
    empty = get_html_report(environment())
    report = get_html_report(made)
    found = args_of(report)
    assert found["requests_statistics"][0]["name"] == bad
    assert found["failures_statistics"][0]["error"] == bad
    assert found["exceptions_statistics"][0]["traceback"] == bad
    for mark in "<>\u2028\u2029\0":
        assert report.count(mark) == empty.count(mark)


def test_lone_surrogates():
    made = environment()
    log(made, ["a\ud800b"])
    made.runner.exceptions["x"] = {"count": 1, "msg": "\udfff", "traceback": "", "nodes": set()}
    report = get_html_report(made)
    report.encode()
    assert args_of(report)["requests_statistics"][0]["name"] == "a\\ud800b"


@pytest.mark.parametrize(
    ("theme", "expected"),
    [("dark", "dark"), ("light", "light"), ("", ""), ('"</script>', "")],
)
def test_theme(theme, expected):
    assert f'window.theme = "{expected}"\n' in get_html_report(environment(), theme=theme)


def test_nothing_is_loaded_from_elsewhere():
    report = get_html_report(environment())
    policy = report.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith("default-src 'none';")
    for loading in ("<link rel=\"stylesheet\"", "<script src", "@import", "url(http", "fetch(", "XMLHttpRequest"):
        assert loading not in report


# --- Size and speed.


def test_a_long_test_makes_a_small_report():
    made = environment()
    names = [f"/section/{i % 10}/item/{i}/[placeholder]" for i in range(1000)]
    log(made, names, [(name, f"HTTPError('50{i % 3} for url: {name}')") for i, name in enumerate(names)])
    add_history(made, 17_280)
    assert len(get_html_report(made).encode()) < 5_000_000


# --- Functions for templates.


def test_the_report_s_page_can_be_rendered():
    page = render_template_from("report.html", template_args={"a": "</script>", "n": 1}, theme="dark")
    assert args_of(page) == {"a": "</script>", "n": 1}
    assert 'window.theme = "dark"' in page


def test_other_templates_need_jinja2(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("Hello {{ name }}")
    try:
        import jinja2  # noqa: F401
    except ImportError:
        pass
    else:
        assert render_template_from("index.html", build_path=str(tmp_path), name="you") == "Hello you"
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match="index.html needs Jinja2"):
        render_template_from("index.html", build_path=str(tmp_path), name="you")


def test_native_functions_check_their_arguments():
    with pytest.raises(TypeError, match="expected RequestStats"):
        _locust.html_report(object(), (), (), {}, "")
    stats = locust.stats.RequestStats()
    for wrong in ([stats, (1,), (), {}, ""], [stats, (), ((1, 2),), {}, ""], [stats, (), (), {"a": 1}, ""], [stats]):
        with pytest.raises(TypeError):
            _locust.html_report(*wrong)
    with pytest.raises(TypeError):
        _locust.save_file("x", "text")
    with pytest.raises(ValueError, match="null"):
        _locust.save_file("x\0y", b"")


# --- Files.


def test_a_file_is_written_with_its_directory(tmp_path):
    path = tmp_path / "deep" / "er" / "report.html"
    save_html_report(environment(), str(path))
    assert args_of(path.read_text("utf-8"))["show_download_link"] is False
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_a_full_disk_is_told():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        save_html_report(environment(), "/dev/full")


def test_an_unwritable_place_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="file"):
        save_html_report(environment(), str(tmp_path / "file" / "report.html"))
    with pytest.raises(IsADirectoryError):
        save_html_report(environment(), str(tmp_path))


# --- As real Locust has it.

SAME_RUN = """
import json, sys, time
from locust import User, TaskSet, task
from locust.env import Environment
from locust.html import get_html_report
class Shop(User):
    host = "http://shop"
    @task(3)
    def search(self): pass
    @task
    class Browse(TaskSet):
        @task
        def look(self): pass
env = Environment(user_classes=[Shop], locustfile="shop.py")
env.create_local_runner()
for i in range(200):
    env.stats.log_request("GET", "/é" if i % 3 else "/b", 3 + i * 7 % 950, i)
env.stats.log_request("POST", "/none", None, 0)
env.stats.log_error("GET", "/b", ValueError("<no>"))
env.stats.total.start_time = 1700000000
env.stats.total.last_request_timestamp = 1700000100
env.runner.exceptions["x"] = {"count": 1, "msg": "m", "traceback": "t", "nodes": {"local"}}
sys.stdout.buffer.write(get_html_report(env, theme="dark").encode())
"""
OURS = {"thresholds", "distribution", "exact_times", "generator_lag", "history_thinned", "options", "version"}


def rounded(value):
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items() if key not in ("first_seen", "last_seen")}
    return [rounded(item) for item in value] if isinstance(value, list) else value


@pytest.mark.skipif(not os.environ.get("LOCUST_REF_PYTHON"), reason="LOCUST_REF_PYTHON is not set")
def test_data_as_real_locust():
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    reports = []
    for python, env in ((sys.executable, os.environ), (os.environ["LOCUST_REF_PYTHON"], bare)):
        run = subprocess.run([python, "-c", SAME_RUN], env=env, stdout=subprocess.PIPE, check=True, timeout=120)
        reports.append(rounded(args_of(run.stdout.decode())))
    ours, theirs = reports
    for report in reports:  # p99 is never above the greatest time here
        for row, request in zip(report["response_time_statistics"], report["requests_statistics"], strict=True):
            row.update({key: min(x, request["max_response_time"]) for key, x in row.items() if key[0].isdigit()})
        for row in report["requests_statistics"]:
            row["response_time_percentile_0.99"] = min(row["response_time_percentile_0.99"], row["max_response_time"])
    assert {key: value for key, value in ours.items() if key not in OURS} == theirs


def test_the_page_in_the_program_is_the_one_that_was_built():
    """An old page in a new program would show the wrong thing."""
    build = Path(os.environ.get("BUILDDIR", "."))
    source = Path(__file__).resolve().parents[2]
    built = next((d / "static/report/report.html" for d in (build, source) if (d / "static/report/report.html").exists()))
    page = built.read_text("utf-8").replace('"@templateArgs@"', "{}").replace('"@theme@"', '""')
    assert render_template_from("report.html", template_args={}) == page
