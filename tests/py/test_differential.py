"""The scenarios of differential.py take the same course here as with another Locust.

LOCUST_REF_PYTHON names a python3 that has it installed.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from reference import version

SCRIPT = pathlib.Path(__file__).with_name("differential.py")

# Gives event hooks the module that they report to, where it does not exist.
PRELUDE = """
import importlib.util, runpy, sys, types
import locust
if importlib.util.find_spec("locust.log") is None:
    locust.log = sys.modules["locust.log"] = types.ModuleType("locust.log")
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def traces(python, path=None):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = path
    done = subprocess.run(
        [python, "-c", PRELUDE, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_same_course():
    reference = os.environ.get("LOCUST_REF_PYTHON")
    if not reference:
        pytest.skip("LOCUST_REF_PYTHON is not set")
    theirs = traces(reference)
    ours = traces(sys.executable, os.environ.get("PYTHONPATH"))
    assert len(theirs) == 260 and ours.keys() == theirs.keys()
    for name in theirs:
        if name.startswith("firing") and version() >= (2, 47):
            continue  # whose hooks go over a copy of their handlers
        assert ours[name] == theirs[name], name
