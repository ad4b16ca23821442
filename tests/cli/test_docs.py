"""Every command in README.md and docs/ is run: here, or by the test that is named here. So is every locustfile."""

import re
import shlex
from pathlib import Path

import pytest
from serving import PROGRAM, plain_environment, run_together

pytestmark = pytest.mark.plain("what the pages say is compared; what they make run has tests of its own")

SOURCE = Path(__file__).resolve().parents[2]
PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]
COMMAND = re.compile(
    r"^    (?:\$ )?((?:[A-Z_]+=\S+ )*(?:(?:build/)?locust (?!error)(?!warning)|build/|\./|\.\./|\. |make|autoreconf|mkdir|pip |python3 ).*)$"
)
SITE = "http://127.0.0.1:8000"

# Commands that are run elsewhere: where, and what is to be found there.
ELSEWHERE = {
    "./bootstrap.sh ": ("tests/cli/test_bootstrap.py", "bootstrap.sh"),
    "autoreconf -fi": ("bootstrap.sh", "autoreconf -fi"),
    "mkdir build && cd build": ("bootstrap.sh", 'mkdir -p "$directory"'),
    "../configure": ("bootstrap.sh", "../configure "),
    "make check": ("bootstrap.sh", " check VERBOSE=1 "),
    "make install": ("tests/py/test_install.py", "make install"),
    "make": ("bootstrap.sh", 'make -C "$1"'),
    "python3 -m venv env": ("tests/cli/test_venv.py", '"-m", "venv"'),
    ". env/bin/activate": ("tests/cli/test_venv.py", "VIRTUAL_ENV"),
    "pip install faker": ("tests/cli/test_venv.py", "site-packages"),
    "build/demo-site --port 8000": ("tests/conftest.py", 'Server("demo-site")'),
}


def commands():
    """(page, command) of all of them."""
    for page in PAGES:
        for line in page.read_text().splitlines():
            if match := COMMAND.match(line):
                yield page.name, re.sub(r"\s+# .*$", "", match[1])


def is_ours(command):
    return re.match(r"(?:[A-Z_]+=\S+ )*(?:build/)?locust ", command) is not None


OURS = [(page, command) for page, command in commands() if is_ours(command)]
BLOCKS = [
    (page.name, block) for page in PAGES for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S)
]


def test_every_other_command_is_run_elsewhere():
    for page, command in commands():
        if not is_ours(command):
            ((where, what),) = [place for begin, place in ELSEWHERE.items() if command.startswith(begin)][:1]
            assert what in (SOURCE / where).read_text(), (page, command)
    assert len(OURS) >= 12 and len(BLOCKS) >= 5


def shortened(command, url):
    """The command for a test: against our site, for a second or two."""
    command = command.replace(SITE, url).replace("build/locust", shlex.quote(PROGRAM))
    command = re.sub(r"^((?:[A-Z_]+=\S+ )*)locust ", lambda m: m[1] + shlex.quote(PROGRAM) + " ", command)
    command = re.sub(r"-t \d+[sm]", "-t 2s", command)
    return command if "-t " in command or "--headless" not in command or "'p95<fast'" in command else command + " -t 2s"


def prepare(directory, command):
    """What is there where a command is run; in the source tree (build/locust) there is no locustfile.py."""
    directory.mkdir()
    (directory / "examples").symlink_to(SOURCE / "examples")
    example = (SOURCE / "examples/quickstart/locustfile.py").read_text()
    (directory / "my_test.py").write_text(example)
    if "build/locust" not in command:
        (directory / "locustfile.py").write_text(example)


@pytest.fixture(scope="module")
def results(tmp_path_factory, demo_site):
    """What came of all commands, several at a time: by command, (exit code, output)."""
    base = tmp_path_factory.mktemp("docs")
    env = {k: v for k, v in plain_environment().items() if not k.startswith("LOCUST_")}
    env.update(HOME=str(base), COLUMNS="80", LOCUST_HOST=demo_site.url, TERM="xterm")

    jobs = []
    for number, (_, command) in enumerate(OURS):
        directory = base / str(number)
        prepare(directory, command)
        shell = shortened(command, demo_site.url)
        if "--live" in command:  # its standard error must be a terminal
            shell = f"script -qec {shlex.quote(shell)} /dev/null"
        jobs.append((["sh", "-c", shell], directory, env))
    done = run_together(jobs)
    return {command: (code, out + err) for (_, command), (code, out, err) in zip(OURS, done, strict=True)}


@pytest.mark.parametrize("page, command", OURS)
def test_command(results, page, command):
    code, output = results[command]
    wanted = 2 if "'p95<fast'" in command else 0
    assert code == wanted and "Traceback" not in output, (page, command, code, output)


def test_the_error_that_is_shown(results):
    text = (SOURCE / "docs/options.md").read_text()
    (command,) = [command for _, command in OURS if "'p95<fast'" in command]
    assert f"    $ {command}\n    {results[command][1]}" in text


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_locustfile(run, demo_site, number):
    page, block = BLOCKS[number]
    args = [] if "LoadTestShape" in block else ["-u", "4", "-r", "10", "-t", "2"]
    r = run("--headless", *args, "-H", demo_site.url, locustfile=block)
    assert r.code == 0 and "Traceback" not in r.err, (page, block, r)
    assert max(map(int, re.findall(r"Aggregated +(\d+)", r.err))) > 0
