"""What listens until the libraries are there, which take half a second that nobody should wait."""

import threading
from collections import deque
from collections.abc import Callable

from shared.log import log
from shared.telemetry import recording
from shared.telemetry.catalog import Instrument
from shared.telemetry.recording import Attributes, Listener, Part, Span
from shared.telemetry.tracing import Trace

MOST_WAITING = 2_000  # Values of the first second or so; older ones are dropped.


class Loading:
    """Keeps what it hears, and from the first value on loads who should hear it."""

    def __init__(self, load: Callable[[], Listener]) -> None:
        """Load with `load`, on a thread of its own."""
        self._load = load
        self._waiting: deque[tuple[Instrument, float, Attributes]] = deque(maxlen=MOST_WAITING)
        self._starting = threading.Lock()

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Keep the value. The first is told when a request has its answer: now is the time."""
        self._waiting.append((instrument, value, attributes))
        if self._starting.acquire(blocking=False):  # And never let go: it is loaded once.
            threading.Thread(target=self.load, name="telemetry", daemon=True).start()

    def begin(self, name: str, part: Part, parent: Trace | None) -> Span | None:  # noqa: ARG002
        """Begin none: what nobody can export yet is no span."""
        return None

    def load(self) -> None:
        """Load who listens from now on, and tell what was kept."""
        try:
            loaded = self._load()
        except Exception:
            log.exception("telemetry.failed")
            recording.listen(None)
            return
        recording.listen(loaded)
        while self._waiting:
            loaded.record(*self._waiting.popleft())
