"""Wait for another process."""

from collections.abc import Callable
from threading import Event

import pytest

BOUND_SECONDS = 60.0  # Generous: a slow machine is no failure.


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    pause = Event()
    for _ in range(int(BOUND_SECONDS / 0.05)):
        if holds():
            return
        pause.wait(0.05)
    pytest.fail("it did not happen in time")
