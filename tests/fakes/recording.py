"""Recording over doubles."""

from collections.abc import Callable

from shared.domain.errors import Refusal
from shared.services.recording import Recording
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.events import FakeEvents
from tests.fakes.randomness import FakeRandomness


def unheard(refusal: Refusal) -> None:
    """Take note of nothing."""


def recording(
    directory: FakeDirectory,
    events: FakeEvents | None = None,
    clock: FakeClock | None = None,
    *,
    randomness: FakeRandomness | None = None,
    delayed: Callable[[Refusal], None] = unheard,
) -> Recording:
    """Return what writes entities with their events into `directory` and `events`."""
    events = events or FakeEvents()
    events.published = directory.published
    return Recording(
        directory=directory,
        events=events,
        clock=clock or FakeClock(),
        randomness=randomness or FakeRandomness("recording"),
        delayed=delayed,
    )
