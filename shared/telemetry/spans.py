"""Spans of OpenTelemetry, and their exporter to Application Insights; imported with the first trace
that is exported.

They are made when a request has ended, of what it noted, and go to no global provider. So libraries
that use the global one make no spans, which would contain the URLs that they call, some of them
signed.
"""

import atexit
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from azure.core.pipeline.transport import RequestsTransport
from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter as OpenSpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.telemetry.azure_metrics import NAME, no_library_reports
from shared.telemetry.metrics import Attributes, AttributeValue
from shared.telemetry.traces import EndedTrace

# A percentage; Application Insights multiplies counts by 100 divided by it.
_SAMPLE_RATE = "_MS.sampleRate"
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope(NAME)
_FAILED = Status(StatusCode.ERROR)
_UNSET = Status(StatusCode.UNSET)
_NODE = platform.node()
_USUAL_PORTS = {"https": 443, "http": 80}

# Names of OpenTelemetry for what a call of another server notes.
HTTP_NAMES = {
    "method": "http.request.method",
    "scheme": "url.scheme",
    "host": "server.address",
    "port": "server.port",
    "status": "http.response.status_code",
}


class SpanExporter:
    """A `TraceExporter` that makes spans, for a processor of OpenTelemetry."""

    def __init__(self, processor: SpanProcessor, systems: Mapping[str, str]) -> None:
        """`systems` are the kinds of stores by their names, with that of all others at ""."""
        self._processor = processor
        self._systems = systems
        self._ids = RandomIdGenerator()
        self._resource = Resource({"service.name": role_name()})

    def export(self, trace: EndedTrace) -> None:
        trace_id = int(trace.trace_id, 16)
        context = self._context(trace_id)
        caused_by = None
        if trace.parent_id:
            caused_by = SpanContext(trace_id, int(trace.parent_id, 16), True, _SAMPLED)
        # The host has a span of the request already, and this is a part of it.
        kind = SpanKind.INTERNAL if trace.is_hosted else SpanKind.SERVER
        spans = [(trace.whole, context, caused_by, kind, _served(trace.whole.attributes))]
        for call in trace.calls:
            named = self._called(call.attributes)
            spans.append((call, self._context(trace_id), context, SpanKind.CLIENT, named))
        rate = {} if trace.sample_weight == 1 else {_SAMPLE_RATE: 100 / trace.sample_weight}
        for span, own, parent, of, attributes in spans:
            self._processor.on_end(
                ReadableSpan(
                    span.name,
                    own,
                    parent,
                    self._resource,
                    {**attributes, **rate},
                    kind=of,
                    instrumentation_scope=_SCOPE,
                    status=_FAILED if span.is_failed else _UNSET,
                    start_time=_nanoseconds(trace.epoch + span.began),
                    end_time=_nanoseconds(trace.epoch + span.ended),
                )
            )

    def close(self) -> None:
        """Export what is buffered, and stop."""
        self._processor.shutdown()

    def _context(self, trace_id: int) -> SpanContext:
        return SpanContext(trace_id, self._ids.generate_span_id(), False, _SAMPLED)

    def _called(self, noted: Attributes) -> Attributes:
        store = noted.get("store")
        if store is None:
            return _as_http(noted)
        system = self._systems.get(str(store), self._systems[""])
        database: dict[str, AttributeValue] = {
            "db.system.name": system,
            "db.namespace": store,
            "db.operation.name": noted["operation"],
        }
        return {**noted, **database}


def azure_monitor_spans(
    connection: str, systems: Mapping[str, str], transport: RequestsTransport | None = None
) -> SpanExporter:
    """Return an exporter to Application Insights, by this transport.

    Its identity is read from APPLICATIONINSIGHTS_AUTHENTICATION_STRING.
    """
    exporting = SpanExporter(BatchSpanProcessor(insights_exporter(connection, transport)), systems)
    atexit.register(exporting.close)
    return exporting


def insights_exporter(
    connection: str, transport: RequestsTransport | None = None
) -> OpenSpanExporter:
    """Return the exporter of OpenTelemetry that sends spans to Application Insights."""
    no_library_reports()
    return _InsightsExporter(
        connection_string=connection,
        disable_offline_storage=True,
        **({"transport": transport} if transport else {}),
    )


class _InsightsExporter(AzureMonitorTraceExporter):
    """The exporter of Azure Monitor, with a conversion of its own of our three kinds of spans.

    That of the library makes and checks models, which takes half a millisecond a span, and rounds
    durations to milliseconds. Application Insights takes plain JSON as well.
    """

    def _span_to_envelope(self, span: ReadableSpan) -> Any:
        # The base class is untyped.
        return envelope_of(span, cast("Any", self)._instrumentation_key)


def envelope_of(span: ReadableSpan, key: str) -> dict[str, Any]:
    """Return a span as Application Insights takes it, in the words of its protocol."""
    attributes = span.attributes or {}
    began = span.start_time or 0
    ended = span.end_time or 0
    context = span.context
    parent = span.parent
    tags = {
        "ai.cloud.role": span.resource.attributes["service.name"],
        "ai.cloud.roleInstance": _NODE,
        "ai.internal.sdkVersion": NAME,
        "ai.operation.id": f"{context.trace_id:032x}" if context else "",
        "ai.operation.name": span.name,
    }
    if parent:
        tags["ai.operation.parentId"] = f"{parent.span_id:016x}"
    data: dict[str, Any] = {
        "ver": 2,
        "name": span.name,
        "id": f"{context.span_id:016x}" if context else "",
        "duration": _duration(ended - began),
        "success": span.status.is_ok,
        # Names of our own have no dot; the others have fields.
        "properties": {name: str(each) for name, each in attributes.items() if "." not in name},
    }
    is_request = span.kind is SpanKind.SERVER
    code = str(attributes.get("http.response.status_code", 0))
    if is_request:
        data["responseCode"] = code
    else:
        data |= {"type": "InProc", "resultCode": code}
    if span.kind is SpanKind.CLIENT:
        data |= _target(attributes)
    kind = "Request" if is_request else "RemoteDependency"
    envelope = {
        "name": f"Microsoft.ApplicationInsights.{kind}",
        "time": datetime.fromtimestamp(began / 1e9, UTC).isoformat(),
        "iKey": key,
        "tags": tags,
        "data": {"baseType": f"{kind}Data", "baseData": data},
    }
    rate = attributes.get(_SAMPLE_RATE)
    return envelope if rate is None else envelope | {"sampleRate": rate}


def _target(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was called, which the application map draws."""
    if "db.system.name" in attributes:
        return {
            "type": attributes["db.system.name"],
            "target": attributes["db.namespace"],
            "data": attributes["db.operation.name"],
        }
    host = attributes["server.address"]
    port = attributes["server.port"]
    is_usual = port == _USUAL_PORTS.get(attributes["url.scheme"])
    return {"type": "HTTP", "target": host if is_usual else f"{host}:{port}"}


def _duration(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"{day}.{hour:02}:{minute:02}:{second:02}.{rest // 1_000:06}"


def role_name() -> str:
    """Return the name of the app as the Functions host tells it, so that both are one node of the
    application map."""
    site = os.environ.get("WEBSITE_SITE_NAME", "").lower()
    return os.environ.get("WEBSITE_CLOUD_ROLENAME") or site or NAME


def _served(noted: Attributes) -> Attributes:
    """Return what a request or a run of a task noted; a request has the names of HTTP as well."""
    return _as_http(noted) | {**noted} if "method" in noted else noted


def _as_http(noted: Attributes) -> dict[str, AttributeValue]:
    return {HTTP_NAMES.get(name, name): value for name, value in noted.items()}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
