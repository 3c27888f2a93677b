"""OpenTelemetry traces that cross HTTP calls and messages by W3C `traceparent`.

Without a collector configured no span is recorded, but an incoming traceparent is still handed on. OpenTelemetry is loaded by
those who record.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
_tracer: "Tracer | None" = None


def configure_tracing(service: str, endpoint: str | None) -> None:
    """Export spans to the collector at `endpoint` (OTLP over HTTP). Does nothing without one."""
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    record_spans(service, OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces"))


def record_spans(service: str, exporter: "SpanExporter | None") -> "TracerProvider | None":
    """From now on this process records spans and gives them to `exporter`; None ends it."""
    global _tracer
    if exporter is None:
        _tracer = None
        return None
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"quanyu-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("quanyu")
    return provider


def tracing_enabled() -> bool:
    """True when spans are recorded, so that hot paths need not pay for spans that nobody keeps."""
    return _tracer is not None


def span(name: str, traceparent: str | None, kind: Kind = "INTERNAL") -> AbstractContextManager[str | None]:
    """Run a block as a span under `traceparent`; yields the traceparent for what the block causes."""
    return nullcontext(traceparent) if _tracer is None else _recorded(_tracer, name, traceparent, kind)


@contextmanager
def _recorded(tracer: "Tracer", name: str, traceparent: str | None, kind: Kind) -> Iterator[str | None]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    parent = propagator.extract({"traceparent": traceparent} if traceparent else {})
    with tracer.start_as_current_span(name, context=parent, kind=SpanKind[kind]):
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        yield carrier.get("traceparent")
