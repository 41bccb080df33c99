"""Telemetry that is kept in memory for tests."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.log import set_backend
from shared.telemetry.exporter import OpenTelemetryBackend
from shared.telemetry.metrics import Instrument


@dataclass(frozen=True)
class Heard:
    """What was told while a test ran."""

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
def hearing() -> Generator[Heard]:
    """Hear what is told until the block ends."""
    reader = InMemoryMetricReader()
    listener = OpenTelemetryBackend([reader])
    before = set_backend(listener)
    try:
        yield Heard(reader)
    finally:
        set_backend(before)
        listener.close()
