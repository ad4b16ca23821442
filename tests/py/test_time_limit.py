"""The time limit that every test has (tests/time_limit.py)."""

import subprocess
import sys
from pathlib import Path

import pytest
from serving import plain_environment

pytestmark = pytest.mark.plain("pytest's plugin is tested, with no code of ours in it")

TESTS = Path(__file__).resolve().parents[1]

SLOW = """
import signal
import time

import pytest

@pytest.fixture
def slow():
    time.sleep(60)

def test_setup(slow):
    pass

def test_call():
    time.sleep(60)

def test_elsewhere():
    # As when the exception ends another green thread.
    try:
        time.sleep(60)
    except BaseException:
        pass

def test_fine():
    time.sleep(0.2)
"""

DEAF = """
import signal

def test_fine():
    pass

def test_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    signal.sigwait({signal.SIGUSR1})
"""


def pytest_on(directory, text):
    (directory / "test_it.py").write_text(text)
    environment = {**plain_environment(), "TEST_SECONDS": "1", "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "time_limit", "test_it.py"]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=100)


def test_a_slow_test_fails(tmp_path):
    done = pytest_on(tmp_path, SLOW)
    assert done.returncode == 1
    assert "2 failed, 1 passed, 1 error" in done.stdout
    for name in ("ERROR test_it.py::test_setup", "FAILED test_it.py::test_call", "FAILED test_it.py::test_elsewhere"):
        assert name in done.stdout
    assert "took longer than 1 s" in done.stdout
    assert "time_limit: test_it.py::test_call (call) takes longer than 1 s" in done.stderr
    assert 'test_it.py", line 15 in test_call' in done.stderr


def test_one_that_hears_nothing_ends_pytest(tmp_path):
    done = pytest_on(tmp_path, DEAF)
    assert done.returncode != 0
    assert "Timeout (0:00:02)!" in done.stderr and "in test_deaf" in done.stderr
    assert "passed in" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("test_it.py::test_deaf")


def test_the_tests_go_first_if_memory_runs_out():
    assert Path("/proc/self/oom_score_adj").read_text() == "1000\n"
