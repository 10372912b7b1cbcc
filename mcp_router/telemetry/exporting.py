"""Sends spans and metrics by OTLP where an address is set, and shows the metrics to Prometheus."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, generate_latest

from mcp_router.telemetry.metrics import Metrics, watch_budgets
from mcp_router.telemetry.spans import OpenRequest, Spans
from mcp_router.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_router.types import Attempt, BudgetStatus, Decision, Mode, Request

_SCOPE = "mcp_router"
# A collector that is away may hold up the end of a program no longer than this.
_LAST_SECONDS = 3.0


class Exporting:
    """Observes with OpenTelemetry's SDK; a program that has set one up gets the spans itself."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        prompts: bool,
        budgets: Callable[[], Sequence[BudgetStatus]],
    ) -> None:
        resource = Resource.create(
            {"service.name": environ.get("OTEL_SERVICE_NAME") or "mcp-router"}
        )
        self._open = True
        self._registry = CollectorRegistry()
        readers: list[MetricReader] = [
            PrometheusMetricReader(registry=self._registry, scope_info_enabled=False)
        ]
        if _address(environ, "METRICS"):
            exporter = OTLPMetricExporter(timeout=_seconds(environ))
            readers.append(PeriodicExportingMetricReader(exporter))
        self._meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        meter = self._meters.get_meter(_SCOPE, __version__)
        watch_budgets(meter, read=budgets)
        self._metrics = Metrics(meter)
        self._traces = _traces(environ, resource=resource)
        provider = self._traces or trace.get_tracer_provider()
        tracer = provider.get_tracer(_SCOPE, __version__)
        self._spans = Spans(tracer, self._metrics, prompts=prompts)

    def request(self, request: Request, *, mode: Mode, streamed: bool = False) -> OpenRequest:
        """Begin the span of a request."""
        return self._spans.request(request, mode=mode, streamed=streamed)

    def attempt(self, attempt: Attempt, request: Request, decision: Decision) -> None:
        """Write the span of an attempt, and count it."""
        self._spans.attempt(attempt, request)
        self._metrics.attempt(attempt, decision=decision)

    def exposition(self) -> bytes:
        """Write the metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Send what is left, for a few seconds at the most; closing twice does nothing."""
        if self._open:
            self._open = False
            # The SDK would try again and again to reach a collector that is away.
            sending = Thread(target=self._shut_down, daemon=True)
            sending.start()
            sending.join(_LAST_SECONDS)

    def _shut_down(self) -> None:
        if self._traces is not None:
            self._traces.shutdown()
        self._meters.shutdown(timeout_millis=_LAST_SECONDS * 1000)


def _traces(environ: Mapping[str, str], *, resource: Resource) -> TracerProvider | None:
    """Make a provider of our own, unless the program has one."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return None
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if _address(environ, "TRACES"):
        exporter = OTLPSpanExporter(timeout=_seconds(environ))
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _address(environ: Mapping[str, str], signal: str) -> str:
    exporter = environ.get(f"OTEL_{signal}_EXPORTER", "otlp")
    own = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "")
    return (own or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")) if exporter != "none" else ""


def _seconds(environ: Mapping[str, str]) -> float | None:
    """Wait as long as the variable says, which the exporter reads, else no longer than we do."""
    return None if environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _LAST_SECONDS
