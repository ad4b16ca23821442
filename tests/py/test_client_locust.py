"""The same calls through real Locust's HttpSession and through ours, with the same requests and urllib3: what is
returned, raised, reported and kept is the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from both import REFERENCE, needs_reference

SCRIPT = Path(__file__).with_name("differential_client.py")

# Where we differ, and why.
SHOWN = ({"request"}, "response.request shows what is sent")
KNOWN = {
    "user agent removed": SHOWN,
    "encoding removed": SHOWN,
    "header as bytes": SHOWN,
    "session headers as a dict": SHOWN,
    "bytearray": SHOWN,
    "put with 301": SHOWN,
    "patch with 301": SHOWN,
    "empty put with 301": SHOWN,
    "header with NUL": (None, "libcurl cannot send it; ValueError"),
    "cookie with NUL": (None, "libcurl cannot send it; ValueError"),
    "host header": ({"text", "content", "lines"}, "Host comes first, wherever the caller has put it"),
    "cookies with number": ({"raised"}, "TypeError, as with other versions of requests"),
    "to a bad port": ({"raised"}, "the class is the same, the text is not"),
    "to a bad address": ({"raised"}, "InvalidURL, where requests lets a plain ValueError out"),
}


def outcomes(url, path):
    """What the reference's Python prints, with a PYTHONPATH."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    environment["PYTHONPATH"] = os.pathsep.join([*path, str(SCRIPT.parent), str(SCRIPT.parents[1])])
    done = subprocess.run([REFERENCE, str(SCRIPT), url], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_reference
def test_same(hostile):
    if os.environ.get("LOCUST_SANITIZERS"):
        pytest.skip("the reference's Python does not load the sanitizers")
    ours = [path for path in sys.path if (Path(path) / "_locust_coop").is_dir()]
    try:
        got = outcomes(hostile.url, ours)
    except AssertionError as e:
        if "_locust" in str(e) and "ImportError" in str(e):
            pytest.skip("the reference's Python is another version")
        raise
    expected = outcomes(hostile.url, [])
    assert len(expected) > 300 and got.keys() == expected.keys()
    different = {}
    for name, outcome in expected.items():
        keys = {key for key in outcome.keys() | got[name].keys() if outcome.get(key) != got[name].get(key)}
        known = KNOWN.get(name, (set(), ""))[0]
        if keys != known and not (known is None and keys):
            different[name] = {key: (got[name].get(key), outcome.get(key)) for key in sorted(keys)}
    assert not different
