"""What all tests in Python share: the servers, and the certificates for https."""

import os
import signal

import certificates
import pytest
from serving import Server

# What the environment says to requests is for the tests to say.
for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle", "netrc"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)

pytest_plugins = ["main_thread", "time_limit"]

# A shell has its background jobs ignore Ctrl-C, nohup a hang-up, and what they start inherits that; the programs under
# test must not.
for number, handler in (signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


def pytest_collection_modifyitems(items):
    """Leaves out what is for a plain build only; the mark has to say why."""
    for item in items:
        mark = item.get_closest_marker("plain")
        if mark:
            (why,) = mark.args
            if os.environ.get("LOCUST_SANITIZERS"):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def hostile():
    """A hostile-server of the test's own."""
    with Server("hostile-server") as server:
        yield server


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """Certificates of all kinds; see certificates.py."""
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def hostile_tls(certs):
    """Starts a hostile-server with https: hostile_tls("good") gives it.

    The argument names a certificate; `url` is the http place, `urls[1]` https.
    """
    started = []

    def start(name):
        server = Server("hostile-server", "--tls", certs[name].cert, certs[name].key, places=2)
        started.append(server.__enter__())
        return server

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def demo_site():
    """A demo-site for all; it keeps nothing that could spoil the next test."""
    with Server("demo-site") as server:
        yield server


@pytest.fixture
def truth_server():
    """A truth-server with a delay of 10 ms."""
    with Server("truth-server", "--delay-ms", 10) as server:
        yield server
