"""Task `finish-deletions`, every 6 hours at minute 15: releases the names of deleted organizations
after a day, and cancels a deletion if a push in progress published a package."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.domain.advisories.followers import ToldOrganization
from shared.domain.entities import AdditionCount, Entity
from shared.domain.errors.base import Refusal
from shared.domain.invitations import Invitation
from shared.domain.memberships import Membership
from shared.domain.name_disputes import NameDispute
from shared.domain.organizations import NameOwner, NameSkeleton, Organization
from shared.domain.ownership import OwnerlessOrganization, OwnershipRequest
from shared.domain.principals import MAINTENANCE
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.tokens import Token, TokenUse
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import DeliveryLog, Webhook
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.following.forgetting import remove_followers
from shared.services.maintenance.tasks import Task
from shared.services.organizations.organizations import OrganizationDeletion
from shared.services.record_batches import all_entities

SCHEDULE = "0 15 */6 * * *"

# A push that started before the deletion ends long before that.
NAME_FREE_AFTER = timedelta(days=1)

# The kinds of records that belong to an organization, by its id and by its key. A test fails for a
# kind that is neither here nor among those that it says stay.
KINDS_BY_ID: tuple[type[Entity], ...] = (Token, TokenUse)
KINDS_BY_KEY: tuple[type[Entity], ...] = (
    Publisher,
    Membership,
    Invitation,
    NameSkeleton,
    Webhook,
    DeliveryLog,
    OwnerlessOrganization,
    OwnershipRequest,
    ToldOrganization,
    NameDispute,
    AdditionCount,
)


class FinishDeletions(Task, frozen=True):
    id = "finish-deletions"
    title = "Finish deletions of organizations"
    sentence = (
        "Releases the names of deleted organizations after a day, and cancels the deletion if a "
        "push in progress published a package."
    )
    schedule = SCHEDULE

    directory: DirectoryStore
    metadata: MetadataStore
    audited_writer: AuditedWriter
    clock: Clock
    organization_deletion: OrganizationDeletion
    remove_group_rules_of: Callable[[Organization], Awaitable[None]]

    async def run(self) -> TaskReport:
        """Process each organization; the next run repeats what failed."""
        released_before_ms = self.clock.now_ms() - NAME_FREE_AFTER // MS
        organizations = await all_entities(self.directory, Organization)
        due = [each for each in organizations if each.deleting_ms is not None]
        changed = 0
        problems = list[str]()
        for each in due:
            try:
                changed += await self._process(each, released_before_ms)
            except Refusal as refusal:
                problems.append(f"{each.name}: {refusal}")
            except Stale:
                problems.append(f"{each.name}: it was changed meanwhile.")
        return TaskReport(len(due), changed, tuple(problems))

    async def _process(self, organization: Organization, released_before_ms: int) -> bool:
        """Restore the organization, or release its name; say whether anything changed."""
        if await self.organization_deletion.package_of(organization) is not None:
            await self.organization_deletion.restore(organization)
            return True
        return organization.is_deleted_at(released_before_ms) and await self._release(organization)

    async def _release(self, organization: Organization) -> bool:
        """Delete all records of the organization, its own last, which frees the name for another
        organization of ours.

        A later organization of this name inherits no members, tokens or publishers, and no rule
        about groups gives anybody a role in it. An organization with a claimed package name stays
        forever. A repeat continues after a crash.
        """
        prefix = f"{organization.key}/"
        heads = await self.metadata.packages(prefix, 1)
        if any(head.key.startswith(prefix) for head in heads):
            return False
        for entity in await self._records_of(organization):
            await self.directory.remove(entity)
        await self.remove_group_rules_of(organization)
        await remove_followers(self.directory, organization.key)
        name = organization.name
        since_ms = organization.created_ms
        # The name stays ours: nobody gets packages of an upstream by it.
        await self.directory.put(NameOwner(org=name, since_ms=since_ms))
        change = EntityChange("organization.released", name, org=name)
        await self.audited_writer.remove(organization, change=change, by=MAINTENANCE)
        return True

    async def _records_of(self, organization: Organization) -> list[Entity]:
        found: list[Entity] = []
        for kind in KINDS_BY_ID:
            found += await self.directory.list_by_owner(kind, organization.id)
        for kind in KINDS_BY_KEY:
            found += await self.directory.list_by_owner(kind, organization.key)
        return found
