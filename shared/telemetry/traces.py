"""Traces: which activities are exported, and what is kept of them until the exporter is loaded.

A request or a run of a task notes its calls while it works, and is chosen when it has ended: a
share of all by the id of the trace, and each that failed or was slow. Nothing of OpenTelemetry is
imported here, or before the first trace is chosen.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from operator import mul
from random import random
from typing import Protocol

from msgspec import Struct

from shared.telemetry.activities import Activity, Span, set_traces
from shared.telemetry.log import log
from shared.telemetry.log_sampling import RateBound

# Traces of each process. A limit is needed because callers can choose the trace id, and with it
# whether a trace is sampled.
TRACES_A_SECOND = 20
MAX_BUFFERED_TRACES = 100  # Until the exporter is loaded, which takes a second.

# Attributes of spans, beside those of OpenTelemetry for databases and HTTP that the exporter adds.
# The names of spans are those of Functions, of calls of stores ("metadata.find"), of methods of
# requests to other servers, and of tasks ("upkeep.audit-archives").
REQUEST_SPAN = (
    "face",
    "operation",
    "outcome",
    "status",
    "method",
    "request_id",
    "calls",
    "units",
)
STORE_SPAN = ("store", "operation", "outcome")
OUTGOING_SPAN = ("method", "scheme", "host", "port", "status", "outcome")
UPKEEP_SPAN = ("task", "result", "calls", "units")

_WORD = 2**32
_SIGN = 2**31
_LENGTH = 32  # Characters of a trace id.
_POWERS = [pow(33, power, _WORD) for power in reversed(range(_LENGTH))]
_START = 5381 * pow(33, _LENGTH, _WORD)


class EndedTrace(Struct, frozen=True):
    """A request or a run of a task that is exported, with its calls.

    `parent_id` is the span that caused it, or empty. `sample_weight` is how many traces it counts
    for. Add `epoch` to the seconds of spans for those since 1970.
    """

    trace_id: str
    parent_id: str
    is_hosted: bool
    sample_weight: float
    epoch: float
    whole: Span
    calls: Sequence[Span]


class TraceExporter(Protocol):
    """Exports traces in batches, on a thread of its own."""

    def export(self, trace: EndedTrace) -> None: ...


class Traces:
    """A `TraceBackend` that exports a share of all traces.

    The Functions host samples its records by the same hash of the id. So of two shares the smaller
    one is part of the other, and a trace has the record of its request.
    """

    def __init__(
        self, share: float, load: Callable[[], TraceExporter], *, a_second: int = TRACES_A_SECOND
    ) -> None:
        """`share` is from 0 to 1. `load` is called in a thread, with the first trace."""
        self._share = share
        self._load = load
        self._bound = RateBound(a_second)
        self._exporter: TraceExporter | None = None
        self._buffered: deque[EndedTrace] = deque(maxlen=MAX_BUFFERED_TRACES)
        self._loading = threading.Lock()

    def sample_weight(self, activity: Activity, ended: float, *, must_keep: bool) -> float:
        if self._share == 1:
            return 1
        trace = activity.trace
        score = random() if trace is None else trace_score(trace.trace_id)  # noqa: S311 - no secret.
        is_chosen = score < self._share
        if not (is_chosen or must_keep) or not self._bound.allows(ended):
            return 0
        return 1 if must_keep else 1 / self._share

    def export(
        self, activity: Activity, whole: Span, calls: Sequence[Span], sample_weight: float
    ) -> None:
        trace = activity.trace
        ended = EndedTrace(
            trace_id=os.urandom(16).hex() if trace is None else trace.trace_id,
            parent_id="" if trace is None else trace.span_id,
            is_hosted=activity.is_hosted,
            sample_weight=sample_weight,
            epoch=time.time() - time.perf_counter(),
            whole=whole,
            calls=calls,
        )
        if self._exporter is None:
            self._keep(ended)
        else:
            self._exporter.export(ended)

    def _keep(self, ended: EndedTrace) -> None:
        self._buffered.append(ended)
        # Never released: the exporter is loaded once.
        if self._loading.acquire(blocking=False):
            threading.Thread(target=self.load, name="traces", daemon=True).start()

    def load(self) -> None:
        """Load the exporter, and export what is buffered."""
        try:
            exporter = self._load()
        except Exception:
            log.exception("telemetry.failed")
            set_traces(None)
            return
        self._exporter = exporter
        while self._buffered:
            exporter.export(self._buffered.popleft())


def trace_score(trace_id: str) -> float:
    """Return a number from 0 to 1, evenly distributed over trace ids: the hash DJB2 as a signed
    number of 32 bits, without its sign, as Application Insights computes it."""
    found = (_START + sum(map(mul, _POWERS, trace_id.encode("ascii")))) % _WORD
    return min(found, _WORD - found, _SIGN - 1) / (_SIGN - 1)
