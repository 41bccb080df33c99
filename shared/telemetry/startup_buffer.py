"""Buffers metrics until the telemetry libraries are loaded, which takes half a second."""

import threading
from collections import deque
from collections.abc import Callable

from shared.telemetry.log import log
from shared.telemetry.metrics import (
    REQUESTS,
    UPKEEP,
    Attributes,
    Instrument,
    MetricsBackend,
    set_backend,
)

MAX_BUFFERED_VALUES = 2_000  # Enough for the first seconds; older values are dropped.

# Other values, such as those of store calls, are recorded while a request waits for its answer.
_OF_ENDS = (REQUESTS, UPKEEP)


class StartupBuffer:
    """A backend that buffers values, and replaces itself by one that it loads after the first
    request or task."""

    def __init__(self, load: Callable[[], MetricsBackend]) -> None:
        """Call `load` in a thread."""
        self._load = load
        self._buffered: deque[tuple[Instrument, float, Attributes]] = deque(
            maxlen=MAX_BUFFERED_VALUES
        )
        self._loading = threading.Lock()

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Buffer the value; load the backend when a request or a task has ended."""
        self._buffered.append((instrument, value, attributes))
        has_ended = instrument in _OF_ENDS or len(self._buffered) >= MAX_BUFFERED_VALUES / 2
        # Never released: the backend is loaded once.
        if has_ended and self._loading.acquire(blocking=False):
            threading.Thread(target=self.load, name="telemetry", daemon=True).start()

    def load(self) -> None:
        """Load the backend, and record the buffered values with it."""
        try:
            loaded = self._load()
        except Exception:
            log.exception("telemetry.failed")
            set_backend(None)
            return
        set_backend(loaded)
        while self._buffered:
            loaded.record(*self._buffered.popleft())
