"""The edition of an instance in the cloud, which reads what changed from the change feed."""

import asyncio
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from msgspec import Struct

from shared.adapters.cosmos.client import ChangeFeedPage, CosmosDatabase
from shared.adapters.cosmos.queries import SessionTokens
from shared.domain.errors.base import Unavailable
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.runtime.editions import CHANGES_KNOWN_WITHIN, EVERYTHING, RECORDS, Changes
from shared.telemetry.log import log

WAITED_FOR = timedelta(milliseconds=500)  # Then the stores are asked for the records themselves.
PACKAGES = "packages"  # The container whose changes are followed.
ITEMS_AT_ONCE = 1_000
# Pages read of one range. If it has more changes, everything that was read is discarded.
MOST_PAGES = 10


class _RangeChanges(Struct, frozen=True):
    """The position after the changes of a range, the session token of the last answer, and whether
    they were all that there are."""

    after: str
    session: str
    is_complete: bool


class ChangeFeedEdition:
    """The edition of one instance in the cloud, which reads what changed from the change feed.

    The feed has a change as soon as it is committed, so a writer that crashes leaves nothing
    untold. It is polled once a second at most, and only while requests need it.
    """

    follows_records = False  # They are in another container.

    def __init__(self, cosmos: CosmosDatabase, clock: Clock) -> None:
        self._cosmos = cosmos
        self._clock = clock
        self._changes = Changes()
        # The position of each range in the feed; empty before the first read.
        self._positions = list[str]()
        self._polled_ms: int | None = None
        self._known_until_ms: int | None = None  # Every change before this time is known.
        self._poll_task: asyncio.Task[None] | None = None
        # The session tokens of the last poll; None if this process wrote since then.
        self._session: SessionTokens | None = None
        self._writes = 0  # The number of writes of this process.
        self.package_changes = 0  # Another number whenever packages may have changed.

    @property
    def number(self) -> int:
        return self._changes.number

    def is_current(self) -> bool:
        return self.is_current_within(CHANGES_KNOWN_WITHIN)

    def is_current_within(self, age: timedelta) -> bool:
        """Check whether every change that is older than this is known."""
        return self._is_recent(self._known_until_ms, age)

    @property
    def session(self) -> SessionTokens | None:
        """The tokens of reads of packages that include every change that was made up to a second
        ago, and those of this process; None while it has none that include them."""
        return self._session if self.is_current() else None

    def start_poll(self) -> None:
        # The interval also holds after a failure: the next poll begins a second after the failed
        # one.
        if self._poll_task is None and not self._is_recent(self._polled_ms, CHANGES_KNOWN_WITHIN):
            self._polled_ms = self._clock.monotonic_ms()
            self._poll_task = asyncio.create_task(self._poll_feed())

    async def poll(self) -> bool:
        if self.is_current():
            return True
        self.start_poll()
        # Later callers do not wait the full time again if a poll is not answered.
        if self._poll_task is not None and self._is_recent(self._polled_ms, WAITED_FOR):
            await asyncio.wait({self._poll_task}, timeout=WAITED_FOR.total_seconds())
        return self.is_current()

    def is_unchanged_since(self, number: int, keys: Collection[str]) -> bool:
        return EVERYTHING not in keys and self._changes.is_unchanged_since(number, keys)

    def note_write(self, package: str) -> None:
        self._writes += 1
        self._note(package)

    def note_record_write(self, _owner: str) -> None:
        """Note that this process wrote, or tried to write, a record that is no package's. Those of
        other processes are not followed: whoever keeps such records bounds their age."""
        self._changes.note((RECORDS,))

    async def _poll_feed(self) -> None:
        """Read what changed. If that fails, what was read before does not become current."""
        began_ms = self._clock.monotonic_ms()
        writes = self._writes
        try:
            tokens = await (self._read_changes() if self._positions else self._begin())
            self._known_until_ms = began_ms
            # An answer that a write of this process overtook may lack it.
            self._session = tokens if self._writes == writes else None
        except Unavailable as failure:
            log.warning("edition.unread", reason=str(failure))
        except Exception:  # A position may have become unusable.
            log.exception("edition.lost")
            self._positions = []
        finally:
            self._poll_task = None

    async def _begin(self) -> SessionTokens | None:
        """Follow the feed from here on; everything that was read before counts as changed."""
        ranges = await self._cosmos.container(PACKAGES).ranges()
        pages = await asyncio.gather(
            *(self._page(feed_range=each, start_time="Now") for each in ranges)
        )
        self._positions = [page.after for page in pages]
        self._lose()
        return _joined(page.session for page in pages)

    async def _read_changes(self) -> SessionTokens | None:
        found = await asyncio.gather(*map(self._read_range, self._positions))
        if not all(each.is_complete for each in found):
            self._lose()
        self._positions = [each.after for each in found]
        return _joined(each.session for each in found)

    async def _read_range(self, after: str) -> "_RangeChanges":
        """Note the items of a range that changed after the position."""
        for _ in range(MOST_PAGES):
            page = await self._page(continuation=after)
            after = page.after
            for item in page.items:
                self._note(str(item["pk"]))
            if not page.items:
                return _RangeChanges(after, page.session, is_complete=True)
        return _RangeChanges(after, "", is_complete=False)

    async def _page(self, **options: Any) -> ChangeFeedPage:
        container = self._cosmos.container(PACKAGES)
        return await container.changes_of(max_item_count=ITEMS_AT_ONCE, **options)

    def _note(self, package: str) -> None:
        self._session = None  # It may be older than the change.
        self._changes.note((package,))
        self.package_changes += 1

    def _lose(self) -> None:
        self._changes.forget()
        self.package_changes += 1

    def _is_recent(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self._clock.monotonic_ms() - since_ms < age // MS


def _joined(tokens: Iterable[str]) -> SessionTokens | None:
    """Return the tokens of ranges, some of which may have none; None if no range has one."""
    session = SessionTokens.parse(",".join(filter(None, tokens)))
    return session if session.last_changes else None
