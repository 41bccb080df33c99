"""Overseeing: how the registry is, for those who run it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from shared.auth.administration import Administration
from shared.domain.entity import Waiting
from shared.domain.errors import Unavailable
from shared.domain.identity import Principal
from shared.domain.oversight import Backlog, Overview
from shared.domain.package import Head, Release
from shared.ports import Clock, DirectoryStore, MetadataStore
from shared.services.upkeep import Upkeep

MOST_COUNTED = 500  # Of each kind of record: more is a number that helps nobody.

T = TypeVar("T")


@dataclass(frozen=True)
class Overseeing:
    """Looks at the stores and at the tasks; what costs more than a few reads was noted before."""

    administration: Administration
    upkeep: Upkeep
    metadata: MetadataStore
    directory: DirectoryStore
    clock: Clock

    async def look(self, by: Principal) -> Overview:
        """Return how the registry is; stores that do not answer are part of that."""
        await self.administration.require(by, "see", "how the registry is")
        standings, backlog = await asyncio.gather(
            _if_answered(self.upkeep.standings()), _if_answered(self._backlog())
        )
        known = None if standings is None else tuple(standings)
        return Overview(self.clock.now_ms(), known, backlog)

    async def _backlog(self) -> Backlog:
        most = MOST_COUNTED
        records, entities = await asyncio.gather(
            self.metadata.unpublished_events(most), self.directory.unpublished(most)
        )
        waiting: list[Head | Release | Waiting] = [*records, *entities]
        count = min(len(waiting), most)
        is_more = max(len(records), len(entities)) == most
        oldest = min((event.at_ms for each in waiting for event in each.outbox), default=None)
        return Backlog(count, is_more, oldest)


async def _if_answered(question: Awaitable[T]) -> T | None:
    try:
        return await question
    except Unavailable:
        return None
