"""Options, environment variables, configuration files, and what is said about bad ones."""

import re

import pytest

pytestmark = pytest.mark.plain("options are read by Python code, and runs end before anything else begins")

SHOW = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(1)

    @task
    def t(self):
        pass

class B(A):
    pass

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--mine", default="none", env_var="LOCUST_MINE")

@events.init.add_listener
def show(environment, **kwargs):
    o = environment.parsed_options
    print([c.__name__ for c in environment.user_classes], o.num_users, o.spawn_rate, o.run_time, o.tags, o.mine,
          o.only_summary, environment.host, environment.stop_timeout, o.exit_code_on_error)
    raise SystemExit(0)
"""


def show(run, *args, **kwargs):
    r = run("--headless", *args, locustfile=SHOW, **kwargs)
    assert r.code == 0, r
    return r.out.strip()


def test_version(run):
    r = run("-V")
    first, second = r.out.splitlines()
    assert re.fullmatch(r"locust 2\.46\.3 from /\S+/locust \(Python 3\.\d+\.\d+\)", first)
    assert re.fullmatch(r"native locust \d+\.\d+\.\d+", second)
    assert (r.code, r.err) == (0, "")
    assert run("--version").out == r.out


def test_help(run):
    r = run("-h", "-f", "missing.py", "--nonsense")
    assert (r.code, r.err) == (0, "")
    assert r.out.startswith("Usage: locust [options] [UserClass ...]\n\nCommon options:\n  -h, --help")
    groups = re.findall(r"^(\S.*):$", r.out, re.M)
    assert groups == [
        "Common options",
        "Web UI options",
        "Master options",
        "Worker options",
        "Tag options",
        "Request statistics options",
        "Logging options",
        "Other options",
        "User classes",
        "Examples",
    ]
    # argparse writes the first since 3.13.
    assert re.search(r"^  (-u, --users <int>|-u <int>, --users <int>)\n", r.out, re.M)
    assert "LOCUST_HOST" not in r.out


@pytest.mark.parametrize(
    "args, message",
    [
        (["--hedless"], "unrecognized arguments: --hedless\nDid you mean '--headless'?"),
        (["--zzzzzz"], "unrecognized arguments: --zzzzzz"),
        (["-u"], "argument -u/--users: expected one argument"),
        (["-u", "x"], "argument -u/--users: invalid int value: 'x'"),
        (["-r", "0"], "argument -r/--spawn-rate: must be > 0"),
        (["-r", "abc"], "argument -r/--spawn-rate: invalid checker value: 'abc'"),
        (
            ["-t", "1x"],
            "argument -t/--run-time: Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.",
        ),
        (["-t", ""], "argument -t/--run-time: Invalid time span format"),
        (
            ["-s", "1.5"],
            "argument -s/--stop-timeout: Invalid time span format. "
            "Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.",
        ),
        (
            ["-L", "foo"],
            "argument --loglevel/-L: invalid choice: 'FOO' "
            "(choose from 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')",
        ),
    ],
)
def test_bad_options(run, args, message):
    r = run(*args)
    assert (r.code, r.out, r.err) == (2, "", f"locust: error: {message}\n")


@pytest.mark.parametrize("key", ["-u-3", "-u=5", "-u 5", "--users=5", "--use=5"])
def test_ways_to_give_a_value(run, key):
    users = show(run, "-t1", *key.split()).split("] ")[1].split()[0]
    assert users == ("-3" if "-3" in key else "5")


def test_precedence(run, directory):
    def users(*args, **kwargs):
        return show(run, "-t1", *args, **kwargs).split("] ")[1].split()[0]

    assert users() == "None"
    (directory / "home" / ".locust.conf").write_text("users = 1\n")
    assert users() == "1"
    (directory / "locust.conf").write_text("users = 2\n")
    assert users() == "2"
    (directory / "pyproject.toml").write_text("[tool.locust]\nusers = 3\n[other]\nusers = 9\n")
    assert users() == "3"
    (directory / "my.conf").write_text("users = 4\n")
    assert users("--config", "my.conf") == "4"
    assert users("--config", "my.conf", env={"LOCUST_USERS": "5"}) == "5"
    assert users("--config", "my.conf", "-u", "6", env={"LOCUST_USERS": "5"}) == "6"


def test_config_file_syntax(run, directory):
    (directory / "locust.conf").write_text(
        "# comment\n[section]\n; another\n--- yaml\n"
        "users: 7\nspawn-rate 2.5\nrun-time = '1m'  # trailing\nonly-summary\ntags = [a, b c]\n--mine = x\n"
        "stop-timeout = 1m5s\n"
    )
    assert show(run) == "['A', 'B'] 7 2.5 60 ['a', 'b c'] x True None 65.0 1"


def test_toml(run, directory):
    (directory / "my.toml").write_text(
        '[tool.locust]\nusers = 7\nonly-summary = true\ntags = ["a", "b"]\nhost = "http://x"\n'
    )
    assert show(run, "--config", "my.toml") == "['A', 'B'] 7 None None ['a', 'b'] none True http://x 0.0 1"


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("e.conf", "fooo = 3\n", "unrecognized arguments: --fooo=3"),
        ("f.conf", "reset-stats = maybe\n", "Unexpected value for reset-stats: 'maybe'."),
        ("g.conf", "users = [1, 2]\n", "users can't be set to a list '[1, 2]'"),
        ("h.toml", "[tool\n", "Couldn't parse TOML file: "),
        (None, None, "Unable to open config file: missing.conf."),
    ],
)
def test_bad_config_files(run, directory, name, text, message):
    if name:
        (directory / name).write_text(text)
    r = run("--headless", "-t1", "--config", name or "missing.conf")
    assert r.code == 2
    assert r.err.startswith("locust: error: " + message), r


def test_environment_variables(run):
    env = {
        "LOCUST_USERS": "8",
        "LOCUST_ONLY_SUMMARY": "Yes",
        "LOCUST_TAGS": "[a, b]",
        "LOCUST_MINE": "m",
        "LOCUST_USER_CLASSES": "B",
        "LOCUST_EXIT_CODE_ON_ERROR": "42",
    }
    assert show(run, env=env) == "['B'] 8 None None ['a', 'b'] m True None 0.0 42"
    assert show(run, "A", env={"LOCUST_USER_CLASSES": "B", "LOCUST_TAGS": "a b"}).startswith(
        "['A'] None None None ['a b']"
    )
    for bad in ("", "maybe"):
        r = run("-t1", env={"LOCUST_HEADLESS": bad})
        assert r.code == 2
        assert r.err.startswith(f"locust: error: Unexpected value for LOCUST_HEADLESS: '{bad}'. Expecting 'true',")


def test_custom_arguments(run):
    assert show(run, "--mine", "yes").split()[6] == "yes"
    assert "--mine" not in run("-h", locustfile=SHOW).out


def test_locustfiles_that_are_not_there(run, directory):
    (directory / "empty").mkdir()
    for name in ("no.py", "no"):
        r = run("-f", name)
        assert r.code == 1 and r.err.startswith(f"Could not find '{name}'. "), r
    r = run("-f", "empty")
    assert r.code == 1 and r.err.startswith("Could not find any locustfiles in directory 'empty'"), r
    r = run("-f", "-")
    assert r.code == 1 and "--worker was not specified" in r.err, r


def test_several_locustfiles(run, directory):
    text = (directory / "locustfile.py").read_text()
    many = directory / "many"
    (many / "deep").mkdir(parents=True)
    (many / "one.py").write_text(text.replace("class A", "class One"))
    (many / "deep" / "two.py").write_text(text.replace("class A", "class Two"))
    (many / "_skipped.py").write_text("1/0")
    assert sorted(run("-l", "-f", "many").out.split()) == ["Available", "One", "Two", "Users:"]
    assert run("-l", "-f", " many/one.py , locustfile.py").out == "Available Users:\n    One\n    A\n"
    assert run("-l", "-f", "many/one.py,many/one.py").code == 0
    (many / "three.py").write_text(text.replace("class A", "class One"))
    r = run("-l", "-f", "many/one.py,many/three.py")
    assert r.code == 1
    assert r.err == (
        f"Duplicate user class names: One is defined in both {many}/one.py and {many}/three.py\n"
    )


def test_imports_beside_the_locustfile(run, directory):
    sub = directory / "sub"
    sub.mkdir()
    (sub / "helper.py").write_text("name = 'beside'")
    (directory / "top.py").write_text("name = 'cwd'")
    (sub / "locust.py").write_text(
        "import helper, sys, top\nfrom locust import User\nprint(helper.name, top.name, __name__)\n"
        "class U(User): pass\n"
    )
    r = run("-l", "-f", "sub/locust.py")
    assert r.out.splitlines()[0] == "beside cwd locustfile"
    assert r.code == 0


def test_no_user_class(run):
    r = run("--headless", locustfile="x = 1\n")
    assert r.code == 1 and r.messages()[-1] == "No User class found!"
    r = run("-l", locustfile="x = 1\n")
    assert (r.code, r.out) == (0, "Available Users:\n")


def test_unknown_user_class(run):
    r = run("--headless", "Nope", "Foo", "A")
    assert r.code == 1
    assert r.log()[-1][1:] == ("ERROR", "locust.main", "Unknown User(s): Nope, Foo"), "as they were given"


def test_a_locustfile_that_fails(run):
    r = run("--headless", locustfile="1/0\n")
    assert r.code == 1
    assert r.err.startswith("Traceback") and r.err.endswith("ZeroDivisionError: division by zero\n"), r
    assert "Starting Locust" not in r.err


def test_all_weights_zero(run, directory):
    text = (directory / "locustfile.py").read_text().replace("wait_time", "weight = 0; wait_time")
    r = run("--headless", locustfile=text)
    assert r.code == 1 and r.err.endswith("ValueError: There are no users with weight > 0.\n"), r


def test_stack_size(run):
    assert run("--headless", "-t1", "--stack-size", "1024").code == 0
    r = run("--headless", "-t1", "--stack-size", "8")
    assert r.code == 1 and "--stack-size: a stack of 8 KB" in r.err, r
