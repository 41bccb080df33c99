"""Status of the whole registry, for administrators."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.entities import PendingEvents
from shared.domain.errors.base import Unavailable
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.product_releases import ProductRelease
from shared.domain.status import Backlog, DiskSpace, StatusProblem, StatusReport
from shared.domain.tasks import TaskState
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.administration.directory_locks import DirectoryLocks, waiting_problem
from shared.services.administration.second_administrator import SecondAdministrator
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.limits.notices import NoticeCache
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from shared.services.maintenance.tasks import TaskRunner, require_task
from shared.services.organizations.ownership import OwnerlessOrganizations, ownerless_problem
from shared.services.packages.statistics import LastRegistryCounts

# Records of each kind that are counted; a larger backlog is shown as this number or more.
MAX_RECORDS_COUNTED = 500

T = TypeVar("T")


class RegistryStatus(Struct, frozen=True):
    """Reports the status of the registry from a few reads, and from the last counts."""

    registry_authorization: RegistryAuthorization
    task_runner: TaskRunner
    metadata: MetadataStore
    directory: DirectoryStore
    audited_writer: AuditedWriter
    last_counts: LastRegistryCounts
    notice_cache: NoticeCache
    directory_locks: DirectoryLocks
    ownerless_organizations: OwnerlessOrganizations
    second_administrator: SecondAdministrator
    provisioning_problems: Callable[[], Awaitable[Sequence[StatusProblem]]]
    newer_releases: Callable[[], Awaitable[Sequence[ProductRelease]]]
    disk_space: Callable[[], DiskSpace | None] | None
    clock: Clock

    async def report(self, by: Principal) -> StatusReport:
        """Return the status of the registry; its parts are None for stores that do not answer."""
        await self.registry_authorization.require_auditor(by, "see", "how the registry is")
        task_states, backlog, counts, to_decide, newer = await asyncio.gather(
            _if_available(self.task_runner.task_states()),
            _if_available(self._backlog()),
            _if_available(self.last_counts.read()),
            _if_available(self._to_decide()),
            _if_available(self.newer_releases()),
        )
        return StatusReport(
            at_ms=self.clock.now_ms(),
            tasks=None if task_states is None else tuple(task_states),
            backlog=backlog,
            counts=counts,
            disk_space=self.disk_space() if self.disk_space else None,
            read_only=(await self.notice_cache.current()).read_only,
            to_decide=tuple(to_decide or ()),
            newer=tuple(newer or ()),
        )

    async def tasks(self, by: Principal) -> list[TaskState]:
        """Return the state of every task."""
        await self.registry_authorization.require_auditor(by, "see", "the maintenance tasks")
        states, requested = await asyncio.gather(
            self.task_runner.task_states(),
            self.task_runner.requests.read(self.task_runner.tasks.values()),
        )
        return [replace(each, requested_ms=requested.get(each.task)) for each in states]

    async def run_soon(self, task_id: str, *, by: Principal) -> None:
        """Let the next timer run a task; a repeat changes nothing.

        Raises `InvalidRequest` if there is no such task, and `SignInAgain`.
        """
        await self.registry_authorization.require_fresh(by, "run", "maintenance tasks")
        task = require_task(self.task_runner.tasks, task_id)
        if await self.task_runner.requests.add(task):
            change = EntityChange(
                "task.asked", "registry", account=by.id, details={"name": task.id}
            )
            await self.audited_writer.append(change, by=by)

    async def _to_decide(self) -> list[StatusProblem]:
        waiting = await self.directory_locks.waiting()
        ownerless = await self.ownerless_organizations.stored()
        found = [waiting_problem(waiting)] if waiting else []
        found += await self.second_administrator.problems()
        found += await self.provisioning_problems()
        return [*found, *([ownerless_problem(ownerless)] if ownerless else [])]

    async def _backlog(self) -> Backlog:
        records, entities = await asyncio.gather(
            self.metadata.records_with_outbox(MAX_RECORDS_COUNTED),
            self.directory.outboxes(MAX_RECORDS_COUNTED),
        )
        pending: list[Head | Release | PendingEvents] = [*records, *entities]
        count = min(len(pending), MAX_RECORDS_COUNTED)
        is_more = max(len(records), len(entities)) == MAX_RECORDS_COUNTED
        oldest_ms = min((event.at_ms for each in pending for event in each.outbox), default=None)
        return Backlog(count, is_more, oldest_ms, ProcessOutboxes.id)


async def _if_available(read: Awaitable[T]) -> T | None:
    try:
        return await read
    except Unavailable:
        return None
