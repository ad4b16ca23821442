"""The same requests, counted by real Locust and by us.

LOCUST_REF_PYTHON names a Python in which real Locust is installed; without it these tests are
skipped.
"""
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

REFERENCE = os.environ.get("LOCUST_REF_PYTHON")
SCRIPT = pathlib.Path(__file__).with_name("differential_stats.py")

pytestmark = pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF_PYTHON is not set")


def count(python, requests, env):
    run = subprocess.run(
        [python, str(SCRIPT)],
        input=json.dumps(requests),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=env,
    )
    return json.loads(run.stdout)


def both(requests):
    ours = count(sys.executable, requests, os.environ)
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    return ours, count(REFERENCE, requests, bare)


def random_requests(seed, whole):
    r = random.Random(seed)
    for _ in range(r.choice([1, 2, 3, 10, 500])):
        halves = r.choice([2.5, 105, 995, 12500])
        ms = r.choice([r.uniform(0, 3), r.uniform(0, 150), r.lognormvariate(5, 1.5), halves])
        yield (
            r.choice(["GET", "POST"]), r.choice(["/a", "/é", "/日本", "/long/" + "x" * 30]),
            None if r.random() < 0.05 else float(int(ms)) if whole else ms, r.randrange(1000),
            r.choice([None] * 3 + ["boom", "CatchResponseError('bad')", "<X object at 0x7f00>"]),
        )  # fmt: skip


def between(entry, ms):
    """The one difference on purpose: rounded figures stay inside of the exact bounds."""
    least, greatest, _ = entry["exact"]
    return ms if least is None else min(max(ms, least), greatest)


@pytest.mark.parametrize("seed", range(12))
def test_figures(seed):
    ours, theirs = both(list(random_requests(seed, whole=seed % 2 == 0)))
    for mine, real in zip(ours["entries"], theirs["entries"], strict=True):
        for row in (mine, real):
            for p in [key for key in row if key.startswith("response_time_percentile")]:
                row["percentiles"].append(row.pop(p))
        real["percentiles"] = [between(real, ms) for ms in real["percentiles"]]
        if not theirs["medians"]:  # a release with another rule for the median
            del mine["median"], real["median"]
        assert mine.keys() == real.keys()
        for key in real:
            if key in ("exact", "percentiles"):
                assert [x is None for x in mine[key]] == [x is None for x in real[key]]
                assert [x or 0 for x in mine[key]] == pytest.approx([x or 0 for x in real[key]])
            else:
                assert mine[key] == real[key] or mine[key] == pytest.approx(real[key]), key
    assert ours["errors"] == theirs["errors"]
    assert ours["rates"] == pytest.approx(theirs["rates"])


def test_tables():
    # Times that are their own buckets, in odd numbers: no rule for rounding or medians matters.
    requests = []
    for name in ("/é", "/b"):
        for ms, error in ((10, None), (20, "boom"), (300, None)):
            requests.append(["GET", name, ms, 5, error])
    requests.append(["POST", "/none", None, 5, None])
    requests.append(["POST", "/odd", 20, 5, None])
    ours, theirs = both(requests)
    assert ours["tables"] == theirs["tables"]
