"""Overseeing: how the registry is, for those who run it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared.auth.administration import Administration
from shared.domain.entity import Waiting
from shared.domain.errors import Unavailable
from shared.domain.identity import Principal
from shared.domain.oversight import Backlog, Overview, Pace, Room, Task, Waiter
from shared.domain.package import Head, Release
from shared.domain.rates import Subject
from shared.domain.runs import Standing
from shared.domain.wishes import Wish
from shared.ports import Clock, DirectoryStore, MetadataStore
from shared.services.bulletins import Bulletins
from shared.services.censuses import Censuses
from shared.services.finding import names_of
from shared.services.limiting import Limiting
from shared.services.upkeep import Upkeep
from shared.services.wishing import Wishing

MOST_COUNTED = 500  # Of each kind of record: more is a number that helps nobody.
MOST_WAITING = 50

T = TypeVar("T")


@dataclass(frozen=True)
class Overseeing:
    """Looks at the stores and at the tasks; what costs more than a few reads was noted before."""

    administration: Administration
    upkeep: Upkeep
    wishing: Wishing
    limiting: Limiting
    metadata: MetadataStore
    directory: DirectoryStore
    censuses: Censuses
    bulletins: Bulletins
    room: Callable[[], Room | None] | None
    clock: Clock

    async def look(self, by: Principal) -> Overview:
        """Return how the registry is; stores that do not answer are part of that."""
        await self.administration.require(by, "see", "how the registry is")
        standings, backlog, counted = await asyncio.gather(
            _if_answered(self.upkeep.standings()),
            _if_answered(self._backlog()),
            _if_answered(self.censuses.last()),
        )
        return Overview(
            at_ms=self.clock.now_ms(),
            standings=None if standings is None else tuple(standings),
            backlog=backlog,
            counted=counted,
            room=self.room() if self.room else None,
            read_only=(await self.bulletins.current()).read_only,
        )

    async def tasks(self, by: Principal) -> tuple[Task, ...]:
        """Return every task, and who wants which to run now."""
        await self.administration.require(by, "see", "the tasks of upkeep")
        standings, wishes = await asyncio.gather(self.upkeep.standings(), self.wishing.waiting())
        asked = {each.task: each for each in wishes}
        names = await names_of(self.directory, (each.asked_by for each in wishes))
        return tuple(_task(each, asked.get(each.task), names) for each in standings)

    async def pace(self, by: Principal) -> Pace:
        """Return how fast everybody may be, and who has to wait as far as this process knows."""
        await self.administration.require(by, "see", "who has to wait")
        waits = self.limiting.waiting()
        shown = waits[:MOST_WAITING]
        accounts = (each.key for each in shown if each.subject is Subject.ACCOUNT)
        names = await names_of(self.directory, accounts)
        waiters = tuple(Waiter(each, names.get(each.key, each.key)) for each in shown)
        return Pace(self.limiting.rules, waiters, len(waits))

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


def _task(standing: Standing, wish: Wish | None, names: Mapping[str, str]) -> Task:
    asked_by = names.get(wish.asked_by, "an account that is gone") if wish else ""
    return Task(standing, wish, asked_by)


async def _if_answered(question: Awaitable[T]) -> T | None:
    try:
        return await question
    except Unavailable:
        return None
