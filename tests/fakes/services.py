"""The record writer and read-only mode over fakes."""

from collections.abc import Callable

from shared.domain.errors.base import Refusal
from shared.domain.notices import NoticeBoard, ReadOnlyState
from shared.services.notices import NoticeCache, ReadOnlyMode
from shared.services.records import RecordWriter
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock, FakeRandomness


def unheard(refusal: Refusal) -> None:
    """Take note of nothing."""


def recording(
    directory: FakeDirectory,
    events: FakeEvents | None = None,
    clock: FakeClock | None = None,
    *,
    randomness: FakeRandomness | None = None,
    delayed: Callable[[Refusal], None] = unheard,
) -> RecordWriter:
    """Return what writes entities with their events into `directory` and `events`."""
    events = events or FakeEvents()
    events.published = directory.published
    return RecordWriter(
        directory=directory,
        events=events,
        clock=clock or FakeClock(),
        randomness=randomness or FakeRandomness("recording"),
        delayed=delayed,
    )


READ_ONLY = NoticeBoard(read_only=ReadOnlyState(reason="moving house", since_ms=0))


def taking_changes() -> ReadOnlyMode:
    """Return what lets every change through."""
    return ReadOnlyMode(NoticeCache(FakeDirectory(), FakeClock()))


def taking_none() -> ReadOnlyMode:
    """Return what lets no change through."""
    return ReadOnlyMode(NoticeCache(FakeDirectory.holding(READ_ONLY), FakeClock()))
