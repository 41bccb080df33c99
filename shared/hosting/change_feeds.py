"""Change feeds: one process passes batches of changed items to their Functions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from azure.functions import Document, DocumentList
from msgspec.structs import replace

from shared.domain.errors.base import Unavailable
from shared.hosting.triggers import ChangeFeedFunction
from shared.log import log
from shared.ports import ChangeSource, Clock, Lease

Sleep = Callable[[float], Awaitable[object]]

LEASE_MS = 60_000  # When another process takes over from one that died.


class ChangeFeeds:
    """Calls the Functions of an app with changed items."""

    def __init__(
        self,
        functions: Sequence[ChangeFeedFunction],
        source: ChangeSource,
        clock: Clock,
        owner: str,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`owner` names this process; no other process uses the name."""
        self._functions = functions
        self._source = source
        self._clock = clock
        self._owner = owner
        self._sleep = sleep

    async def run(self) -> None:
        """Read every feed until cancelled."""
        async with asyncio.TaskGroup() as group:
            for each in self._functions:
                group.create_task(self._follow(each))

    async def poll(self, function: ChangeFeedFunction) -> bool:
        """Pass on one batch of each range that this process holds; say whether there was any."""
        ranges = await self._source.ranges(function.container)
        return any([await self._pass_on(function, each) for each in ranges])

    async def _follow(self, function: ChangeFeedFunction) -> None:
        while True:
            try:
                is_more = await self.poll(function)
            except Unavailable as failure:
                log.warning("feed.unread", function=function.name, reason=str(failure))
                is_more = False
            except Exception:  # Nobody starts a follower again that ended.
                log.exception("feed.failed", function=function.name)
                is_more = False
            if not is_more:
                await self._sleep(function.poll_seconds)

    async def _pass_on(self, function: ChangeFeedFunction, range_: str) -> bool:
        name = f"{function.name}.{range_}"
        lease = await self._take_lease(function, name)
        if lease is None:
            return False
        items, after = await self._source.changes(
            function.container, range_, lease.after, function.most
        )
        if items and not await self._is_done(function, DocumentList(map(Document, items))):
            return False  # The same batch is read again.
        if after != lease.after:
            await self._source.take(function.leases, name, replace(lease, after=after))
        return bool(items)

    async def _take_lease(self, function: ChangeFeedFunction, name: str) -> Lease | None:
        """Take or renew the lease; return None if another process holds it."""
        now_ms = self._clock.now_ms()
        found = await self._source.lease(function.leases, name)
        if found is not None and found.owner != self._owner and found.until_ms > now_ms:
            return None
        held = found or Lease(self._owner, 0, "")
        mine = replace(held, owner=self._owner, until_ms=now_ms + LEASE_MS)
        return await self._source.take(function.leases, name, mine)

    async def _is_done(self, function: ChangeFeedFunction, batch: DocumentList) -> bool:
        """Call the Function, and say whether the next batch may follow."""
        try:
            await function.call(batch)
        except Exception:
            log.exception("function.failed", function=function.name)
            return not function.is_repeated
        return True
