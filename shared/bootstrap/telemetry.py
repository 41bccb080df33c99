"""What exports metrics and traces."""

from shared.adapters.network import Network
from shared.bootstrap.network import network_of
from shared.runtime.azure_extra import telemetry_is_installed
from shared.settings import Settings
from shared.telemetry.activities import is_tracing, set_traces
from shared.telemetry.metrics import MetricsBackend, is_recording, set_backend
from shared.telemetry.startup_buffer import StartupBuffer
from shared.telemetry.traces import TraceExporter, Traces

# What is behind the stores, as the application map names it; "" stands for all others.
_CLOUD_SYSTEMS = {
    "": "azure.cosmosdb",
    **dict.fromkeys(
        ("archives", "documents", "search", "log_files", "advisory_files"), "azure.blob"
    ),
}
_EMBEDDED_SYSTEMS = {"": "sqlite", "archives": "files", "log_files": "files"}


def export_telemetry(settings: Settings, connection: str) -> None:
    """Export metrics and traces, once a process, where what exports them is installed."""
    if not telemetry_is_installed():
        return
    if not is_recording():
        _send_telemetry(connection, network_of(settings))
    if settings.trace_share and not is_tracing():
        set_traces(_traces(settings, connection))


def _send_telemetry(connection: str, network: Network) -> None:
    """Send metrics to Application Insights, from the first request on."""

    def load() -> MetricsBackend:
        from shared.adapters.azure_transports import telemetry_transport
        from shared.telemetry.azure_metrics import azure_monitor_backend

        return azure_monitor_backend(connection, telemetry_transport(network))

    set_backend(StartupBuffer(load))


def _traces(settings: Settings, connection: str) -> Traces:
    """Return what sends a share of traces to Application Insights, from the first one on."""
    systems = _CLOUD_SYSTEMS if settings.is_in_the_cloud else _EMBEDDED_SYSTEMS

    def load() -> TraceExporter:
        from shared.adapters.azure_transports import telemetry_transport
        from shared.telemetry.spans import azure_monitor_spans

        return azure_monitor_spans(connection, systems, telemetry_transport(network_of(settings)))

    return Traces(settings.trace_share, load)
