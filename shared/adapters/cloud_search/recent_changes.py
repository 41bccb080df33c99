"""What changed since the index was fed: the changes of listings that the edition of this process
reads, for its copy of the index.

A package that became private is in the copy until it is fed, which takes seconds, or as long as
the feed of the index fails. So a search waits until the edition knows the changes of the last
second, and they are applied to the copy before it is read.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from shared.adapters.cosmos.client import CosmosContainer
from shared.adapters.cosmos.listings import ListingChange, listing_changes
from shared.adapters.editions import FeedReader
from shared.domain.errors.requests import SearchUnconfirmed

# A search of an older state is refused: somebody was told that a package is private.
CONFIRMED_WITHIN = timedelta(seconds=3)


class FollowedEdition(Protocol):
    """The edition of this process, which reads the change feed."""

    async def confirm(self) -> bool:
        """Ask for changes if that is due, and wait for a moment."""
        ...

    def is_confirmed_within(self, age: timedelta) -> bool:
        """Check whether every change is known that was made up to so long ago."""
        ...

    def add_reader(self, reader: FeedReader) -> None:
        """Let a reader read what the edition reads."""
        ...


class RecentChanges:
    """Collects changes of listings until the copy takes them.

    `is_complete` says whether there are all since the copy last took some; where not, those after
    the position of the copy have to be read.
    """

    def __init__(self, edition: FollowedEdition, container: CosmosContainer) -> None:
        self._edition = edition
        self._container = container
        self._waiting: dict[str, ListingChange] = {}
        self._loading: dict[str, ListingChange] | None = None  # Since a load began.
        self.is_complete = False
        edition.add_reader(self)

    def read(self, items: Sequence[Mapping[str, object]]) -> None:
        """Keep the changes of listings, unless nobody has searched yet."""
        if not self.is_complete and self._loading is None:
            return
        changes = {each.key: each for each in listing_changes(dict(item) for item in items)}
        self._waiting |= changes
        if self._loading is not None:
            self._loading |= changes

    def lost(self) -> None:
        """Note that changes may have been left out."""
        self.is_complete = False
        self._waiting.clear()

    async def confirm(self) -> None:
        """Return if the changes up to three seconds ago are known; raise `SearchUnconfirmed`."""
        if not await self._edition.confirm() and not self._is_confirmed():
            raise SearchUnconfirmed

    def take(self) -> list[ListingChange]:
        """Return the changes that the copy does not have yet."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def put_back(self, changes: Sequence[ListingChange]) -> None:
        """Keep changes that could not be applied."""
        self._waiting = {each.key: each for each in changes} | self._waiting

    async def since(self, after: str) -> list[ListingChange]:
        """Read the changes after a position of the feed, none if there is no index yet; from here
        on all are collected."""
        self.is_complete = True
        try:
            return await self._read_on(after) if after else []
        except BaseException:
            self.is_complete = False
            raise

    def begin_load(self) -> None:
        """Collect for a copy that is loaded beside the current one, too."""
        self._loading = {}

    def take_loaded(self) -> list[ListingChange]:
        """Return the changes that came since the load began, or since the last call."""
        changes, self._loading = self._loading or {}, {}
        return list(changes.values())

    def end_load(self) -> None:
        """Collect for the current copy alone."""
        self._loading = None

    def _is_confirmed(self) -> bool:
        return self._edition.is_confirmed_within(CONFIRMED_WITHIN)

    async def _read_on(self, after: str) -> list[ListingChange]:
        changes = dict[str, ListingChange]()
        while True:
            try:
                page = await self._container.changes(after)
            except ValueError as wrong:  # A backup was restored, and the index is built anew.
                raise SearchUnconfirmed from wrong
            changes |= {each.key: each for each in listing_changes(page.items)}
            if not page.items:
                return list(changes.values())
            after = page.after
