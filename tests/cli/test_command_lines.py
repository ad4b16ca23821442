"""What command lines, variables and files come to: what is printed where, and the exit code.

command_lines.json has what real Locust 2.47 does with each of CASES, its log times masked, and ours beside it where we differ on
purpose (docs/differences.md says why). With LOCUST_REF set, real Locust must still do it; and with
LOCUST_REF="..." python3 tests/cli/test_command_lines.py it is written anew.
"""

import json
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # when it is run by itself
import reference  # noqa: E402
from serving import PROGRAM, plain_environment, run_together  # noqa: E402

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "command_lines.json"
REFERENCE = os.environ.get("LOCUST_REF")

# What Locust 2.47 changed.
SINCE_2_47 = {
    "not a finite rate",
    "not a number for a rate",
    "two shapes",
    "a log file in a new directory",
    "a log file that cannot be",
}

PLAIN = """
from locust import *

class A(User):
    wait_time = constant(0.3)
    host = "http://a"

    @tag("x")
    @task
    def one(self):
        pass

    @tag("y", "z")
    @task(3)
    def two(self):
        pass

class B(A):
    weight = 2

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--mine", default="none", env_var="MINE", help="mine")
    parser.add_argument("--colour", choices=["red", "green"], default="red", include_in_web_ui=False)
    parser.add_argument("--password", is_secret=True, env_var="PASSWORD", default="")
    parser.add_argument("--many", nargs="*", is_multiple=True, choices=["a", "b", "c"])
    group = parser.add_argument_group("Mine")
    group.add_argument("--number", type=int, default=1, env_var="NUMBER")

@events.init.add_listener
def show(environment, **kwargs):
    o = environment.parsed_options
    print(sorted(c.__name__ for c in environment.user_classes), o.num_users, o.spawn_rate, o.run_time, o.stop_timeout, o.host)
    print(o.tags, o.exclude_tags, o.mine, o.colour, o.password, o.many, o.number, o.csv_prefix, o.loglevel, o.profile)
    print(environment.host, environment.stop_timeout, [t.__name__ for t in A.tasks], A.weight, B.weight)
    environment.process_exit_code = 9
    environment.runner.quit()
    raise SystemExit(0)
"""

NESTED = PLAIN.partition("@events")[0] + """
class T(TaskSet):
    tasks = {A.one: 1, A.two: 1}

class C(User):
    fixed_count = 2
    tasks = {T: 3, A.one: 1}
"""

SHOW = "--headless"


def case(args, files=None, env=None, locustfile=PLAIN):
    """A command line, the files beside it (locustfile.py among them), and variables."""
    return {"args": args, "files": {"locustfile.py": locustfile, **(files or {})}, "env": env or {}}


def conf(text, args=SHOW, **kwargs):
    """One that is about locust.conf."""
    return case(args, {"locust.conf": text}, **kwargs)


def toml(text, args=SHOW, **kwargs):
    """One that is about pyproject.toml."""
    return case(args, {"pyproject.toml": text}, **kwargs)


CASES = {
    # Ways to give options
    "separate values": case(f"{SHOW} --users 5 --spawn-rate 2.5 --run-time 1h2m3s --stop-timeout 1m"),
    "joined values": case(f"{SHOW} --users=5 -r2.5 -t90 -s3 -Hhttp://x"),
    "abbreviations": case("--headl --use 5 --spawn 2 --run 20s --exit-code 4"),
    "last one wins": case(f"{SHOW} -u 5 -u 6 -H a -H b"),
    "a negative value": case(f"{SHOW} -u -3"),
    "zero users": case(f"{SHOW} -u 0"),
    "classes": case(f"{SHOW} B"),
    "classes before options": case(f"A {SHOW} -u 1"),
    "greedy tags": case(f"{SHOW} -T x y A"),
    "tags and classes": case(f"{SHOW} -T x -- A"),
    "excluded tags": case(f"{SHOW} -E z -T"),
    "own options": case(f"{SHOW} --mine x --colour green --password p --many a c --number 7"),
    "loglevel in lower case": case(f"{SHOW} -L debug --profile night"),
    # Bad ones
    "unknown": case("--nonsense"),
    "unknown but close": case("--headles=1 --hedless"),
    "unknown short": case("-Z"),
    "gone": case("--modern-ui"),
    "ambiguous": case("--head"),
    "ambiguous in the first pass": case("--master-"),
    "no value": case("-u"),
    "not a number": case("-u five"),
    "not a whole number": case("-u 1.5"),
    "not above zero": case("-r 0"),
    "not a rate": case("-r fast"),
    "not a finite rate": case("-r inf"),
    "not a number for a rate": case("-r nan"),
    "not a time": case("-t 1d"),
    "an empty time": case("-t ''"),
    "a time with blanks": case("-t '1h 2m'"),
    "not whole seconds": case("-s 0.5"),
    "not a level": case("-L loud"),
    "not a choice": case("--colour blue"),
    "not a choice of many": case("--many a d"),
    "not a number of our own": case("--number x"),
    "a value for a flag": case("--headless=yes"),
    "history without csv": case("--headless --csv-full-history"),
    "no workers": case("--master --expect-workers 0"),
    "web-auth": case("--web-auth a:b"),
    "legacy-ui": case("--legacy-ui"),
    "config-users no json": case("--headless --config-users '{'"),
    "config-users no file": case("--headless --config-users gone.json"),
    "config-users no name": case("""--headless --config-users '{"weight": 3}'"""),
    "config-users no class": case("""--headless --config-users '{"user_class_name": "X"}'"""),
    "config-users": case("""--headless --config-users '[{"user_class_name": "A", "weight": 7, "tasks": ["two"]}]'"""),
    "config-users file": case("--headless --config-users u.json", {"u.json": '{"user_class_name": "B", "weight": 5}'}),
    "autoquit": case("--autoquit 3"),
    "processes": case("--processes -5"),
    "processes and master": case("--processes 2 --master"),
    "master and worker": case("--master --worker"),
    "autostart and headless": case(f"{SHOW} --autostart"),
    "unknown class": case(f"{SHOW} Nope"),
    "two unknown in one": case("--one --two three"),
    # Locustfiles
    "missing file": case("-f gone.py"),
    "no .py": case("-f locustfile"),
    "not a .py": case("-f other.txt", {"other.txt": ""}),
    "list": case("-l"),
    "list with rubbish": case("-l --nonsense"),
    "several files": case("-l -f ' a.py , b.py'", {"a.py": "from locustfile import A", "b.py": "from locustfile import B"}),
    "twice the same": case("-l -f a.py,a.py", {"a.py": "from locustfile import A"}),
    "an empty directory": case("-l -f sub", {"sub/_a.py": "", "sub/a.txt": ""}),
    "a directory": case("-l -f sub", {"sub/deep/x.py": "from locust import User\nclass X(User): pass\n", "sub/_y.py": "1/0"}),
    "two shapes": case(
        "-l", locustfile="from locust import *\nclass S(LoadTestShape):\n    def tick(self): pass\nT = S\nclass A(User): pass\n"
    ),
    "no classes": case(SHOW, locustfile="x = 1\n"),
    "list without classes": case("-l", locustfile="x = 1\n"),
    "an import that fails": case(SHOW, locustfile="import nothing_of_that_name\n"),
    "a syntax error": case(SHOW, locustfile="def\n"),
    "an exit": case(SHOW, locustfile="raise SystemExit(5)\n"),
    "from the master": case("-f -"),
    "all weights zero": case(SHOW, locustfile=NESTED.replace("weight = 2", "weight = 0").replace("wait_time", "weight = 0; wait_time").replace("= 2\n    tasks", "= 0\n    weight = 0\n    tasks")),  # fmt: skip
    "two shapes of one name": case("-l -f a.py,b.py", {name: "from locust import *\nclass S(LoadTestShape):\n    def tick(self): pass\nclass A(User): pass\n" for name in ("a.py", "b.py")}),
    "two classes of one name": case("-l -f a.py,b.py", {name: "from locust import *\nclass A(User): pass\n" for name in ("a.py", "b.py")}),
    # Ratios
    "ratio": case("--show-task-ratio", locustfile=NESTED),
    "ratio of users": case("--show-task-ratio -u 10", locustfile=NESTED),
    "ratio of a class": case("--show-task-ratio -u 4 C", locustfile=NESTED),
    "ratio json": case("--show-task-ratio-json -u 9", locustfile=NESTED),
    "ratio of an unknown class": case("--show-task-ratio D", locustfile=NESTED),
    # Variables
    "variables": case("", env={"LOCUST_HEADLESS": "On", "LOCUST_USERS": "4", "LOCUST_TAGS": "[x, y z]", "MINE": "m"}),
    "variables and options": case("--headless -u 3 --host b", env={"LOCUST_USERS": "4", "LOCUST_HOST": "a"}),
    "variable as json": case(SHOW, env={"LOCUST_TAGS": '["x", "y z"]', "LOCUST_EXCLUDE_TAGS": "a b"}),
    "empty list variable": case(SHOW, env={"LOCUST_TAGS": "", "LOCUST_CONFIG_USERS": ""}),
    "empty variable": case(SHOW, env={"LOCUST_USERS": ""}),
    "empty flag variable": case("", env={"LOCUST_HEADLESS": ""}),
    "bad flag variable": case("", env={"LOCUST_HEADLESS": "maybe"}),
    "bad variable": case(SHOW, env={"LOCUST_RUN_TIME": "soon"}),
    "bad own variable": case(SHOW, env={"NUMBER": "x"}),
    "classes variable": case(SHOW, env={"LOCUST_USER_CLASSES": " B "}),
    "classes variable and option": case(f"{SHOW} A", env={"LOCUST_USER_CLASSES": "B"}),
    "legacy variable": case("", env={"LOCUST_LEGACY_UI": "1"}),
    "file variable": case("-l", {"a.py": "from locustfile import A"}, env={"LOCUST_LOCUSTFILE": "a.py"}),
    "no variable for json": case(SHOW, env={"LOCUST_JSON": "x", "LOCUST_PROFILE": "p", "LOCUST_LIST": "1"}),
    # Files
    "file": conf("users = 4\nspawn-rate: 2\nrun-time 30\nhost = 'http://q'\nonly-summary\n--mine = x y\n"),
    "file with comments": conf("# a\n; b\n[locust]\n---\nusers = 4 # four\nmine = a#b ; c\n\n"),
    "file with lists": conf("tags = [x, y z]\nexclude-tags = []\nmany = [a, c]\n"),
    "file with an abbreviation": conf("u = 5\nspawn = 2\n"),
    "file with flags": conf("headless = yes\nreset-stats = off\njson = 0\n", ""),
    "file with a bad flag": conf("reset-stats = perhaps\n"),
    "file with an unknown key": conf("heads = 1\n"),
    "file with a dest": conf("num_users = 1\n"),
    "file with a bad value": conf("users = many\n"),
    "file with a list for one": conf("users = [1, 2]\n"),
    "file with an empty value": conf("host =\ntags =\n"),
    "file with a bad line": conf("users = 1\n= 2\n"),
    "toml": toml('[tool.locust]\nusers = 4\nheadless = true\ntags = ["x", "y"]\nhost = "h"\n[tool.other]\nusers = 9\n', ""),
    "toml without us": toml("[tool.other]\nusers = 9\n"),
    "toml broken": toml("[tool\n"),
    "toml with an unknown key": toml("[tool.locust]\nheads = 1\n"),
    "home file": case(SHOW, {"home/.locust.conf": "users = 2\nmine = home\n"}),
    "config option": case(f"{SHOW} --config my.conf", {"my.conf": "users = 8\n"}),
    "config option toml": case(f"{SHOW} --config my.toml", {"my.toml": "[tool.locust]\nusers = 8\n"}),
    "config option missing": case(f"{SHOW} --config gone.conf"),
    "config option twice": case(f"{SHOW} --config a.conf --config b.conf", {"a.conf": "users = 1\n", "b.conf": "host = h\n"}),
    "precedence": case(
        f"{SHOW} -u 6 --config my.conf",
        {
            "home/.locust.conf": "users = 1\nspawn-rate = 1\nrun-time = 1\nhost = home\nmine = home\nnumber = 1\n",
            "locust.conf": "users = 2\nspawn-rate = 2\nrun-time = 2\nhost = conf\nmine = conf\n",
            "pyproject.toml": "[tool.locust]\nusers = 3\nspawn-rate = 3\nrun-time = 3\nhost = 'toml'\n",
            "my.conf": "users = 4\nspawn-rate = 4\nrun-time = 4\n",
        },
        env={"LOCUST_USERS": "5", "LOCUST_SPAWN_RATE": "5"},
    ),
    "help and broken files": conf("heads = 1\n", "-V --nonsense"),
    # Short tests
    "a short test": case("--headless -t 1 --only-summary -u 2 -r 2", locustfile=NESTED.replace("class C", "class _C")),
    "a failing task": case("--headless -t 1 --only-summary A", locustfile=NESTED.replace("pass", "1/0", 1).replace("pass", "1/0", 1)),
    "another exit code": case(
        "--headless -t 1 --only-summary A --exit-code-on-error 7",
        locustfile=NESTED.replace("pass", "1/0", 1).replace("pass", "1/0", 1),
    ),
    "no log set-up": case("--headless -t 1 --skip-log-setup A", locustfile=NESTED),
    "tags that leave nothing": case("--headless -t 1 --only-summary -T nothing -- A", locustfile=NESTED),
    "json of nothing": case("--headless -t 1 --json A", locustfile=NESTED),
    "errors only": case("--headless -t 1 -L ERROR --only-summary A", locustfile=NESTED),
    "a log file": case("--headless -t 1 --only-summary --logfile log.txt A", locustfile=NESTED),
    "equal weights": case("--headless -t 1 --only-summary --equal-weights -u 4 -r 4", locustfile=NESTED),
    "fixed counts": case("--headless -t 1 --only-summary -u 1", locustfile=NESTED),
    "a log file in a new directory": case("--headless -t 1 --logfile gone/log.txt"),
    "a log file that cannot be": case("--headless -t 1 --logfile locustfile.py/log.txt"),
}


def masked(text, directory):
    """Without what differs from run to run, and with tracebacks cut to their last line."""
    text = text.replace(str(directory), "DIR")
    text = re.sub(r"^\[[\d\-]+ [\d:,]+\] [^/]+/", "", text, flags=re.M)
    text = re.sub(r"Starting Locust \S+", "Starting Locust", text)
    text = re.sub(r"^Traceback.*\n(?:[ \t].*\n|\n(?=Traceback|During)|During.*\n)*", "Traceback\n", text, flags=re.M)
    text = re.sub(r"\(called from \S+\)", "(called from ...)", text)
    text = re.sub(r"^(?:\S+Z )?<[Gg]reenlet.* failed with .*\n", "", text, flags=re.M)
    text = re.sub(r"^locust \S+ from \S+ \(Python \S+\)", "locust VERSION", text, flags=re.M)
    # How often something is repeated depends on the moment at which the run time ends.
    return re.sub(r"^((?:.*\n){1,4}?)\1+", r"\1", re.sub(r"\n\n+", "\n\n", text), flags=re.M)


def outcomes(program, names):
    """What comes of some cases, several at a time: by name, {code, out, err}."""
    with tempfile.TemporaryDirectory() as base:
        directories = [Path(base).resolve() / str(number) for number in range(len(names))]
        jobs = [prepare(program, CASES[name], directory) for name, directory in zip(names, directories)]
        return {
            name: {"code": code, "out": masked(out, directory), "err": masked(err, directory)}
            for name, directory, (code, out, err) in zip(names, directories, run_together(jobs))
        }


def prepare(program, what, directory):
    """Makes the files of a case; gives what is to be run."""
    (directory / "home").mkdir(parents=True)
    for path, text in what["files"].items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    env = {k: v for k, v in plain_environment().items() if not k.startswith(("LOCUST_", "PYTHON"))}
    env.update({"HOME": str(directory / "home"), "COLUMNS": "80", "PYTHONUNBUFFERED": "1", **what["env"]})
    return program + shlex.split(what["args"]), directory, env


class Outcomes(dict):
    """Those of all cases, found out when first asked for, with those of the next few."""

    def __init__(self, program):
        super().__init__()
        self.program = program

    def __missing__(self, name):
        first = RUN.index(name)
        self.update(outcomes(self.program, RUN[first : first + TOGETHER]))
        return self[name]


TOGETHER = 12

# Sanitizers make every start slow, and what is read is the same for them.
RUN = list(CASES)[:: 6 if os.environ.get("LOCUST_SANITIZERS") else 1]


@pytest.fixture(scope="module")
def expected():
    return json.loads(EXPECTED.read_text())


@pytest.fixture(scope="module")
def ours():
    return Outcomes([PROGRAM])


@pytest.fixture(scope="module")
def theirs():
    return Outcomes(shlex.split(REFERENCE))


@pytest.mark.parametrize("name", RUN)
def test_ours(ours, expected, name):
    assert ours[name] == {**expected[name]["locust"], **expected[name].get("ours", {})}


@pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF is not set: no real Locust to compare with")
@pytest.mark.parametrize("name", RUN)
def test_theirs(theirs, expected, name):
    if name in SINCE_2_47 and reference.version() < (2, 47):
        pytest.skip("Locust 2.47 changed this")
    assert theirs[name] == expected[name]["locust"]


def test_every_case_is_there_and_few_differ(expected):
    assert list(expected) == list(CASES) and len(CASES) >= 100
    different = {name for name, what in expected.items() if "ours" in what}
    documented = (HERE.parents[1] / "docs" / "differences.md").read_text()
    assert all(expected[name]["why"] and expected[name]["why"] in documented for name in different)
    assert len(different) < len(CASES) / 5


def write():
    """Writes command_lines.json, with what was said there about differences."""
    before = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    theirs, ours, made = outcomes(shlex.split(REFERENCE), list(CASES)), outcomes([PROGRAM], list(CASES)), {}
    for name in CASES:
        made[name] = {"locust": theirs[name]}
        if different := {key: ours[name][key] for key in ("code", "out", "err") if ours[name][key] != theirs[name][key]}:
            made[name].update(ours=different, why=before.get(name, {}).get("why", ""))
    EXPECTED.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if not REFERENCE:
        sys.exit("LOCUST_REF must be the command that runs real Locust")
    write()
