"""--otel, and a locustfile from a URL."""

import http.server
import re
import threading

import pytest

LOCUSTFILE = """
from locust import User, constant, events, task

class A(User):
    wait_time = constant(100)

    @task
    def t(self):
        pass

@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    print("starts", __name__)
    environment.runner.quit()
"""

USUAL = "--headless", "--only-summary"


def test_otel_without_the_sdk(run, directory):
    (directory / "opentelemetry.py").write_text("raise ImportError('not here')\n")
    r = run(*USUAL, "--otel", locustfile=LOCUSTFILE, env={"PYTHONPATH": str(directory)})
    assert r.code == 0, r
    assert r.log()[0][1:3] == ("ERROR", "locust.opentelemetry") and "SDK is not installed" in r.messages()[0]
    assert re.fullmatch(r"Starting Locust [\w.]+", r.messages()[1])


def test_otel_with_the_sdk(run):
    pytest.importorskip("opentelemetry.sdk")
    none = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS")}
    r = run(*USUAL, "--otel", locustfile=LOCUSTFILE, env={**none, "OTEL_LOGS_EXPORTER": "console"})
    assert r.code == 0, r
    assert any(m.endswith(", OpenTelemetry enabled") for m in r.messages()) and '"body": "Starting Locust' in r.out


def test_a_locustfile_from_a_url(run, directory):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(LOCUSTFILE.encode())

        def log_message(self, *args):
            """Says nothing."""

    (directory / "tmp").mkdir()
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/from_afar.py"
        r = run(*USUAL, "-f", url, env={"TMPDIR": str(directory / "tmp"), "no_proxy": "127.0.0.1"})
        server.shutdown()
        thread.join()
    assert (r.code, r.out) == (0, "starts from_afar\n"), r
    assert list((directory / "tmp").iterdir()) == []


def test_a_url_where_nobody_is(run):
    r = run(*USUAL, "-f", "http://127.0.0.1:9/x.py", env={"no_proxy": "127.0.0.1"})
    assert r.code == 1 and r.err.startswith("Failed to get locustfile from: http://127.0.0.1:9/x.py."), r
