"""What the registry tells of itself besides its log: traces and metrics, where they are wanted.

catalog.py     every metric, what it counts and by what; docs/telemetry.md lists the same
tracing.py     which trace something is part of
recording.py   where what happens is told; nothing happens there until somebody listens
activities.py  what is being done now: one request, or one run of a task
loading.py     what keeps what is told until the libraries are there
exporting.py   the libraries: OpenTelemetry and Azure Monitor, imported by nobody else
"""
