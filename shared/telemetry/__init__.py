"""Telemetry of the registry besides its log: traces and metrics, where they are enabled. They are
recorded by functions of `shared/log.py`.

metrics.py         every metric with its unit and attributes; docs/run/telemetry.md lists the same
startup_buffer.py  buffers values until the libraries are loaded
prometheus.py      metrics of all processes of one machine in the format of Prometheus
exporter.py        OpenTelemetry and Azure Monitor; no other module imports them"""
