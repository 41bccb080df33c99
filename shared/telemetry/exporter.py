"""OpenTelemetry and the exporters of Azure Monitor; imported only where telemetry is enabled.

The providers are not the global ones of OpenTelemetry. So libraries that use the global ones make
no spans, which would contain the URLs that they call, some of them signed.
"""

import os
from collections.abc import Callable

from azure.monitor.opentelemetry.exporter import (
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenSpan

from shared.log import Attributes, SpanOrigin, TelemetrySpan, TraceContext, trace_score
from shared.telemetry.metrics import BROKEN, INSTRUMENTS, Instrument, InstrumentKind

NAME = "ballroom"
EXPORT_MS = 60_000  # A metric in Azure Monitor has one value a minute.

# Statistics that the library sends about itself, and its remote configuration.
_LIBRARY_REPORTS = (
    "STATSBEAT_DISABLED_ALL",
    "SDKSTATS_DISABLED",
    "CONTROLPLANE_DISABLED",
    "OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)

_KINDS = {
    SpanOrigin.SERVED: SpanKind.SERVER,
    SpanOrigin.HOSTED: SpanKind.INTERNAL,  # The span of the host is the one of the request.
    SpanOrigin.CALL: SpanKind.CLIENT,
}

Add = Callable[[float, Attributes], None]


class OpenTelemetryBackend:
    """Records metrics and spans with OpenTelemetry."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        """Create one instrument of OpenTelemetry for each metric."""
        self._tracer = tracers.get_tracer(NAME)
        self._providers = (tracers, meters)
        self._adds = {each.name: _add(meters, each) for each in INSTRUMENTS}

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Record the value with the attributes of the metric, and no others."""
        named = {name: attributes[name] for name in instrument.attributes}
        self._adds[instrument.name](value, named)

    def begin(
        self, name: str, origin: SpanOrigin, parent: TraceContext | None
    ) -> TelemetrySpan | None:
        """Begin a span; a call of a store gets one only within a sampled trace."""
        if origin is SpanOrigin.CALL and (parent is None or not parent.is_kept):
            return None
        return _StartedSpan(self._tracer.start_span(name, _context(parent), kind=_KINDS[origin]))

    def close(self) -> None:
        """Export what is buffered, and stop."""
        for provider in self._providers:
            provider.shutdown()


class _StartedSpan:
    def __init__(self, span: OpenSpan) -> None:
        self._span = span
        found = span.get_span_context()
        kept = span.is_recording()
        self.trace = TraceContext(f"{found.trace_id:032x}", f"{found.span_id:016x}", kept)

    def end(self, attributes: Attributes) -> None:
        """End the span, as failed for the outcome `BROKEN` or the result "failed"."""
        self._span.set_attributes({**attributes})
        if attributes.get("outcome") == BROKEN or attributes.get("result") == "failed":
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class TraceShareSampler(Sampler):
    """Samples a share of all traces, by the trace id alone: those of which the host keeps its
    record, and the log its line.

    The host marks most traces as not sampled. The sampler of the exporter takes 30 microseconds of
    each request for the same hash.
    """

    def __init__(self, share: float) -> None:
        """`share` is from 0 to 1."""
        self._share = share
        # Application Insights multiplies the counts of spans by this.
        self._kept = SamplingResult(Decision.RECORD_AND_SAMPLE, {"_MS.sampleRate": share * 100})
        self._dropped = SamplingResult(Decision.DROP)

    def should_sample(
        self,
        parent_context: Context | None,  # noqa: ARG002 - the decision of the parent does not count.
        trace_id: int,
        *_others: object,
        **_more: object,
    ) -> SamplingResult:
        if self._share in (0, 1):
            return self._kept if self._share else self._dropped
        is_kept = trace_score(f"{trace_id:032x}") < self._share
        return self._kept if is_kept else self._dropped

    def get_description(self) -> str:
        return f"Share({self._share})"


def create_backend(
    readers: list[MetricReader], processor: SpanProcessor, sampler: Sampler
) -> OpenTelemetryBackend:
    resource = Resource({"service.name": NAME})
    tracers = TracerProvider(sampler=sampler, resource=resource)
    tracers.add_span_processor(processor)
    return OpenTelemetryBackend(tracers, MeterProvider(readers, resource=resource))


def azure_monitor_backend(connection: str, share: float) -> OpenTelemetryBackend:
    """Return a backend that exports all metrics and a share of traces to Application Insights.

    Its identity is read from APPLICATIONINSIGHTS_AUTHENTICATION_STRING.
    """
    for switch in _LIBRARY_REPORTS:
        os.environ.setdefault(f"APPLICATIONINSIGHTS_{switch}", "true")
    options = {"connection_string": connection, "disable_offline_storage": True}
    metrics = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options), EXPORT_MS)
    spans = BatchSpanProcessor(AzureMonitorTraceExporter(**options))
    return create_backend([metrics], spans, TraceShareSampler(share))


def _add(meters: MeterProvider, instrument: Instrument) -> Add:
    meter = meters.get_meter(NAME)
    about = (instrument.name, instrument.unit, instrument.about)
    match instrument.kind:
        case InstrumentKind.COUNTER:
            return meter.create_counter(*about).add
        case InstrumentKind.HISTOGRAM:
            return meter.create_histogram(*about).record
        case InstrumentKind.GAUGE:
            return meter.create_gauge(*about).set


def _context(parent: TraceContext | None) -> Context:
    """Return the context of a parent; without one, an empty context, which begins a trace."""
    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.is_kept else TraceFlags.DEFAULT)
    ids = int(parent.trace_id, 16), int(parent.span_id, 16)
    return set_span_in_context(NonRecordingSpan(SpanContext(*ids, True, flags)), Context())
