"""No test may hang, nor take the machine with it: a plugin of pytest for all tests in Python.

A test that takes longer than its limit is interrupted and fails, after every thread has said where it is. One that
cannot be interrupted, because it hangs in C, ends pytest: what runs the tests has to count that as a failure.
"""

import faulthandler
import os
import signal

import pytest

# A sanitized build is about five times slower.
LIMIT = int(os.environ.get("TEST_SECONDS") or (600 if os.environ.get("LOCUST_SANITIZERS") else 120))
GRACE = max(1, LIMIT // 4)

stderr = None
"""The real one: while a test runs, pytest has put a file in its place."""

interrupted = False
"""Whether this part of the test was. What is raised may end another green thread than the test's."""


def pytest_configure(config):
    global stderr
    stderr = os.fdopen(os.dup(2), "w")
    signal.signal(signal.SIGALRM, too_long)
    # If memory runs out, the kernel is to end us and what we start, not other people's work.
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError as error:
        print(f"time_limit: the tests are not the first to go if memory runs out: {error}", file=stderr, flush=True)


def too_long(signum, frame):
    """What SIGALRM does."""
    global interrupted
    interrupted = True
    print(f"\ntime_limit: {os.environ.get('PYTEST_CURRENT_TEST')} takes longer than {LIMIT} s", file=stderr, flush=True)
    faulthandler.dump_traceback(stderr, all_threads=True)
    pytest.fail(f"took longer than {LIMIT} s")


def limited():
    """Around each of the three parts of a test."""
    global interrupted
    interrupted = False
    faulthandler.dump_traceback_later(LIMIT + GRACE, file=stderr, exit=True)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup():
    yield from limited()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call():
    yield from limited()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown():
    yield from limited()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    report = outcome.get_result()
    if interrupted and report.outcome != "failed":
        report.outcome = "failed"
        report.longrepr = f"took longer than {LIMIT} s"
