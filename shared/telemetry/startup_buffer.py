"""Buffers metrics until the telemetry libraries are loaded, which takes half a second."""

import threading
from collections import deque
from collections.abc import Callable

from shared.log import log
from shared.telemetry import recording
from shared.telemetry.metrics import Instrument
from shared.telemetry.recording import (
    Attributes,
    SpanOrigin,
    TelemetryBackend,
    TelemetrySpan,
    TraceContext,
)

MAX_BUFFERED_VALUES = 2_000  # Values of the first second or so; older ones are dropped.


class StartupBuffer:
    """Keeps what it hears, and from the first value on loads who should hear it."""

    def __init__(self, load: Callable[[], TelemetryBackend]) -> None:
        """Load with `load`, on a thread of its own."""
        self._load = load
        self._waiting: deque[tuple[Instrument, float, Attributes]] = deque(
            maxlen=MAX_BUFFERED_VALUES
        )
        self._starting = threading.Lock()

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Keep the value. The first is told when a request has its answer: now is the time."""
        self._waiting.append((instrument, value, attributes))
        if self._starting.acquire(blocking=False):  # And never let go: it is loaded once.
            threading.Thread(target=self.load, name="telemetry", daemon=True).start()

    def begin(
        self,
        name: str,  # noqa: ARG002
        part: SpanOrigin,  # noqa: ARG002
        parent: TraceContext | None,  # noqa: ARG002
    ) -> TelemetrySpan | None:
        """Begin none: what nobody can export yet is no span."""
        return None

    def load(self) -> None:
        """Load who listens from now on, and tell what was kept."""
        try:
            loaded = self._load()
        except Exception:
            log.exception("telemetry.failed")
            recording.set_backend(None)
            return
        recording.set_backend(loaded)
        while self._waiting:
            loaded.record(*self._waiting.popleft())
