"""Runs a script here and with another Locust, whose python3 LOCUST_REF_PYTHON names."""

import os
import subprocess
import sys

import pytest

REFERENCE = os.environ.get("LOCUST_REF_PYTHON")
needs_reference = pytest.mark.skipif(not REFERENCE, reason="LOCUST_REF_PYTHON is not set")


def output(script, *arguments, python=sys.executable, timeout=300):
    """What a script prints when it is run by a python3: ours, unless another one is given."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" or python == sys.executable}
    if python != sys.executable:
        environment.pop("LD_PRELOAD", None)
    command = [python, str(script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout
