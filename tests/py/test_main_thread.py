"""The plugin that keeps the tests of workers on their main threads (tests/main_thread.py)."""

import subprocess
import sys
from pathlib import Path

import pytest
from serving import plain_environment

pytestmark = pytest.mark.plain("pytest's plugin is tested, with no code of ours in it")
pytest.importorskip("xdist", reason="pytest-xdist is not installed (Debian: python3-pytest-xdist)")

TESTS = Path(__file__).resolve().parents[1]

WHERE = """
import threading

def test_where():
    assert threading.current_thread() is threading.main_thread()
"""


def test_verbose_workers_get_their_tests_first(tmp_path):
    (tmp_path / "test_it.py").write_text(WHERE)
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "-p", "no:cacheprovider", "-p", "main_thread", "test_it.py"]
    environment = {**plain_environment(), "PYTHONPATH": str(TESTS)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stdout
    assert "PASSED test_it.py::test_where" in ran.stdout  # so it was verbose
    assert "cwd: " not in ran.stdout  # what a worker says that was asked first
