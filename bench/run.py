#!/usr/bin/env python3
"""Compares locust with its peers on this machine and prints one table.

Peers run in turn, A B A B, so that a machine that gets slower or faster does so
for all of them; each figure is the median of the runs. See README.md.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "locustfiles"))

from bench_burn import burn  # noqa: E402
from cases import CASES, FAST, FIGURES, HTTP, LOWER, NEITHER, WRK, Case  # noqa: E402
from procs import BenchError  # noqa: E402

OURS = "ours"
OPEN_FILES = 20000  # the most that is asked for


@dataclasses.dataclass(frozen=True)
class Peer:
    """A column of the table: a tool, and the kind of user it runs."""

    tool: str
    client: str
    command: tuple

    @property
    def label(self):
        return self.tool if self.client == WRK else f"{self.tool} {self.client}"


class Bench:
    """What all measurements share."""

    def __init__(self, options, directory):
        self.directory = directory
        self.locustfiles = HERE / "locustfiles"
        self.truth_server = options.truth_server
        self.quick = options.quick
        self.window = options.window or (2 if options.quick else 3)
        self.settle = 0.5 if options.quick else 1
        self.open_files = raise_open_files()
        self.rounds_per_us = calibrate()

    def new_directory(self, name):
        return pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))


def raise_open_files():
    """Thousands of users need thousands of descriptors; children inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


def calibrate():
    """How many rounds burn() does in a microsecond, at its fastest."""
    rounds = 1_000_000
    fastest = min(_burn_seconds(rounds) for _ in range(7))
    return round(rounds / (fastest * 1e6))


def _burn_seconds(rounds):
    begin = time.process_time()
    burn(rounds)
    return time.process_time() - begin


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", maxsplit=1)[0],
        epilog="Cases: " + ", ".join(case.name for case in CASES) + ".")
    build = HERE.parent / "build"
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these cases")
    parser.add_argument("--locust", default=os.environ.get("LOCUST_BIN", str(build / "locust")),
                        help="our program (environment: LOCUST_BIN)")
    parser.add_argument("--real", action="append", metavar="[NAME=]COMMAND",
                        help="a command line that runs real Locust; can be given more than once "
                        "(environment: LOCUST_REF; default: /usr/bin/python3 -m locust)")
    parser.add_argument("--truth-server", type=pathlib.Path, metavar="FILE",
                        default=build / "bench" / "truth-server", help="the delay server")
    parser.add_argument("--quick", action="store_true",
                        help="one run each, short windows, the main cases: under two minutes")
    parser.add_argument("--long", action="store_true", help="also the cases that take minutes")
    parser.add_argument("--runs", type=int, help="runs of each case (default 3)")
    parser.add_argument("--window", type=float, metavar="SECONDS",
                        help="how long is measured (default 3)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="also write the figures of every run")
    options = parser.parse_args()
    unknown = set(options.cases) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return options


def chosen_cases(options):
    if options.cases:
        return [case for case in CASES if case.name in options.cases]
    return [case for case in CASES
            if (case.quick or not options.quick) and (options.long or not case.long)]


def version_lines(command):
    """What --version prints. BenchError if the command cannot be run."""
    try:
        ran = subprocess.run([*command, "--version"], capture_output=True, text=True,
                             timeout=60, check=False)
    except OSError as error:
        raise BenchError(error.strerror) from error
    except subprocess.TimeoutExpired:
        raise BenchError("--version did not end within 60 s") from None
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip().splitlines() or ["nothing"]
        raise BenchError(f"--version ended with exit status {ran.returncode}: {said[-1]}")
    return ran.stdout.strip().splitlines()


def locust_peers(tool, command):
    return [Peer(tool, client, tuple(command)) for client in (HTTP, FAST)]


def real_peers(text):
    """One real Locust, from [NAME=]COMMAND."""
    given = re.fullmatch(r"(?:([\w.-]+)=)?(.+)", text)
    name, command = given[1], shlex.split(given[2])
    lines = version_lines(command)
    if len(lines) > 1:
        raise BenchError("this is not real Locust but ours: it prints two lines of version")
    if not name:
        number = re.search(r"\d+\.\d+\.\d+", lines[0] if lines else "")
        name = number[0] if number else "real"
    return locust_peers(name, command)


def find_peers(options):
    """The peers there are, and what was skipped and why."""
    peers, notes = [], []

    def add(what, find):
        try:
            peers.extend(find())
        except BenchError as error:
            notes.append(f"skipped: {what}: {error}")

    def ours():
        version_lines([options.locust])
        return locust_peers(OURS, [options.locust])

    def wrk():
        path = shutil.which("wrk")
        if not path:
            raise BenchError("not on PATH")
        return [Peer("wrk", WRK, (path,))]

    add(f"ours ({options.locust})", ours)
    reference = os.environ.get("LOCUST_REF", "/usr/bin/python3 -m locust")
    for text in options.real or [reference]:
        add(f"real Locust ({text})", lambda text=text: real_peers(text))
    add("wrk", wrk)
    labels = [peer.label for peer in peers]
    if len(set(labels)) < len(labels):
        sys.exit("two peers have the same name: give --real NAME=COMMAND")
    return peers, notes


class Results:
    """Figures of all runs: case name -> peer -> figure -> values."""

    def __init__(self):
        self.values = {}
        self.errors = {}  # (case name, peer) -> text

    def add(self, case, peer, figures):
        values = self.values.setdefault(case.name, {}).setdefault(peer, {})
        for name, value in figures.items():
            values.setdefault(name, []).append(value)

    def median(self, case, peer, figure):
        """None when there is none."""
        values = self.values.get(case.name, {}).get(peer, {}).get(figure)
        return statistics.median(values) if values else None

    def as_json(self):
        return {
            "runs": {case: {peer.label: figures for peer, figures in peers.items()}
                     for case, peers in self.values.items()},
            "errors": {f"{case}, {peer.label}": text
                       for (case, peer), text in self.errors.items()},
        }


def measure(bench, case: Case, peers, runs, results):
    """Runs one case with all peers in turn."""
    for run in range(1 if case.once else runs):
        for peer in peers:
            clients = case.ours if peer.tool == OURS else case.clients
            if peer.client not in clients or (case.name, peer) in results.errors:
                continue
            print(f"{case.name}, run {run + 1}: {peer.label}", file=sys.stderr, flush=True)
            try:
                results.add(case, peer, case.measure(bench, peer))
            except BenchError as error:
                results.errors[case.name, peer] = str(error)
                print(error, file=sys.stderr, flush=True)


def number(value):
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def ratio(figure, ours, theirs):
    """How many times better ours is."""
    if not ours or not theirs or FIGURES[figure] == NEITHER:
        return ""
    times = theirs / ours if FIGURES[figure] == LOWER else ours / theirs
    return f" ({times:.1f}x)" if times >= 0.1 else f" ({times:.3f}x)"


def cell(case, figure, peer, base, results):
    if (case.name, peer) in results.errors:
        return "failed"
    value = results.median(case, peer, figure)
    ours = results.median(case, base, figure) if base and peer.tool != OURS else None
    return number(value) + ratio(figure, ours, value)


def table(cases, peers, results):
    """The rows of the table, as text: a line per figure, a column per peer."""
    base = next((peer for peer in peers if (peer.tool, peer.client) == (OURS, HTTP)), None)
    rows = [["", *(peer.tool for peer in peers)],
            ["", *("" if peer.client == WRK else peer.client for peer in peers)]]
    for case in cases:
        figures = {name for found in results.values.get(case.name, {}).values() for name in found}
        failed = any(name == case.name for name, _peer in results.errors)
        if not figures and not failed:
            continue
        rows.append([f"{case.title} [{case.name}]{'+' * case.once}"])
        # In the order of FIGURES; a case that only failed still gets a line.
        for figure in [name for name in FIGURES if name in figures] or ["requests/s"]:
            rows.append([f"  {figure}",
                         *(cell(case, figure, peer, base, results) for peer in peers)])
    full = [row for row in rows if len(row) > 1]
    widths = [max(len(row[i]) for row in full) for i in range(len(peers) + 1)]
    for row in rows:
        first, *rest = row
        line = first.ljust(widths[0]) + "".join(
            "  " + text.rjust(width) for text, width in zip(rest, widths[1:]))
        yield line.rstrip()


def print_results(cases, peers, notes, results, bench, runs):
    print(f"\n{os.cpu_count()} processors; medians, runs of each: {runs} (+: 1); "
          f"windows of {bench.window:g} s.")
    if any(peer.tool == OURS for peer in peers):
        print("In brackets: how many times better ours (HttpUser) is.")
    print()
    print("\n".join(table(cases, peers, results)))
    for note in notes:
        print(note)
    for (case, peer), text in results.errors.items():
        print(f"failed: {case}, {peer.label}: {text}")


def main():
    # SIGTERM as Ctrl-C: leave every with, and so end every child.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parse_options()
    cases = chosen_cases(options)
    peers, notes = find_peers(options)
    runs = options.runs or (1 if options.quick else 3)
    results = Results()
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="locust-bench-") as directory:
        bench = Bench(options, directory)
        try:
            for case in cases:
                measure(bench, case, peers, runs, results)
        except KeyboardInterrupt:
            interrupted = True
            notes.append("interrupted: what follows was not measured")
    print_results(cases, peers, notes, results, bench, runs)
    if options.json:
        options.json.write_text(json.dumps(results.as_json(), indent=2) + "\n")
    if interrupted:
        return 130
    return 1 if results.errors or not results.values else 0


if __name__ == "__main__":
    sys.exit(main())
