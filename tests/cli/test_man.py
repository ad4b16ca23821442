"""The manual page is well-formed and knows the options that the program has."""

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from serving import BUILDDIR, plain_environment

from locust import argument_parser

pytestmark = pytest.mark.plain("two texts are compared")

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
    """The option names in --help."""
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run([LOCUST, "--help"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stdout.startswith("Usage: locust"), done
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
    assert len(known) > 70 and manual_options() == known


def test_page_has_no_lint():
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is missing (Debian: mandoc)")
    done = subprocess.run(["mandoc", "-Tlint", str(PAGE)], capture_output=True, text=True, env=plain_environment())
    # Whether other pages are installed is not about this one.
    said = [line for line in (done.stdout + done.stderr).splitlines() if "mandoc.db" not in line and "referenced manual" not in line]
    assert said == []


def test_page_names_every_variable(monkeypatch):
    for name in [name for name in os.environ if name.startswith("LOCUST_")]:
        monkeypatch.delenv(name)
    actions = argument_parser.get_parser(default_config_files=())._actions
    known = {action.env_var for action in actions if action.help != argparse.SUPPRESS} - {None}
    named = set(re.findall(r"LOCUST_\w+", "".join(re.findall(r"^\.It Ev .*$", PAGE.read_text(), re.M))))
    assert named == known | {"LOCUST_USER_CLASSES"}


def test_page_names_every_key_and_exit_status():
    text = PAGE.read_text()
    for piece in (".It Ic w , W", ".It Ic s , S", ".It 0\n", ".It 1\n", ".It 2\n", ".It 3\n", ".It 255\n"):
        assert piece in text
