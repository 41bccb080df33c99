"""Finishes deletions of organizations, and deletes what has expired.

Organizations that got a package by a push that started before are restored, the names of the others
are released, and organizations without owners are deleted.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, Refusal
from shared.domain.identity import UPKEEP
from shared.domain.members import Invitation, Membership
from shared.domain.mirroring import NameOwner
from shared.domain.organizations import NameSkeleton, Organization
from shared.domain.records import Entity, Place
from shared.domain.rights import Role
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.domain.tokens import EXPIRED_KEPT_FOR, Token, TokenUse
from shared.domain.trusted_publishing.publishers import Publisher
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, Stale, WorkStore
from shared.services.maintenance.task import Task
from shared.services.organizations.organization_deletion import OrganizationDeletion
from shared.services.records import RECORDS_AT_ONCE, EntityChange, RecordWriter, all_entities

# A push that started before the deletion ends long before that.
NAME_FREE_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class FinishDeletions(Task):
    id = "finish-deletions"
    title = "Finish deletions of organizations"
    sentence = (
        "Releases the names of deleted organizations after a day, and cancels the deletion if a "
        "push in progress published a package."
    )
    schedule = "0 15 */6 * * *"

    directory: DirectoryStore
    metadata: MetadataStore
    record_writer: RecordWriter
    organization_deletion: OrganizationDeletion

    async def run(self) -> TaskReport:
        """Process each organization; the next run repeats what failed."""
        released_before_ms = self.record_writer.clock.now_ms() - NAME_FREE_AFTER // timedelta(
            milliseconds=1
        )
        organizations = await all_entities(self.directory, Organization)
        accounts = {each.id for each in await all_entities(self.directory, Account)}
        due = [
            each
            for each in organizations
            if each.deleting_ms is not None
            or (each.founder not in accounts and each.created_ms <= released_before_ms)
        ]
        changed, problems = 0, list[str]()
        for each in due:
            try:
                changed += await self._process(each, released_before_ms)
            except Refusal as refusal:
                problems.append(f"{each.name}: {refusal}")
            except Stale:
                problems.append(f"{each.name}: it was changed meanwhile.")
        return TaskReport(len(due), changed, tuple(problems))

    async def _process(self, organization: Organization, released_before_ms: int) -> bool:
        """Restore the organization, delete it, or release its name; say whether anything
        changed."""
        if organization.deleting_ms is None:
            return await self._delete_if_orphaned(organization)
        if await self.organization_deletion.package_of(organization) is not None:
            await self.organization_deletion.restore(organization)
            return True
        return organization.is_deleted_at(released_before_ms) and await self._release(organization)

    async def _delete_if_orphaned(self, organization: Organization) -> bool:
        """Delete the organization at once if the accounts of all members are deleted.

        Raises `owner-missing` where a member who is not an owner is left, or a package.
        """
        members = await self.directory.list_by_owner(Membership, organization.key)
        existing = [
            each for each in members if await self.directory.get(Account, Place(each.account))
        ]
        now_ms = self.record_writer.clock.now_ms()
        if any(each.role_at(now_ms) is Role.OWNER for each in existing):
            return False
        if existing or await self.organization_deletion.package_of(organization) is not None:
            raise Conflict(
                "owner-missing",
                f"The owners of {organization.name} have all deleted their accounts. The operator "
                f"gives it another owner: org add-member {organization.name} ACCOUNT --role owner.",
            )
        name, details = organization.name, {"before": "", "after": str(now_ms)}
        change = EntityChange("organization.deleting", name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": now_ms})
        await self.record_writer.replace(changed, change=change, by=UPKEEP)
        return True

    async def _release(self, organization: Organization) -> bool:
        """Delete all records of the organization, its own last, which frees the name for another
        organization of ours.

        A later organization of this name inherits no members, tokens or publishers. An
        organization with a claimed package name stays forever. A repeat continues after a crash.
        """
        prefix = f"{organization.key}/"
        heads = await self.metadata.packages(prefix, 1)
        if any(head.package.key.startswith(prefix) for head in heads):
            return False
        for entity in await self._records_of(organization):
            await self.directory.remove(entity)
        name, since_ms = organization.name, organization.created_ms
        # The name stays ours: nobody gets packages of an upstream by it.
        await self.directory.put(NameOwner(org=name, since_ms=since_ms))
        change = EntityChange("organization.released", name, org=name)
        await self.record_writer.remove(organization, change=change, by=UPKEEP)
        return True

    async def _records_of(self, organization: Organization) -> list[Entity]:
        found: list[Entity] = []
        for kind in (Token, TokenUse):
            found += await self.directory.list_by_owner(kind, organization.id)
        for kind in (Publisher, Membership, Invitation, NameSkeleton):
            found += await self.directory.list_by_owner(kind, organization.key)
        return found


@dataclass(frozen=True)
class AnonymizeEvents(Task):
    id = "anonymize-events"
    title = "Anonymize old events"
    sentence = "Removes IP address and credential from events after their retention period."
    schedule = "0 50 3 * * *"

    events: EventStore
    clock: Clock
    audit_days: int

    async def run(self) -> TaskReport:
        """Anonymize in batches, so that no write is long."""
        age = timedelta(days=self.audit_days)
        before_ms = self.clock.now_ms() - age // MS
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, RECORDS_AT_ONCE):
            forgotten += count
        return TaskReport(forgotten, forgotten)


@dataclass(frozen=True)
class DeleteExpiredRecords(Task):
    id = "delete-expired-records"
    title = "Delete expired records"
    sentence = "Deletes expired tokens, codes, invitations and counts."
    schedule = "30 7 * * * *"

    directory: DirectoryStore
    work: WorkStore
    clock: Clock

    async def run(self) -> TaskReport:
        now_ms = self.clock.now_ms()
        removed = await self.directory.remove_expired(now_ms - EXPIRED_KEPT_FOR // MS)
        removed += await self.work.remove_expired(now_ms)
        return TaskReport(removed, removed)
