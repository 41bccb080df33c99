"""The change feed of Cosmos DB, and the edition of an instance in the cloud, which reads from the
feed what changed.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from shared.adapters.cosmos.client import CosmosDatabase, Item
from shared.domain.errors.base import Unavailable
from shared.domain.times import MS
from shared.log import log
from shared.ports import ChangeSource, Clock, Lease
from shared.runtime.caching import CHANGES_KNOWN_WITHIN, EVERYTHING, RECORDS, Changes


class CosmosChangeFeed:
    """The ChangeSource over the registry's database."""

    def __init__(self, cosmos: CosmosDatabase) -> None:
        self._cosmos = cosmos

    async def ranges(self, container: str) -> list[str]:
        return list(await self._ranges(container))

    async def changes(
        self, container: str, range_: str, after: str, most: int
    ) -> tuple[list[Mapping[str, object]], str]:
        options: dict[str, Any] = {"continuation": after}
        if not after:
            options = {"feed_range": (await self._ranges(container))[range_], "start_time": "Now"}
        found = await self._cosmos.container(container).changes_of(max_item_count=most, **options)
        return list(found.items), found.after

    async def lease(self, container: str, name: str) -> Lease | None:
        item = await self._cosmos.container(container).read(name, name)
        if item is None:
            return None
        return Lease(item["owner"], item["until_ms"], item["after"], item["_etag"])

    async def take(self, container: str, name: str, lease: Lease) -> Lease | None:
        kept = self._cosmos.container(container)
        item: Item = {
            "id": name,
            "owner": lease.owner,
            "until_ms": lease.until_ms,
            "after": lease.after,
        }
        taken = kept.replace(item, lease.version) if lease.version else kept.create(item)
        return await self.lease(container, name) if await taken else None

    async def close(self) -> None:
        await self._cosmos.close()

    async def _ranges(self, container: str) -> dict[str, Item]:
        found = await self._cosmos.container(container).ranges()
        return {f"{each['Range']['min']}-{each['Range']['max']}": each for each in found}


WAITED_FOR = timedelta(milliseconds=500)  # Then the stores are asked for the records themselves.
PACKAGES = "packages"  # The container whose changes are followed.
ITEMS_AT_ONCE = 1_000
MOST_PAGES = 10  # Of one range. After so many changes at once, nothing that was read stands.


class _RangeChanges(Struct, frozen=True):
    """The position after the changes of a range, and whether they were all that there are."""

    after: str
    is_complete: bool


class ChangeFeedEdition:
    """The edition of one instance in the cloud, which reads what changed from the change feed.

    The feed has a change as soon as it is committed, so a writer that crashes leaves nothing
    untold. It is asked once a second at most, and only while this instance is asked itself.
    """

    follows_records = False  # They are in another container.

    def __init__(self, source: ChangeSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._changes = Changes()
        self._positions: Mapping[str, str] = {}  # In the feed, by range; none before the first.
        self._asked_ms: int | None = None
        self._confirmed_ms: int | None = None  # When the last question began that was answered.
        self._asking: asyncio.Task[None] | None = None
        self.package_changes = 0  # Another number whenever packages may have changed.

    @property
    def number(self) -> int:
        return self._changes.number

    def is_confirmed(self) -> bool:
        return self.is_confirmed_within(CHANGES_KNOWN_WITHIN)

    def is_confirmed_within(self, age: timedelta) -> bool:
        """Check whether every change is known that was made up to so long ago."""
        return self._is_recent(self._confirmed_ms, age)

    def ask(self) -> None:
        # Also after a question that failed: the next one comes a second after it began.
        if self._asking is None and not self._is_recent(self._asked_ms, CHANGES_KNOWN_WITHIN):
            self._asked_ms = self._clock.monotonic_ms()
            self._asking = asyncio.create_task(self._ask())

    async def confirm(self) -> bool:
        if self.is_confirmed():
            return True
        self.ask()
        # Whoever comes later does not wait as long again for a question that is not answered.
        if self._asking is not None and self._is_recent(self._asked_ms, WAITED_FOR):
            await asyncio.wait({self._asking}, timeout=WAITED_FOR.total_seconds())
        return self.is_confirmed()

    def holds(self, number: int, packages: Collection[str]) -> bool:
        return EVERYTHING not in packages and self._changes.hold(number, packages)

    def wrote(self, package: str) -> None:
        self._changes.note((package,))
        self.package_changes += 1

    def wrote_records(self, _owner: str) -> None:
        """Note that this process wrote, or tried to write, a record that is no package's. Those of
        other processes are not followed: whoever keeps such records bounds their age."""
        self._changes.note((RECORDS,))

    async def _ask(self) -> None:
        """Read what changed. If that fails, what was read before stays unconfirmed."""
        began_ms = self._clock.monotonic_ms()
        try:
            if self._positions:
                await self._read_changes()
            else:
                await self._begin()
            self._confirmed_ms = began_ms
        except Unavailable as failure:
            log.warning("edition.unread", reason=str(failure))
        except Exception:  # A position may have become unusable.
            log.exception("edition.lost")
            self._positions = {}
        finally:
            self._asking = None

    async def _begin(self) -> None:
        """Follow the feed from here on; nothing that was read before stands."""
        ranges = await self._source.ranges(PACKAGES)
        pages = await asyncio.gather(*(self._page(range_, "") for range_ in ranges))
        self._positions = {range_: after for range_, (_, after) in zip(ranges, pages, strict=True)}
        self._lose()

    async def _read_changes(self) -> None:
        reads = [self._read_range(*each) for each in self._positions.items()]
        found = await asyncio.gather(*reads)
        if not all(each.is_complete for each in found):
            self._lose()
        self._positions = dict(zip(self._positions, (each.after for each in found), strict=True))

    async def _read_range(self, range_: str, after: str) -> "_RangeChanges":
        """Note the items of a range that changed after the position."""
        for _ in range(MOST_PAGES):
            items, after = await self._page(range_, after)
            self._note(items)
            if not items:
                return _RangeChanges(after, is_complete=True)
        return _RangeChanges(after, is_complete=False)

    async def _page(self, range_: str, after: str) -> tuple[list[Mapping[str, object]], str]:
        return await self._source.changes(PACKAGES, range_, after, ITEMS_AT_ONCE)

    def _note(self, items: Sequence[Mapping[str, object]]) -> None:
        for item in items:
            self.wrote(str(item["pk"]))

    def _lose(self) -> None:
        self._changes.forget()
        self.package_changes += 1

    def _is_recent(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self._clock.monotonic_ms() - since_ms < age // MS
