"""What the product logs, for tests."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from shared.log import Event, log


@contextmanager
def capture_logs() -> Generator[list[dict[str, Any]]]:
    """Collect the events of every level, in place of writing them."""
    events: list[dict[str, Any]] = []

    def collect(level: str, event: str, fields: Event) -> None:
        events.append({**fields, "event": event, "log_level": level})

    log.sink, writing = collect, log.sink
    try:
        yield events
    finally:
        log.sink = writing
