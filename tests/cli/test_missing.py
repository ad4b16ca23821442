"""What of Locust is not there yet is refused: options, wherever they come from."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.plain("options are refused by Python code before anything else begins")

ASK = """
from locust import User, events, task

class A(User):
    @task
    def t(self):
        pass

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--profiler", default="none")

@events.init.add_listener
def show(environment, **kwargs):
    o = environment.parsed_options
    print(o.profiler, o.master, o.worker, o.processes, o.csv_prefix, o.stats_history_enabled, o.web_port, o.expect_workers)
    raise SystemExit(0)
"""


def refusal(option):
    return f"{option} is not there yet: this version runs one process, headless (see docs/differences.md)"


@pytest.mark.parametrize(
    "args, env, file, option",
    [
        ("--master", {}, "", "--master"),
        ("--worker", {}, "", "--worker"),
        ("--processes 2", {}, "", "--processes"),
        ("--processes -1 --worker", {}, "", "--processes"),
        ("", {"LOCUST_MODE_WORKER": "1"}, "", "--worker"),
        ("", {"LOCUST_PROCESSES": "2"}, "", "--processes"),
        ("", {}, "master", "--master"),
    ],
)
def test_several_processes(run, directory, args, env, file, option):
    (directory / "locust.conf").write_text(file + "\n")
    r = run("--headless", *args.split(), env=env)
    assert (r.code, r.out) == (2, ""), r
    assert r.log()[-1][1:] == ("ERROR", "locust.main", refusal(option))


def test_a_locustfile_from_the_master(run):
    r = run("--worker", "-f", "-")
    assert (r.code, r.out) == (2, "")
    assert r.err == f"locust: error: {refusal('a locustfile from the master (-f -)')}\n"


@pytest.mark.parametrize("args", ["", "--autostart -t 1", "--class-picker", "--headless --headful"])
def test_the_web_interface(run, args):
    r = run(*args.split())
    assert (r.code, r.out) == (2, ""), r
    assert r.log()[-1][1:] == ("ERROR", "locust.main", "There is no web interface yet: run the test with --headless")


@pytest.mark.parametrize(
    "args, code, said",
    [
        ("--master --worker", 255, "The --master argument cannot be combined with --worker"),
        ("--processes -2", 1, "Invalid --processes count -2"),
        ("--processes 2 --master", 1, "--master cannot be combined with --processes"),
        ("--autoquit 3", 1, "--autoquit is only meaningful in combination with --autostart"),
        ("--web-base-path lo", 1, "Invalid format for --web-base-path argument (lo)"),
        ("--web-auth a:b", 2, "locust: error: argument --web-auth: "),
        ("--legacy-ui", 2, "locust: error: argument --legacy-ui: "),
        ("--expect-workers 0", 2, "argument --expect-workers: Invalid argument (0), must be a positive number"),
    ],
)
def test_what_does_not_go_together(run, args, code, said):
    r = run(*args.split())
    assert r.code == code and said in r.err and "Traceback" not in r.err, r


def test_what_starts_nothing_is_let_through(run):
    r = run(*"--headless -t 1 --autostart --web-port 80 --tls-cert x --expect-workers 3 --master-host y".split())
    assert r.code == 0, r
    assert "The --autostart argument is implied by --headless, no need to set both." in r.messages()


def test_information_is_given_all_the_same(run):
    assert run("-V", "--master").out.startswith("locust 2.46")
    assert run("-h", env={"LOCUST_PROCESSES": "2"}).out.startswith("Usage:")
    assert run("-l", "--master").out == "Available Users:\n    A\n"
    assert "Task ratio per User class" in run("--show-task-ratio").out


def test_locustfiles_find_them(run):
    r = run("--headless", "--profiler", "b", locustfile=ASK)
    assert r.out == "b False False None None False 8089 1\n", r


def test_beginnings_of_options(run):
    assert run("--head").err == "locust: error: ambiguous option: --head could match --headless, --headful\n"
    assert run("--master-").err == "locust: error: ambiguous option: --master- could match --master-host, --master-port\n"


def test_the_documentation_lists_them():
    text = (Path(__file__).resolve().parents[2] / "docs" / "differences.md").read_text()
    listed = set(re.findall(r"`(--[\w-]+)`", text.partition("\n## Not there yet\n")[2]))
    assert {"--headless", "--master", "--worker", "--processes"} <= listed
