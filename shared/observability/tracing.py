"""OpenTelemetry traces that cross HTTP calls and messages by W3C `traceparent`.

Without a collector configured no span is recorded, but an incoming traceparent is still handed on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("quanyu")


def configure_tracing(service: str, endpoint: str | None) -> None:
    """Export spans to the collector at `endpoint` (OTLP over HTTP). Does nothing without one."""
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"quanyu-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")))
    trace.set_tracer_provider(provider)


def tracing_enabled() -> bool:
    """True when spans are recorded, so that hot paths need not pay for spans that nobody keeps."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@contextmanager
def span(name: str, traceparent: str | None, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[str | None]:
    """Run a block as a span under `traceparent`; yields the traceparent for what the block causes."""
    if not tracing_enabled():
        yield traceparent
        return
    parent = _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {})
    with _tracer.start_as_current_span(name, context=parent, kind=kind):
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        yield carrier.get("traceparent")
