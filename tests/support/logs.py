"""What the product logs, for tests."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from shared.telemetry.log import Event, configure, log


@contextmanager
def capture_logs() -> Generator[list[dict[str, Any]]]:
    """Collect the events of every level, in place of writing them."""
    events: list[dict[str, Any]] = []

    def collect(level: str, event: str, fields: Event) -> None:
        events.append({**fields, "event": event, "log_level": level})

    writing = log.sink
    log.sink = collect
    try:
        yield events
    finally:
        log.sink = writing


def logged(capfd: pytest.CaptureFixture[str]) -> list[Any]:
    """Return the lines of requests that were written, and write no more."""
    configure("warning")
    log.error("end")  # What waits is written with it.
    lines = capfd.readouterr().err.splitlines()
    return [json.loads(line) for line in lines if '"event":"request"' in line]


def logged_by_id(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the lines that `logged` returns by the id of their request."""
    return {line["request_id"]: line for line in logged(capfd)}
