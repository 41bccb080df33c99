"""Telemetry of the registry besides its log: traces and metrics, where they are enabled.

metrics.py         every metric with its unit and attributes; docs/run/telemetry.md lists the same
recording.py       recording metrics, spans and activities; does nothing until telemetry is enabled
startup_buffer.py  buffers values until the libraries are loaded
sampling.py        which requests leave a line in the log
prometheus.py      metrics of all processes of one machine in the format of Prometheus
exporter.py        OpenTelemetry and Azure Monitor; no other module imports them"""
