"""What of Locust is not there yet is refused: options, wherever they come from, and gevent."""

import re
from pathlib import Path

import pytest

from locust._missing import MISSING

ASK = """
from locust import User, events, task

class A(User):
    @task
    def t(self):
        pass

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--mas", default="none")
    parser.add_argument("--profiler", default="none")

@events.init.add_listener
def show(environment, **kwargs):
    o = environment.parsed_options
    print(o.mas, o.profiler, o.master, o.worker, o.processes, o.csv_prefix, o.stats_history_enabled, o.web_port)
    raise SystemExit(0)
"""


def refusal(option, where=""):
    return (
        f"locust: error: {option}{where} is not there yet: "
        "this version runs one process, headless (see docs/differences.md)\n"
    )


@pytest.mark.parametrize("args", ["--master", "--processes 2", "--web-host x", "--worker -f -", "--web-auth x -f missing.py"])
def test_on_the_command_line(run, args):
    r = run("--headless", *args.split())
    assert (r.code, r.out, r.err) == (2, "", refusal(args.split()[0]))


@pytest.mark.parametrize(
    "variable, option, text",
    [
        ("LOCUST_MODE_WORKER", "--worker", "1"),
        ("LOCUST_PROCESSES", "--processes", "2"),
        ("LOCUST_WEB_HOST", "--web-host", "x"),
    ],
)
def test_in_the_environment(run, variable, option, text):
    r = run("--headless", env={variable: text})
    assert (r.code, r.out, r.err) == (2, "", refusal(option, f" ({variable})"))


def test_in_a_configuration_file(run, directory):
    (directory / "my.conf").write_text("autostart\n")
    r = run("--headless", "--config", "my.conf")
    assert (r.code, r.out, r.err) == (2, "", refusal("--autostart", " (my.conf)"))


def test_in_a_toml_file(run, directory):
    (directory / "pyproject.toml").write_text("[tool.locust]\nexpect-workers = 2\n")
    r = run("--headless")
    assert (r.code, r.err) == (2, refusal("--expect-workers", " (pyproject.toml)"))


def test_short_and_shortened(run):
    assert run("--headless", "-P", "80").err == refusal("--web-port")
    assert run("--headless", "--legacy").err == refusal("--legacy-ui")
    assert run("--head").err == "locust: error: ambiguous option: --head could match --headless, --headful\n"


def test_what_asks_for_nothing_is_let_through(run, directory):
    (directory / "locust.conf").write_text("autostart = false\ntls-cert =\n")
    r = run("-l", env={"LOCUST_MODE_WORKER": "false", "LOCUST_PROCESSES": "", "LOCUST_CONFIG_USERS": ""})
    assert r.code == 0, r


def test_information_is_given_all_the_same(run):
    assert run("-V", "--web-auth", "x").out.startswith("locust 2.46")
    assert run("-h", env={"LOCUST_PROCESSES": "2"}).out.startswith("Usage:")
    known = re.findall(r"--[\w-]+", run("-h").out)
    assert "--users" in known and not {name for option in MISSING for name in option.names} & set(known)


def test_locustfiles_find_them_and_may_add_similar_ones(run):
    r = run("--headless", "--mas", "a", "--profiler", "b", locustfile=ASK)
    assert r.out == "a b False False None None False 8089\n", r


def test_the_documentation_lists_them():
    text = (Path(__file__).resolve().parents[2] / "docs" / "differences.md").read_text()
    listed = set(re.findall(r"`(--[\w-]+)`", text.partition("\n## Not there yet\n")[2])) - {"--headless"}
    assert listed == {option.names[0] for option in MISSING}


def test_gevent(run, directory):
    (directory / "gevent").mkdir()
    (directory / "gevent" / "__init__.py").write_text("print('imported')\n")
    r = run("-l", locustfile="import gevent.pool\n")
    assert r.code == 1 and r.out == "", r
    assert "\nImportError: gevent is not there yet, and the one that is installed would crash the program: " in r.err
    r = run("-l", locustfile="try:\n    from gevent import sleep\nexcept ImportError:\n    print('without')\n")
    assert r.code == 0 and r.out.startswith("without\n"), r
