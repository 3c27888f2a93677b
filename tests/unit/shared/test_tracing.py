"""One trace goes through HTTP, outbox, bus and handler."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.observability.tracing import record_spans, span, tracing_enabled

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def recording() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = record_spans("test", exporter)
    assert provider is not None
    yield provider, exporter
    record_spans("test", None)
    provider.shutdown()


def test_without_a_collector_a_traceparent_is_only_handed_on() -> None:
    assert not tracing_enabled()
    with span("work", CALLER) as onward:
        assert onward == CALLER
    with span("work", None) as onward:
        assert onward is None


def test_spans_join_the_callers_trace(recording: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    provider, exporter = recording
    with span("request", CALLER) as onward:
        assert onward is not None
        assert onward.split("-")[1] == CALLER.split("-")[1]
        assert onward != CALLER
    with span("handle", onward):
        pass
    provider.force_flush()
    request, handle = exporter.get_finished_spans()
    assert request.context.trace_id == handle.context.trace_id == int(CALLER.split("-")[1], 16)
    assert handle.parent is not None
    assert handle.parent.span_id == request.context.span_id
