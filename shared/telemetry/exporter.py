"""OpenTelemetry and the exporters of Azure Monitor; imported only where telemetry is enabled.

The providers are our own: libraries that look for the global ones find none, so no span records
the addresses that they call, some of which are signed.
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

from shared.telemetry.metrics import INSTRUMENTS, Instrument, InstrumentKind
from shared.telemetry.recording import Attributes, SpanOrigin, TelemetrySpan, TraceContext

NAME = "ballroom"
EXPORT_MS = 60_000  # A metric in Azure Monitor has one value a minute.

# What the library tells of itself, to its maker and to us, and asks its maker what to do.
_OF_THE_LIBRARY = (
    "STATSBEAT_DISABLED_ALL",
    "SDKSTATS_DISABLED",
    "CONTROLPLANE_DISABLED",
    "OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)

_KINDS = {
    SpanOrigin.SERVED: SpanKind.SERVER,
    SpanOrigin.HOSTED: SpanKind.INTERNAL,  # The host's own span is the request: there are not two.
    SpanOrigin.CALL: SpanKind.CLIENT,
}

_IDS = 2**56  # The last seven bytes of an id are random, whoever makes it.

Add = Callable[[float, Attributes], None]


class OpenTelemetryBackend:
    """Hands what it hears to OpenTelemetry."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        """Make one instrument for each entry of the catalog."""
        self._tracer = tracers.get_tracer(NAME)
        self._providers = (tracers, meters)
        self._adds = {each.name: _add(meters, each) for each in INSTRUMENTS}

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Count the value by the attributes that the catalog names, and by no other."""
        named = {name: attributes[name] for name in instrument.attributes}
        self._adds[instrument.name](value, named)

    def begin(
        self, name: str, part: SpanOrigin, parent: TraceContext | None
    ) -> TelemetrySpan | None:
        """Begin a span; a call of a store only as a part of something that is kept."""
        if part is SpanOrigin.CALL and (parent is None or not parent.is_kept):
            return None
        return _StartedSpan(self._tracer.start_span(name, _context(parent), kind=_KINDS[part]))

    def close(self) -> None:
        """Send what waits, and stop."""
        for provider in self._providers:
            provider.shutdown()


class _StartedSpan:
    """A span of OpenTelemetry."""

    def __init__(self, span: OpenSpan) -> None:
        self._span = span
        found = span.get_span_context()
        kept = span.is_recording()
        self.trace = TraceContext(f"{found.trace_id:032x}", f"{found.span_id:016x}", kept)

    def end(self, attributes: Attributes) -> None:
        """End it, as a failure where something broke."""
        self._span.set_attributes({**attributes})
        if attributes.get("outcome") == "broken" or attributes.get("result") == "failed":
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class TraceShareSampler(Sampler):
    """Keeps a share of all traces, by the trace's id and nothing else.

    The host says of most traces that they are not kept. The exporter brings a sampler of its own,
    which takes thirty microseconds of every request to hash an id that is random already.
    """

    def __init__(self, share: float) -> None:
        """Keep this share, from 0 to 1."""
        self._bound = round(share * _IDS)
        # So much a span counts for, as Application Insights reads it.
        self._kept = SamplingResult(Decision.RECORD_AND_SAMPLE, {"_MS.sampleRate": share * 100})
        self._dropped = SamplingResult(Decision.DROP)

    def should_sample(
        self,
        parent_context: Context | None,  # noqa: ARG002 - what others decided does not count.
        trace_id: int,
        *_others: object,
        **_more: object,
    ) -> SamplingResult:
        """Say whether the spans of a trace are kept."""
        return self._kept if trace_id % _IDS < self._bound else self._dropped

    def get_description(self) -> str:
        """Return what is shown of it."""
        return f"Share({self._bound / _IDS})"


def create_backend(
    readers: list[MetricReader], processor: SpanProcessor, sampler: Sampler
) -> OpenTelemetryBackend:
    """Return what hands metrics to the readers, and the spans that are kept to the processor."""
    resource = Resource({"service.name": NAME})
    tracers = TracerProvider(sampler=sampler, resource=resource)
    tracers.add_span_processor(processor)
    return OpenTelemetryBackend(tracers, MeterProvider(readers, resource=resource))


def azure_monitor_backend(connection: str, share: float) -> OpenTelemetryBackend:
    """Return what exports to Application Insights: all metrics, and the spans of a share of traces.

    The identity that it signs in with is read from APPLICATIONINSIGHTS_AUTHENTICATION_STRING.
    """
    for switch in _OF_THE_LIBRARY:
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
    """Return the context of a parent; an empty one begins a trace, whatever else is current."""
    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.is_kept else TraceFlags.DEFAULT)
    ids = int(parent.trace_id, 16), int(parent.span_id, 16)
    return set_span_in_context(NonRecordingSpan(SpanContext(*ids, True, flags)), Context())
