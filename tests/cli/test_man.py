"""The manual page is well-formed and knows the options that the program has."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from serving import BUILDDIR, plain_environment

PAGE = Path(__file__).resolve().parents[2] / "man" / "locust.1"
LOCUST = os.environ.get("LOCUST_BIN", str(BUILDDIR / "locust"))


def manual_options():
    """The option names in the headings of the page's lists."""
    names = set()
    for line in PAGE.read_text().splitlines():
        if line.startswith(".It Fl "):
            words = re.findall(r"Fl (-?[\w-]+)", line)
            names.update(f"-{word}" for word in words)
    return names


def program_options():
    """The option names in --help; None while the program has no --help."""
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run([LOCUST, "--help"], capture_output=True, text=True, env=environment)
    if not done.stdout.startswith("Usage: locust"):
        return None
    names = set()
    for line in done.stdout.splitlines():
        if re.match("  -", line):
            names.update(re.findall(r"(?:^|[ ,])(--?[A-Za-z][\w-]*)", line.strip().split("  ")[0]))
    return names


def test_page_has_no_warnings():
    if shutil.which("man") is None:
        pytest.skip("man is missing (Debian: man-db)")
    done = subprocess.run(["man", "-l", "--warnings", str(PAGE)], capture_output=True, text=True,
                          env={**plain_environment(), "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "--spawn-rate" in done.stdout


def test_page_and_help_name_the_same_options():
    known = program_options()
    if known is None:
        pytest.skip("the program has no --help yet")
    assert manual_options() == known


def test_every_variable_stands_for_an_option_of_the_page():
    text = PAGE.read_text()
    pairs = re.findall(r"\.It Ev LOCUST_(\w+)\n\.Fl -([\w-]+)", text)
    assert len(pairs) > 10
    for variable, option in pairs:
        assert variable == option.upper().replace("-", "_")
        assert f"--{option}" in manual_options()
