"""Has the workers of pytest-xdist run tests on their main threads, where signals and our green threads belong: a plugin.

execnet runs a worker's first task on the main thread, but a second one that comes before the first has quite ended on
another. If pytest is verbose, xdist first asks each worker for its platform, and then sends the tests; otherwise the
tests come first.
"""

import pytest

config = None


def pytest_configure(config):
    globals()["config"] = config


@pytest.hookimpl(hookwrapper=True, optionalhook=True)
def pytest_xdist_newgateway():
    verbose = config.option.verbose
    config.option.verbose = min(verbose, 0)
    yield
    config.option.verbose = verbose
