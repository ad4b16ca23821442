"""Which real Locust tests compare with: its version decides what can be expected of it."""

import functools
import os
import re
import shlex
import subprocess


@functools.cache
def version():
    """Of the Locust that LOCUST_REF (a command) or LOCUST_REF_PYTHON (a python3) names: (major, minor)."""
    command = os.environ.get("LOCUST_REF")
    command = shlex.split(command) if command else [os.environ["LOCUST_REF_PYTHON"], "-m", "locust"]
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    said = subprocess.run([*command, "--version"], env=bare, capture_output=True, text=True, check=True, timeout=60)
    return tuple(map(int, re.match(r"locust (\d+)\.(\d+)", said.stdout).groups()))
