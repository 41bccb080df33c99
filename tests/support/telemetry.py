"""Telemetry that is kept in memory for tests."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry.activities import set_traces
from shared.telemetry.azure_metrics import OpenTelemetryBackend
from shared.telemetry.metrics import Instrument, set_backend
from shared.telemetry.spans import SpanExporter
from shared.telemetry.traces import Traces


@dataclass(frozen=True)
class CollectedMetrics:
    """The metrics of a registry while a test ran."""

    reader: InMemoryMetricReader

    def points(self, instrument: Instrument) -> list[dict[str, Any]]:
        """Return the points of a metric: attributes, with `value` or `count`, `sum` and more."""
        return [
            {**point.pop("attributes"), **point}
            for metric in self.metrics()
            if metric["name"] == instrument.name
            for point in metric["data"]["data_points"]
        ]

    def metrics(self) -> list[dict[str, Any]]:
        data = self.reader.get_metrics_data()
        found = json.loads(data.to_json())["resource_metrics"] if data else []
        return [
            metric
            for resource in found
            for scope in resource["scope_metrics"]
            for metric in scope["metrics"]
        ]

    def text(self) -> str:
        return json.dumps(self.metrics())


@contextmanager
def collect_metrics() -> Generator[CollectedMetrics]:
    """Collect metrics until the block ends."""
    reader = InMemoryMetricReader()
    listener = OpenTelemetryBackend([reader])
    before = set_backend(listener)
    try:
        yield CollectedMetrics(reader)
    finally:
        set_backend(before)
        listener.close()


@dataclass(frozen=True)
class Traced:
    """The spans that were exported while a test ran."""

    exporter: InMemorySpanExporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.spans if each.name == name]

    def one(self, name: str) -> ReadableSpan:
        [found] = self.named(name)
        return found

    def text(self) -> str:
        """Return all that spans say beside times and ids, each text once."""
        told = {
            json.dumps([each.name, attributes_of(each), each.status.description])
            for each in self.spans
        }
        return "\n".join(told)


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str:
    """Return the id of the span that caused this one, or an empty text."""
    return f"{span.parent.span_id:016x}" if span.parent else ""


@contextmanager
def tracing(share: float = 1) -> Generator[Traced]:
    """Keep the spans of this share of all traces until the block ends."""
    exporter = InMemorySpanExporter()
    spans = SpanExporter(SimpleSpanProcessor(exporter), {"": "sqlite", "archives": "files"})
    traces = Traces(share, lambda: spans)
    traces.load()
    before = set_traces(traces)
    try:
        yield Traced(exporter)
    finally:
        set_traces(before)
        spans.close()
