"""Metrics in the text format of Prometheus, of all processes of one machine together.

Each process keeps its own values, and writes them to a file of a folder that all processes share,
at most every five seconds. Whichever process is asked adds the files of the others to its own
values. Values of a process that ended stay until the registry is started again, so that counters
never decrease meanwhile.

Imported only where metrics are enabled.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.runtime.file_replacement import Durability
from shared.runtime.private_files import make_private_folder, replace_private
from shared.telemetry.log import log
from shared.telemetry.metrics import (
    REQUESTS,
    SIGNING_KEY_AGE,
    STORE_CALLS,
    Attributes,
    Instrument,
    InstrumentKind,
)

WRITE_SECONDS = 5.0  # Prometheus reads every 15 s to 60 s.
MEDIA_TYPE = "text/plain; version=0.0.4"

_SHORT = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # Seconds.
_LONG = (0.1, 1, 10, 60, 300, 1_800)  # Seconds of a maintenance task.
_CREATED = "_created"  # The end of samples with the time of a series, which nobody needs.

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]  # Name, labels, value.
Family = tuple[str, str, str, Sequence[Sample]]  # Name, meaning and kind of a metric, its samples.
Add = Callable[[float], None]


class PrometheusBackend:
    """Records metrics of this process."""

    def __init__(self, folder: Path, process: str = "") -> None:
        """`folder` is that of all processes of the registry."""
        self._folder = folder
        self._file = folder / f"{process or os.getpid()}.json"
        self._registry = CollectorRegistry()
        self._metrics: dict[str, Counter | Gauge | Histogram] = {}
        self._adds: dict[tuple[object, ...], Add] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Record the value with the attributes of the metric."""
        labels = tuple(str(attributes[name]) for name in instrument.attributes)
        add = self._adds.get((instrument.name, labels))
        if add is None:
            add = self._adds[instrument.name, labels] = self._series(instrument, labels)
        add(value)
        if self._timer is None:
            self._write_later()

    def exposition(
        self, gauges: Mapping[str, tuple[str, float]], key_ages: Mapping[str, float]
    ) -> bytes:
        """Return the metrics of all processes, more gauges with their meaning and value, and the
        ages of keys by the name of each."""
        merged = _Merged()
        for each in (self._own(), *self._of_others()):
            merged.add(each)
        registry = CollectorRegistry()
        registry.register(merged)
        for name, (about, value) in gauges.items():
            Gauge(name, about, registry=registry).set(value)
        age_name = metric_name(SIGNING_KEY_AGE)
        ages = Gauge(age_name, SIGNING_KEY_AGE.about, SIGNING_KEY_AGE.attributes, registry=registry)
        for key, seconds in key_ages.items():
            ages.labels(key).set(seconds)
        return generate_latest(registry)

    def write(self) -> None:
        """Write the values for the other processes; a failure is logged, and the next write
        follows with the next value."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        try:
            make_private_folder(self._folder)
            # A damaged file is left out when it is read, and written again.
            replace_private(self._file, orjson.dumps(self._own()), Durability.UNSYNCED)
        except OSError as error:
            log.warning("metrics.not_written", reason=type(error).__name__)

    def _write_later(self) -> None:
        timer = self._timer = threading.Timer(WRITE_SECONDS, self.write)
        timer.daemon = True
        timer.start()

    def _series(self, instrument: Instrument, labels: tuple[str, ...]) -> Add:
        with self._lock:
            metric = self._metrics.get(instrument.name)
            if metric is None:
                metric = self._metrics[instrument.name] = _metric(instrument, self._registry)
        series = metric.labels(*labels) if labels else metric
        match series:
            case Counter():
                return series.inc
            case Gauge():
                return series.set
            case _:
                return series.observe

    def _own(self) -> list[Family]:
        return [
            (metric.name, metric.documentation, metric.type, list(_samples(metric)))
            for metric in self._registry.collect()
        ]

    def _of_others(self) -> Iterator[list[Family]]:
        for file in self._folder.glob("*.json"):
            with suppress(FileNotFoundError, orjson.JSONDecodeError):
                if file != self._file:
                    yield orjson.loads(file.read_bytes())


def metric_name(instrument: Instrument) -> str:
    """Return the name of a metric as Prometheus has it, without the end of its samples."""
    name = instrument.name.replace(".", "_")
    return f"{name}_seconds" if instrument.unit == "s" else name


def _metric(instrument: Instrument, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    about = metric_name(instrument), instrument.about, instrument.attributes
    match instrument.kind:
        case InstrumentKind.COUNTER:
            return Counter(*about, registry=registry)
        case InstrumentKind.GAUGE:
            return Gauge(*about, registry=registry)
        case InstrumentKind.HISTOGRAM:
            buckets = _SHORT if instrument in (REQUESTS, STORE_CALLS) else _LONG
            return Histogram(*about, registry=registry, buckets=buckets)


def _samples(metric: Metric) -> Iterator[Sample]:
    for each in metric.samples:
        if not each.name.endswith(_CREATED):
            yield each.name, tuple(each.labels.items()), each.value


class _Merged(Collector):
    """The metrics of several processes: sums, and the largest values of gauges."""

    def __init__(self) -> None:
        self._heads: dict[str, tuple[str, str]] = {}
        self._values: dict[str, dict[tuple[str, Labels], float]] = {}

    def add(self, metrics: Iterable[Family]) -> None:
        """Add the values of a process, as they are in its file."""
        for name, about, kind, samples in metrics:
            self._heads[name] = about, kind
            values = self._values.setdefault(name, {})
            for sample, labels, value in samples:
                key = sample, tuple((label, text) for label, text in labels)  # JSON has lists.
                known = values.get(key, 0.0)
                values[key] = max(known, value) if kind == "gauge" else known + value

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        for name, (about, kind) in self._heads.items():
            metric = Metric(name, about, kind)
            for (sample, labels), value in self._values[name].items():
                metric.add_sample(sample, dict(labels), value)
            yield metric
