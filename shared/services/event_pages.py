"""Pages of events: those of a log that match, newest first."""

from collections.abc import Awaitable, Callable

from shared.domain.events import Event
from shared.services.record_batches import LOG_EVENTS_READ_AT_ONCE

NumberedEvent = tuple[int, Event]
ReadEvents = Callable[[int | None, int], Awaitable[list[NumberedEvent]]]


async def page_of_events(
    read: ReadEvents,
    matches: Callable[[Event], bool],
    *,
    before: int | None,
    count: int,
    most_read: int,
    since_ms: int,
) -> tuple[list[NumberedEvent], int | None]:
    """Return up to `count` events that match, with numbers below `before`, and the `before` of the
    next page, None at the end.

    `read` returns events with numbers below its first argument, newest first. Reads about
    `most_read` events at most, so a page may have fewer than `count` and still be followed by
    another one; none that are older than `since_ms`.
    """
    matching = list[NumberedEvent]()
    have_read = 0
    while have_read < most_read:
        batch = await read(before, LOG_EVENTS_READ_AT_ONCE)
        for number, event in batch:
            if event.at_ms >= since_ms and matches(event):
                matching.append((number, event))
            if len(matching) == count:
                return matching, number
        if len(batch) < LOG_EVENTS_READ_AT_ONCE or batch[-1][1].at_ms < since_ms:
            return matching, None
        before = batch[-1][0]
        have_read += len(batch)
    return matching, before
