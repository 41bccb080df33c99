"""Metrics by OpenTelemetry, and their exporter to Azure Monitor; imported only where telemetry is
enabled.

The provider is not the global one of OpenTelemetry, which libraries use. Spans are in
`shared/telemetry/spans.py`.
"""

import os
from collections.abc import Callable

from azure.core.pipeline.transport import RequestsTransport
from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from shared.telemetry.metrics import INSTRUMENTS, Attributes, Instrument, InstrumentKind

NAME = "ballroom"
EXPORT_MS = 60_000  # A metric in Azure Monitor has one value a minute.

# Statistics that the library sends about itself, and its remote configuration.
_LIBRARY_REPORTS = (
    "STATSBEAT_DISABLED_ALL",
    "SDKSTATS_DISABLED",
    "CONTROLPLANE_DISABLED",
    "OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)

Add = Callable[[float, Attributes], None]


class OpenTelemetryBackend:
    """Records metrics with OpenTelemetry."""

    def __init__(self, readers: list[MetricReader]) -> None:
        """Create one instrument of OpenTelemetry for each metric."""
        self._meters = MeterProvider(readers, resource=Resource({"service.name": NAME}))
        self._adds = {each.name: _add(self._meters, each) for each in INSTRUMENTS}

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Record the value with the attributes of the metric, and no others."""
        named = {name: attributes[name] for name in instrument.attributes}
        self._adds[instrument.name](value, named)

    def close(self) -> None:
        """Export what is buffered, and stop."""
        self._meters.shutdown()


def azure_monitor_backend(
    connection: str, transport: RequestsTransport | None = None
) -> OpenTelemetryBackend:
    """Return a backend that exports all metrics to Application Insights, by this transport.

    Its identity is read from APPLICATIONINSIGHTS_AUTHENTICATION_STRING.
    """
    no_library_reports()
    exporter = AzureMonitorMetricExporter(
        connection_string=connection,
        disable_offline_storage=True,
        **({"transport": transport} if transport else {}),
    )
    return OpenTelemetryBackend([PeriodicExportingMetricReader(exporter, EXPORT_MS)])


def no_library_reports() -> None:
    """Switch off what the library would send about itself."""
    for switch in _LIBRARY_REPORTS:
        os.environ.setdefault(f"APPLICATIONINSIGHTS_{switch}", "true")


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
