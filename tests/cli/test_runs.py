"""The locustfiles of tests/runs take the course that is written beside them.

runs/NAME.py is run, and what it has traced (see runs/traced.py) is compared with runs/NAME.txt. With
LOCUST_REF (the command of real Locust) and LOCUST_REF_PYTHON (its python3), real Locust must take
the same course; where we differ on purpose its own one is in runs/NAME.locust.txt, and the file says why.

A locustfile says in comments how it is run:

    # args: -u 3 -r 3            options besides --headless --only-summary and -f
    # run NAME: -u 3             the same, for several runs; the locustfile finds NAME in traced.RUN
    # site                       --host is the demo site
    # script                     a script for python3, not for the program
    # differs: REASON            there is a NAME.locust.txt
    # ours: REASON               not a thing that real Locust can do

As a program this file writes NAME.txt, or NAME.locust.txt where there is a reason, from what real
Locust does: LOCUST_REF=... python3 tests/cli/test_runs.py NAME...
"""

import collections
import difflib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # when it is run by itself
from reference import version  # noqa: E402

RUNS = Path(__file__).parents[1] / "runs"
PROGRAM = os.environ.get("LOCUST_BIN") or str(Path(os.environ.get("BUILDDIR", ".")).resolve() / "locust")
REFERENCE = os.environ.get("LOCUST_REF")
REFERENCE_PYTHON = os.environ.get("LOCUST_REF_PYTHON")
SANITIZERS = bool(os.environ.get("LOCUST_SANITIZERS"))
AT_ONCE = 6
PATIENCE_SEC = 300 if SANITIZERS else 120

# What Locust 2.47 changed, as it fires user_error for on_start.
UNTIL_2_46 = ("events_custom", "events_user_error", "exit_codes-on_start", "flow_everywhere")

Run = collections.namedtuple("Run", "case name args")


class Case:
    """A locustfile and what it says about itself."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        text = path.read_text()
        self.site = bool(re.search(r"^# site$", text, re.M))
        self.script = bool(re.search(r"^# script$", text, re.M))
        self.differs = re.findall(r"^# differs: (.+)$", text, re.M)
        self.ours = re.findall(r"^# ours: (.+)$", text, re.M)
        runs = re.findall(r"^# run (\w+):(.*)$", text, re.M)
        if not runs:
            runs = [("", " ".join(re.findall(r"^# args: (.*)$", text, re.M)))]
        self.runs = [Run(self, name, shlex.split(args)) for name, args in runs]

    def expected(self, reference):
        """The course of each run, by its name."""
        path = self.path.with_suffix(".locust.txt" if reference and self.differs else ".txt")
        parts = re.split(r"^=== ?(.*)\n", path.read_text(), flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))


CASES = {path.stem: Case(path) for path in sorted(RUNS.glob("*.py")) if path.stem != "traced" and path.name[0] != "_"}


def command(run, reference, host):
    if run.case.script:
        python = [REFERENCE_PYTHON] if reference else [sys.executable]
        return [*python, run.case.path.name, *run.args]
    program = shlex.split(REFERENCE) if reference else [PROGRAM]
    files = [] if "-f" in run.args else ["-f", run.case.path.name]
    where = ["--host", host] if host else []
    return [*program, "--headless", "--only-summary", *files, *where, *run.args]


def environment(directory, run, reference):
    env = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_") or k == "LOCUST_SANITIZERS"}
    if reference:
        env.pop("PYTHONPATH", None)
        env.pop("LD_PRELOAD", None)
    env.update(HOME=directory, TRACED_FILE=f"{directory}/trace", TRACED_RUN=run.name, TRACED_DIRECTORY=directory)
    env.update(COLUMNS="80", PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    return env


def course(lines, code):
    """The events of each actor in their order, and how it ended."""
    actors = collections.defaultdict(list)
    for line in lines:
        actor, _, what = line.partition("\t")
        actors[actor].append(what.rstrip())
    text = f"exit code {code}\n"
    for actor in sorted(actors):
        events = sorted(actors[actor]) if actor.endswith("*") else actors[actor]
        text += f"--- {actor}\n" + "".join(f"{what}\n" for what in events)
    return text


def execute(run, reference=False, host=None):
    """Runs it to the end. Returns its course and what it has printed."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "output")
        with output.open("w") as out:
            process = subprocess.Popen(
                command(run, reference, host if run.case.site else None),
                cwd=RUNS,
                env=environment(directory, run, reference),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(PATIENCE_SEC)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = f"none after {PATIENCE_SEC} s"
        trace = Path(directory, "trace")
        lines = trace.read_text().splitlines() if trace.exists() else []
        # A port that changes from run to run is no part of the course.
        text = course(lines, code)
        if host:
            text = text.replace(host.rpartition(":")[2], "PORT")
        return text, output.read_text(errors="replace")


@pytest.fixture(scope="module")
def results(request, demo_site):
    """Begins all runs that are asked for, several at once; the tests wait for theirs."""
    wanted = [item.callspec.params for item in request.session.items if item.fspath == request.node.fspath]
    wanted = [(p["run"], p["reference"]) for p in wanted if "run" in p]
    wanted = [(run, ref) for run, ref in wanted if not ref or REFERENCE]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {(run.case.name, run.name, ref): pool.submit(execute, run, ref, demo_site.url) for run, ref in wanted}
        yield futures
        for future in futures.values():
            future.cancel()


def runs(reference):
    """All runs, each as an argument for test_course()."""
    for case in CASES.values():
        for run in case.runs if not (reference and case.ours) else ():
            yield pytest.param(run, reference, id=f"{case.name}-{run.name}".strip("-") + "-real" * reference)


@pytest.mark.parametrize("run, reference", [*runs(False), *runs(True)])
def test_course(run, reference, results):
    if reference and not (REFERENCE_PYTHON if run.case.script else REFERENCE):
        pytest.skip("LOCUST_REF and LOCUST_REF_PYTHON are not set: no real Locust to compare with")
    if reference and f"{run.case.name}-{run.name}".startswith(UNTIL_2_46) and version() >= (2, 47):
        pytest.skip("Locust 2.47 changed this")
    seen, output = results[run.case.name, run.name, reference].result()
    expected = run.case.expected(reference)[run.name]
    difference = "".join(difflib.unified_diff(expected.splitlines(True), seen.splitlines(True), "expected", "seen"))
    assert not difference, f"{difference}\n--- printed\n{output}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_expectation(case):
    """What is written beside a locustfile belongs to it."""
    names = [run.name for run in case.runs]
    assert list(case.expected(False)) == names
    assert case.path.with_suffix(".locust.txt").exists() == bool(case.differs)
    if case.differs:
        assert list(case.expected(True)) == names
        assert case.expected(True) != case.expected(False), "there is no difference"


def write(names):
    """Writes down what real Locust does."""
    from serving import Server

    assert REFERENCE and REFERENCE_PYTHON, "set LOCUST_REF and LOCUST_REF_PYTHON"
    cases = [CASES[name] for name in names or CASES if not CASES[name].ours]
    with Server("demo-site") as site, ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(lambda run: execute(run, True, site.url), [r for c in cases for r in c.runs]))
    for case in cases:
        text = ""
        for run in case.runs:
            traced, output = seen.pop(0)
            text += f"=== {run.name}".rstrip() + "\n" + traced
            print(f"\n##### {case.name} {run.name}\n{traced}")
            if os.environ.get("VERBOSE"):
                print(output)
        case.path.with_suffix(".locust.txt" if case.differs else ".txt").write_text(text)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    write(sys.argv[1:])
