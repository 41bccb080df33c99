"""The event feed and its logs."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.entities import PendingEvents
from shared.domain.events import Event
from shared.domain.packages import Head, Release
from shared.domain.transparency.leaves import FrozenLeaf, LoggedEvent


class EventReader(Protocol):
    """Reads the event feed and its logs."""

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events after `number`, with their numbers."""
        ...

    async def newest(self, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events of the feed with numbers below `before`, by default from the
        newest on, newest first."""
        ...

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events of one log (`Event.streams`) with numbers below `before`, by
        default from the newest on, newest first."""
        ...

    async def find(self, event_id: str, at_ms: int) -> LoggedEvent | None:
        """Return an event by its id and its time; None if it is not in the feed."""
        ...


class EventForgetting(Protocol):
    """Removes from events what must not be kept. The leaf of an event never changes."""

    async def forget_origins(self, before_ms: int, count: int) -> int:
        """Anonymize up to `count` events before that time, as `anonymized` does; return how many
        were looked at that were not anonymized before. The rest of the event stays."""
        ...

    async def forget_account(self, account_id: str) -> int:
        """Remove what events say of an account, as `without_account` does; return how many said
        something. A repeat changes nothing."""
        ...

    async def overwrite_forgotten(self) -> None:
        """Overwrite what the files of this store still have of deleted records and of forgotten
        events, after the calls above and after those of an earlier process that failed; nothing is
        left in any page or log. Writes wait meanwhile. Raises `Unavailable`; a repeat continues.

        A service in the cloud does that by itself."""
        ...


class EventLeaves(Protocol):
    """The events with their leaves in the transparency log."""

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        """Return up to `count` events with numbers above `after` in the order of the feed, with
        their leaves."""
        ...

    async def leaves(self, after: int, count: int) -> list[bytes]:
        """Return the leaves of up to `count` events with numbers above `after`, in order and
        without gaps: they end before the first event that has no leaf."""
        ...

    async def without_leaf(self, after: int, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events with numbers above `after` that have no leaf, since an
        earlier version appended them."""
        ...

    async def is_complete(self) -> bool:
        """Check whether every event has a leaf."""
        ...

    async def freeze(self, number: int, leaf: FrozenLeaf) -> None:
        """Store the leaf of an event that has none; one that is stored is never changed."""
        ...


class EventStore(EventReader, EventForgetting, EventLeaves, Protocol):
    """The event feed: append only, numbered without gaps.

    The write that gives an event its number stores its leaf in the transparency log with it. No
    later change of the event, such as those that forget, changes the leaf.

    Services append by an `EventAppender`.
    """

    async def append(self, events: Sequence[Event]) -> None:
        """Append events that belong to no record, unless they are in the feed already."""
        ...

    async def append_outbox(self, source: Head | Release | PendingEvents) -> None:
        """Append the events of the record's outbox that are not in the feed yet, in order; then
        clear the outbox if the record still has this revision, which it keeps. Deletes the outbox
        of a removed entity. A repeat adds nothing."""
        ...

    async def restore(self, events: Sequence[LoggedEvent]) -> None:
        """Append events of a backup with the leaves that they had, unless they are in the feed
        already. They get the numbers that they had where the feed is restored in its order."""
        ...

    async def complete_logs(self, after: int, count: int) -> int:
        """Add up to `count` events with numbers above `after` to those of their logs that lack
        them, as logs do that an earlier version did not have. Return the number of the last one, or
        `after` if there is none. A repeat changes nothing."""
        ...
