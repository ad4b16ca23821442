"""The same requests at the same times, counted by real Locust and by us.

LOCUST_REF_PYTHON names a Python in which real Locust 2.46 or later is installed; without it these
tests are skipped.
"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest

REFERENCE = os.environ.get("LOCUST_REF_PYTHON")
SCRIPT = pathlib.Path(__file__).with_name("differential_stats.py")

VERSION = "import locust; print(*locust.__version__.split('.')[:2])"


def is_recent():
    """Older releases keep, round and report in other ways."""
    run = subprocess.run([REFERENCE, "-c", VERSION], capture_output=True, text=True, env=bare(), check=True)
    return [int(part) for part in run.stdout.split()] >= [2, 46]


def bare():
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}


if not REFERENCE:
    pytest.skip("LOCUST_REF_PYTHON is not set", allow_module_level=True)
if not is_recent():
    pytest.skip("LOCUST_REF_PYTHON has a Locust before 2.46", allow_module_level=True)


def count(python, scenarios, env):
    run = subprocess.run(
        [python, str(SCRIPT)],
        input=json.dumps(scenarios),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
        env=env,
    )
    return json.loads(run.stdout)


def both(scenarios):
    """What is seen of each, here and there."""
    return count(sys.executable, scenarios, os.environ), count(REFERENCE, scenarios, bare())


def differences(mine, real, path=""):
    """Where two outcomes differ, as lines."""
    if type(mine) is not type(real):
        yield f"{path}: {mine!r} instead of {real!r}"
    elif isinstance(mine, dict):
        if list(mine) != list(real):
            yield f"{path}: keys {list(mine)} instead of {list(real)}"
        for key in real:
            if key in mine:
                yield from differences(mine[key], real[key], f"{path}.{key}")
    elif isinstance(mine, list):
        if len(mine) != len(real):
            yield f"{path}: {mine!r} instead of {real!r}"
        for i, (a, b) in enumerate(zip(mine, real)):
            yield from differences(a, b, f"{path}[{i}]")
    elif mine != real:
        yield f"{path}: {mine!r} instead of {real!r}"


def a_time(r, kind):
    halves = r.choice([2.5, 105, 995, 12500])
    ms = r.choice([r.uniform(0, 3), r.uniform(0, 150), r.lognormvariate(5, 1.5), halves])
    if r.random() < 0.05:
        return None
    # Buckets themselves: neither a median nor a percentile is rounded beyond the bounds then.
    if kind == "buckets":
        return r.choice([3, 20, 99, 160, 160, 400, 3000, 11000])
    return int(ms) if kind == "whole" else float(ms)


def random_steps(seed):
    r = random.Random(seed)
    kind = ["whole", "fractions", "buckets"][seed % 3]
    for _ in range(r.choice([1, 3, 40])):
        for _ in range(r.choice([1, 3, 30])):
            name = r.choice(["/a", "/é", "/日本", "/long/" + "x" * 30, 'quoted, "name"'])
            method = r.choice(["GET", "POST", ""])
            yield ["request", method, name, a_time(r, kind), r.randrange(1000)]
            if r.random() < 0.2:
                texts = ["boom", "catch:bad", "value:a\nb", "<X object at 0x7f00>", "CatchResponseError('x')"]
                yield ["error", method, name, r.choice(texts)]
        yield ["wait", r.choice([0, 0.25, 1, 1, 2.5, 13])]
        if r.random() < 0.1:
            yield ["look"]
    yield ["look"]


# What is different on purpose: reports never show a percentile above the maximum. And medians are
# those of the specification, which releases differ in.
def masked(seen):
    seen = json.loads(json.dumps(seen))
    for look in seen:
        if isinstance(look, dict):
            entries = [*look["entries"].values(), look["total"]]
            for entry in entries:
                row = dict(map(tuple, entry["row"]))
                entry["row"] = [[k, "?" if is_rounded(k) else v] for k, v in row.items()]
                entry["texts"][0] = mask_median(entry["texts"][0])
            look["console"][0] = [mask_median(line) for line in look["console"][0]]
            look["console"][1] = [mask_median(line) for line in look["console"][1]]
            look["console"][2] = len(look["console"][2])
            look["tables"][0] = mask_csv(look["tables"][0])
    return seen


def is_rounded(column):
    return column == "median_response_time" or column.startswith("response_time_percentile")


def mask_median(line):
    head, bar, rates = line.rpartition(" | ")
    return head[:-7] + "?" + bar + rates if "Name" not in line else line


def mask_csv(text):
    """Without the columns of the median and the percentiles."""
    lines = []
    for line in text.splitlines():
        fields = re.findall(r'"(?:[^"]|"")*"|[^,]+|(?<=,)(?=,)|^(?=,)|(?<=,)$', line)
        lines.append(fields[:4] + fields[5:11])
    return lines


def assert_equal(scenarios, mask=lambda seen: seen):
    mine, real = both(scenarios)
    for i, (a, b) in enumerate(zip(mine, real, strict=True)):
        assert list(differences(mask(a), mask(b))) == [], f"scenario {i}"


def test_figures():
    assert_equal([list(random_steps(seed)) for seed in range(24)], masked)


def odd_steps(r):
    """Of each name an odd number of times that are buckets: all rules for the median agree."""
    for _ in range(9):
        for name in ("/b", "/é", "a, b"):
            yield ["request", "GET", name, r.choice([3, 20, 99, 160, 400, 3000, 11000]), 5]
        yield ["wait", 1]
    yield ["error", "GET", "/b", "catch:bad"]
    yield ["error", "GET", "/b", "value:worse"]
    yield ["error", "GET", "/only-failures", "with, comma"]
    yield ["request", "POST", "/none", None, 5]


def reports(seed):
    yield from odd_steps(random.Random(seed))
    yield from [["look"], ["history"], ["files", seed % 2 == 0], ["wait", 7.5], ["history"], ["look"]]
    yield from [["assign", "/b", "GET", "min_response_time", None], ["look"]]


def test_reports():
    """Tables, files and history to the character."""
    assert_equal([list(reports(seed)) for seed in range(20)])


def serialized(seed):
    r = random.Random(seed)
    yield from [*odd_steps(r), ["serialize"], ["look"], *odd_steps(r), ["report"], ["look"]]
    yield from [["reset"], ["wait", 3], ["look"], *odd_steps(r), ["clear"], ["look"]]


def test_serialized():
    assert_equal([list(serialized(seed)) for seed in range(20)])


def test_assigned():
    steps = [
        ["assign", "/a", "GET", "response_times", {"5": 10, "300": 2}],
        ["assign", "/a", "GET", "num_requests", 13],
        ["assign", "/a", "GET", "num_none_requests", 1],
        ["assign", "/a", "GET", "total_response_time", 650],
        ["assign", "/a", "GET", "max_response_time", 300],
        ["assign", "/a", "GET", "min_response_time", 5],
        ["assign", "/a", "GET", "num_reqs_per_sec", {"1699999995": 13}],
        ["assign", "/a", "GET", "num_fail_per_sec", {"1699999996": 2}],
        ["assign", "/a", "GET", "start_time", 5.5],
        ["look"],
        ["request", "GET", "/b", 300, 5],
        ["wait", 11],
        ["look"],
    ]
    assert_equal([steps])
