"""--otel: what a test measures, sent to OpenTelemetry.

The SDK is not among what Locust needs: without it there is an error in the log, and the test runs
as usual. What is exported where is told by OpenTelemetry's own environment variables.
"""

from __future__ import annotations

import logging
import os
import socket
from importlib import import_module

import locust

from . import _spans
from ._version import __version__

logger = logging.getLogger(__name__)

MAX_REQUEST_NAMES = 20
"""So many names of requests are told apart in the metrics."""

request_names: set[str] = set()
"""The names that are told apart; all others are counted together."""

OTHER_NAMES = "Too many unique request names"

PROTOCOLS = {"grpc": "grpc", "http/protobuf": "http", "http": "http"}
"""What OTEL_EXPORTER_OTLP_PROTOCOL may be, and what the exporter's package is called."""


def setup_opentelemetry(locustfile: str, profile: str | None) -> bool:
    """Exports traces, metrics and logs as the environment says; returns whether it does."""
    try:
        from opentelemetry.sdk.resources import Resource
    except ImportError:
        logger.error(
            "--otel: OpenTelemetry's SDK is not installed, nothing is exported. Install it with "
            "'pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-grpc'"
        )
        return False
    wanted = {signal: _wanted_exporters(signal) for signal in ("traces", "metrics", "logs")}
    if all(names == {"none"} for names in wanted.values()):
        logger.info("--otel: all exporters are 'none', nothing is exported")
        return False
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "locust"),
            "service.version": __version__,
            "host.name": socket.gethostname(),
            "filename": locustfile,
            "profile": profile or "",
        }
    )
    for signal, set_up in (
        ("traces", _set_up_traces),
        ("metrics", _set_up_metrics),
        ("logs", _set_up_logs),
    ):
        if wanted[signal]:
            set_up(resource, wanted[signal])
    _instrument_requests()
    logger.debug("OpenTelemetry is set up")
    return True


# --- Exporters.


def _wanted_exporters(signal: str) -> set[str]:
    """What OTEL_TRACES_EXPORTER and kin name."""
    names = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").split(",")
    return {name.strip().lower() for name in names if name.strip()}


def _otlp_exporter(signal: str, module: str, name: str):
    """An exporter that sends to a collector, or None with a warning."""
    usual = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    protocol = (
        os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", usual).strip().lower()
    )
    package = PROTOCOLS.get(protocol)
    if package is None:
        logger.warning(
            "Unknown OTLP protocol for %s: '%s'. Use 'grpc' or 'http/protobuf'", signal, protocol
        )
        return None
    try:
        found = import_module(f"opentelemetry.exporter.otlp.proto.{package}.{module}")
    except ImportError as e:
        logger.warning(
            "There is no OTLP exporter for %s by '%s' (%s). "
            "Install opentelemetry-exporter-otlp-proto-%s",
            signal,
            protocol,
            e,
            package,
        )
        return None
    return getattr(found, name)()


def _exporters(signal: str, names: set[str], otlp: tuple[str, str], console):
    """Yields (exporter, whether it is the console's) for each name that is known."""
    for name in sorted(names - {"none"}):
        if name == "otlp":
            exporter = _otlp_exporter(signal, *otlp)
        elif name == "console":
            exporter = console()
        else:
            logger.warning("Unknown exporter for %s: '%s'. It is ignored", signal, name)
            continue
        if exporter is not None:
            logger.debug("Exporting %s: %s", signal, name)
            yield exporter, name == "console"


def _set_up_traces(resource, names: set[str]) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SimpleSpanProcessor,
    )

    provider = TracerProvider(resource=resource)
    otlp = "trace_exporter", "OTLPSpanExporter"
    for exporter, is_console in _exporters("traces", names, otlp, ConsoleSpanExporter):
        provider.add_span_processor(
            (SimpleSpanProcessor if is_console else BatchSpanProcessor)(exporter)
        )
    trace.set_tracer_provider(provider)
    _spans.record(trace.get_tracer("locust", __version__))


def _set_up_metrics(resource, names: set[str]) -> None:
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        ConsoleMetricExporter,
        PeriodicExportingMetricReader,
    )

    otlp = "metric_exporter", "OTLPMetricExporter"
    exporters = _exporters("metrics", names, otlp, ConsoleMetricExporter)
    readers = [PeriodicExportingMetricReader(exporter) for exporter, _ in exporters]
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))
    meter = metrics.get_meter("locust")
    _measure_requests(meter)
    _observe_users(meter, metrics.Observation)


def _set_up_logs(resource, names: set[str]) -> None:
    from opentelemetry import _logs
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, export

    # The name that the SDK has had since 1.39, and the one before.
    console = getattr(export, "ConsoleLogRecordExporter", None) or export.ConsoleLogExporter
    provider = LoggerProvider(resource=resource)
    for exporter, is_console in _exporters(
        "logs", names, ("_log_exporter", "OTLPLogExporter"), console
    ):
        processor = (
            export.SimpleLogRecordProcessor if is_console else export.BatchLogRecordProcessor
        )
        provider.add_log_record_processor(processor(exporter))
    _logs.set_logger_provider(provider)
    handler = LoggingHandler(logger_provider=provider)
    handler.name = "opentelemetry"
    # Locust's own loggers do not propagate; its tables are left out.
    for name in ("", "locust"):
        logging.getLogger(name).addHandler(handler)


# --- What is measured.


def _name_of(name: str) -> str:
    if name not in request_names:
        if len(request_names) >= MAX_REQUEST_NAMES:
            return OTHER_NAMES
        request_names.add(name)
    return name


def _measure_requests(meter) -> None:
    """Puts the response times of all requests into a histogram."""
    histogram = meter.create_histogram(
        "locust.client.duration", unit="s", description="Time until the last byte of the reply"
    )

    @locust.events.request.add_listener
    def on_request(name, response_time, exception=None, **kwargs):
        if response_time is None:
            return
        attributes = {"name": _name_of(name)}
        if exception:
            attributes["error.type"] = type(exception).__name__
        histogram.record(response_time / 1000, attributes=attributes)


def _observe_users(meter, observation) -> None:
    """Tells how many users of each class there are; a worker leaves that to its master."""

    @locust.events.init.add_listener
    def on_init(runner, **kwargs):
        from .runners import MasterRunner, WorkerRunner

        if runner is None or isinstance(runner, WorkerRunner):
            return
        attribute = (
            "reported_user_classes_count"
            if isinstance(runner, MasterRunner)
            else "user_classes_count"
        )

        def observe(options):
            for user_class, count in getattr(runner, attribute).items():
                yield observation(count, {"user_class": user_class})

        meter.create_observable_gauge(
            "locust.users.count",
            callbacks=[observe],
            unit="{user}",
            description="Users that are running",
        )


def _instrument_requests() -> None:
    """Has requests made with requests or urllib3 themselves traced by their own instrumentation."""
    for package, name in (("requests", "RequestsInstrumentor"), ("urllib3", "URLLib3Instrumentor")):
        try:
            module = import_module(f"opentelemetry.instrumentation.{package}")
        except ImportError:
            logger.info(
                "Requests made with %s itself are not traced. "
                "Install opentelemetry-instrumentation-%s for that",
                package,
                package,
            )
            continue
        instrumentor = getattr(module, name)()
        if package == "requests":
            instrumentor.instrument(request_hook=_spans.name_span)
        else:
            instrumentor.instrument()
