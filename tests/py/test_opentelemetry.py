"""locust.opentelemetry. What needs the SDK is skipped where it is not installed."""

import importlib.util
import os
import subprocess
import sys

import pytest

HAS_SDK = importlib.util.find_spec("opentelemetry") is not None and importlib.util.find_spec("opentelemetry.sdk")
needs_sdk = pytest.mark.skipif(not HAS_SDK, reason="opentelemetry-sdk is not installed")

# Each script has a process of its own: what OpenTelemetry is told to do holds for the whole process.
HEAD = """
import logging, sys
logging.basicConfig(format="%(levelname)s %(name)s %(message)s", level=logging.INFO, stream=sys.stdout)
import locust
from locust import HttpUser, events, task
from locust.env import Environment
from locust.opentelemetry import MAX_REQUEST_NAMES, request_names, setup_opentelemetry
"""

# Keeps the spans and metrics in memory, and prints them at the end.
IN_MEMORY = """
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import opentelemetry.sdk.metrics.export, opentelemetry.sdk.trace.export
spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
opentelemetry.sdk.trace.export.ConsoleSpanExporter = lambda: spans
opentelemetry.sdk.metrics.export.PeriodicExportingMetricReader = lambda exporter: reader
"""


def run(script, **env):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    environment.update({f"OTEL_{k}": v for k, v in env.items()})
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_without_the_sdk():
    out = run(
        "sys.modules['opentelemetry'] = None\nprint(setup_opentelemetry('f.py', None), len(events.request._handlers))"
    )
    assert out[0].startswith("ERROR locust.opentelemetry --otel: OpenTelemetry's SDK is not installed")
    assert out[1] == "False 0"


@needs_sdk
def test_nothing_to_export():
    out = run(
        "print(setup_opentelemetry('f.py', None))",
        TRACES_EXPORTER="none",
        METRICS_EXPORTER=" None ,",
        LOGS_EXPORTER="none",
    )
    assert out[-1] == "False" and out[0].startswith("INFO locust.opentelemetry")


@needs_sdk
def test_unknown_names():
    out = run(
        "print(setup_opentelemetry('f.py', None))",
        TRACES_EXPORTER="zipkin",
        METRICS_EXPORTER="prometheus,none",
        LOGS_EXPORTER="otlp",
        EXPORTER_OTLP_LOGS_PROTOCOL="pigeon",
    )
    warnings = [line for line in out if line.startswith("WARNING locust.opentelemetry")]
    assert [word in line for word, line in zip(("zipkin", "prometheus", "pigeon"), warnings)] == [True] * 3
    assert out[-1] == "True"


@needs_sdk
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_otlp(protocol):
    """Is exported if the package is there, otherwise a warning names it."""
    package = "opentelemetry.exporter.otlp.proto." + protocol.partition("/")[0]
    try:
        there = importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        there = False
    out = run(
        "from opentelemetry import trace\nprint(setup_opentelemetry('f.py', None))\n"
        "print(len(trace.get_tracer_provider()._active_span_processor._span_processors))",
        METRICS_EXPORTER="none",
        LOGS_EXPORTER="none",
        EXPORTER_OTLP_PROTOCOL=protocol,
        EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
    )
    assert out[-2:] == ["True", str(int(there))]
    assert there or any(package.replace(".", "-").removesuffix("-grpc") in line for line in out[:-2])


@needs_sdk
def test_metrics():
    out = run(
        IN_MEMORY + """
setup_opentelemetry("my_file.py", "a profile")
environment = Environment(events=events)
def fire(name, **kwargs):
    usual = dict(request_type="X", response_time=1500, response_length=1, exception=None, context={})
    events.request.fire(name=name, **{**usual, **kwargs})
for i in range(25):
    fire(f"name {i}")
fire("name 3", exception=KeyError("k"))
fire("name 3", response_time=None)
class Somebody(locust.User):
    wait_time = locust.constant(1)
    @task
    def idle(self):
        pass
environment.user_classes.append(Somebody)
runner = environment.create_local_runner()
events.init.fire(environment=environment, runner=runner, web_ui=None)
runner.spawn_users({"Somebody": 3})
(resource,) = reader.get_metrics_data().resource_metrics
attributes = resource.resource.attributes
print(*[attributes[k] for k in ("service.name", "service.version", "filename", "profile")], "host.name" in attributes)
for metric in resource.scope_metrics[0].metrics:
    print(metric.name, metric.unit)
    for point in metric.data.data_points:
        print(" ", dict(point.attributes), getattr(point, "count", None) or point.value, getattr(point, "sum", ""))
print(len(request_names) == MAX_REQUEST_NAMES == 20)
runner.quit()
""",
        TRACES_EXPORTER="none",
        METRICS_EXPORTER="console",
        LOGS_EXPORTER="none",
        SERVICE_NAME="my service",
    )
    at = next(i for i, line in enumerate(out) if line.startswith("my service"))
    from locust import __version__

    assert out[at : at + 2] == [f"my service {__version__} my_file.py a profile True", "locust.client.duration s"]
    assert "  {'name': 'name 19'} 1 1.5" in out and "  {'name': 'name 3'} 1 1.5" in out
    assert "  {'name': 'Too many unique request names'} 5 7.5" in out
    assert "  {'name': 'name 3', 'error.type': 'KeyError'} 1 1.5" in out
    users = out.index("locust.users.count {user}")
    assert out[users + 1 :] == ["  {'user_class': 'Somebody'} 3 ", "True"]


SPANS = IN_MEMORY + """
from opentelemetry import trace
setup_opentelemetry("f.py", None)
class Visitor(HttpUser):
    host = "{url}"
visitor = Visitor(Environment(events=events))
client = visitor.client
client.headers["User-Agent"] = "the usual"
{requests}
for span in spans.get_finished_spans():
    attributes = sorted(span.attributes.items())
    print("SPAN", span.name, span.kind.name, span.status.status_code.name, attributes, len(span.events))
"""


def spans(site, requests, **env):
    out = run(
        SPANS.format(url=site.url, requests=requests),
        TRACES_EXPORTER="console",
        METRICS_EXPORTER="none",
        LOGS_EXPORTER="none",
        **env,
    )
    where = site.url.split("://")[1]
    return [line.removeprefix("SPAN ").replace(where, "SITE") for line in out if line.startswith("SPAN ")], out


@needs_sdk
def test_spans(demo_site):
    seen, _ = spans(
        demo_site,
        """
client.get("/hello?x=1")
client.get("")
client.get("/world", name="a name")
client.request("get", "/error")
with client.get("/hello", catch_response=True) as response:
    response.failure("not what was wanted")
with client.rename_request("renamed"):
    client.get("/hello", headers={"user-agent": "another"})
client.get("http://127.0.0.1:9/refused")
""",
    )

    def line(name, status, url, code, events=0, agent="the usual"):
        attributes = [
            ("http.method", name.split()[0]),
            *([("http.status_code", code)] if code else []),
            ("http.url", url),
            ("user_agent.original", agent),
        ]
        return f"{name} CLIENT {status} {attributes} {events}"

    assert seen == [
        line("GET /hello", "UNSET", "http://SITE/hello?x=1", 200),
        line("GET /", "UNSET", "http://SITE/", 200),
        line("GET a name", "UNSET", "http://SITE/world", 200),
        line("GET /error", "ERROR", "http://SITE/error", 500),
        line("GET /hello", "UNSET", "http://SITE/hello", 200),
        line("GET renamed", "UNSET", "http://SITE/hello", 200, agent="another"),
        line("GET /refused", "ERROR", "http://127.0.0.1:9/refused", None, 1),
    ]


@needs_sdk
def test_stable_names_of_attributes(demo_site):
    seen, _ = spans(demo_site, 'client.get("/error")', SEMCONV_STABILITY_OPT_IN="http")
    host, port = demo_site.address
    attributes = [
        ("error.type", "500"),
        ("http.request.method", "GET"),
        ("http.response.status_code", 500),
        ("network.peer.address", host),
        ("network.peer.port", port),
        ("server.address", host),
        ("server.port", port),
        ("url.full", "http://SITE/error"),
        ("user_agent.original", "the usual"),
    ]
    assert seen == [f"GET /error CLIENT ERROR {attributes} 0"]


@needs_sdk
def test_what_is_no_request_has_no_span(demo_site):
    seen, out = spans(
        demo_site,
        """
for url in ("http://", "http://["):
    try:
        client.get(url)
    except ValueError as e:
        print(type(e).__name__)
""",
    )
    assert seen == [] and out[-2:] == ["InvalidURL", "InvalidURL"]


@needs_sdk
def test_the_trace_goes_on_at_the_server(hostile):
    """The parent is the span that is current; the request carries its trace."""
    _, out = spans(
        hostile,
        """
headers = {"X-Own": "1"}
with trace.get_tracer("mine").start_as_current_span("outer") as outer:
    received = client.get("/echo", headers=headers).json()["headers"]
client.get("/redirect-chain?n=3")
inner, _, redirected = spans.get_finished_spans()
parent = f"00-{inner.context.trace_id:032x}-{inner.context.span_id:016x}-"
print([value.startswith(parent) for name, value in received if name == "traceparent"])
print(headers, inner.parent.span_id == outer.get_span_context().span_id)
print(0 < inner.end_time - inner.start_time < 60e9, redirected.name)
""",
    )
    at = out.index("[True]")
    assert out[at + 1 : at + 3] == ["{'X-Own': '1'} True", "True GET /redirect-chain"]


@needs_sdk
def test_logs(tmp_path):
    out = run(
        """
import opentelemetry.sdk._logs.export as export
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
kept = []
class Keeps:
    def export(self, batch):
        kept.extend(batch)
    def shutdown(self): pass
    def force_flush(self, timeout_millis=0): return True
for name in ("ConsoleLogRecordExporter", "ConsoleLogExporter"):
    setattr(export, name, Keeps)
locust.log.setup_logging("INFO")
setup_opentelemetry("f.py", None)
logging.getLogger("locust.main").warning("from locust")
logging.getLogger("a.library").warning("from a library")
logging.getLogger("locust.stats_logger").info("a table")
print(*[record.log_record.body for record in kept], sep="|")
""",
        TRACES_EXPORTER="none",
        METRICS_EXPORTER="none",
        LOGS_EXPORTER="console",
    )
    said = out[-1].split("|")
    assert [text for text in said if text.startswith(("from", "a table"))] == ["from locust", "from a library"]
