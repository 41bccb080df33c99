"""Status of the whole registry, for administrators."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared.auth.authorization import Administration
from shared.domain.errors.base import Unavailable
from shared.domain.identity import Principal
from shared.domain.maintenance_tasks import TaskRequest, TaskState
from shared.domain.packages import Head, Release
from shared.domain.rate_limits import RateLimitSubject
from shared.domain.records import PendingEvents
from shared.domain.status import (
    Backlog,
    DiskSpace,
    LimitedCaller,
    RateLimitReport,
    StatusReport,
    TaskOverview,
)
from shared.ports import Clock, DirectoryStore, MetadataStore
from shared.services.accounts import account_names
from shared.services.notices import NoticeCache
from shared.services.rate_limits import RateLimiter
from shared.services.statistics import LastRegistryCounts
from shared.services.upkeep import TaskRequests, Upkeep

MAX_RECORDS_COUNTED = 500  # Of each kind of record: more is a number that helps nobody.
MAX_CALLERS_SHOWN = 50

T = TypeVar("T")


@dataclass(frozen=True)
class RegistryStatus:
    """Looks at the stores and at the tasks; what costs more than a few reads was noted before."""

    administration: Administration
    upkeep: Upkeep
    task_requests: TaskRequests
    rate_limiter: RateLimiter
    metadata: MetadataStore
    directory: DirectoryStore
    last_counts: LastRegistryCounts
    notice_cache: NoticeCache
    room: Callable[[], DiskSpace | None] | None
    clock: Clock

    async def report(self, by: Principal) -> StatusReport:
        """Return how the registry is; stores that do not answer are part of that."""
        await self.administration.require(by, "see", "how the registry is")
        standings, backlog, counted = await asyncio.gather(
            _if_answered(self.upkeep.task_states()),
            _if_answered(self._backlog()),
            _if_answered(self.last_counts.read()),
        )
        return StatusReport(
            at_ms=self.clock.now_ms(),
            tasks=None if standings is None else tuple(standings),
            backlog=backlog,
            counts=counted,
            disk_space=self.room() if self.room else None,
            read_only=(await self.notice_cache.current()).read_only,
        )

    async def tasks(self, by: Principal) -> tuple[TaskOverview, ...]:
        """Return every task, and who wants which to run now."""
        await self.administration.require(by, "see", "the tasks of upkeep")
        standings, wishes = await asyncio.gather(
            self.upkeep.task_states(), self.task_requests.pending()
        )
        asked = {each.task: each for each in wishes}
        names = await account_names(self.directory, (each.asked_by for each in wishes))
        return tuple(_task(each, asked.get(each.task), names) for each in standings)

    async def rate_limits(self, by: Principal) -> RateLimitReport:
        """Return how fast everybody may be, and who has to wait as far as this process knows."""
        await self.administration.require(by, "see", "who has to wait")
        waits = self.rate_limiter.waiting()
        shown = waits[:MAX_CALLERS_SHOWN]
        accounts = (each.key for each in shown if each.subject is RateLimitSubject.ACCOUNT)
        names = await account_names(self.directory, accounts)
        waiters = tuple(LimitedCaller(each, names.get(each.key, each.key)) for each in shown)
        return RateLimitReport(self.rate_limiter.rules, waiters, len(waits))

    async def _backlog(self) -> Backlog:
        most = MAX_RECORDS_COUNTED
        records, entities = await asyncio.gather(
            self.metadata.unpublished_events(most), self.directory.unpublished(most)
        )
        waiting: list[Head | Release | PendingEvents] = [*records, *entities]
        count = min(len(waiting), most)
        is_more = max(len(records), len(entities)) == most
        oldest = min((event.at_ms for each in waiting for event in each.outbox), default=None)
        return Backlog(count, is_more, oldest)


def _task(standing: TaskState, wish: TaskRequest | None, names: Mapping[str, str]) -> TaskOverview:
    asked_by = names.get(wish.asked_by, "an account that is gone") if wish else ""
    return TaskOverview(standing, wish, asked_by)


async def _if_answered(question: Awaitable[T]) -> T | None:
    try:
        return await question
    except Unavailable:
        return None
