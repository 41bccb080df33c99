"""Deletion of organizations that never published anything, which can be undone for two days.

A day after the deletion the name is free again: nobody ever built with it.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.domain import mail
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.organizations import NotClosing, OrganizationNotEmpty, OwnerMissing
from shared.domain.identity import UPKEEP, Principal
from shared.domain.mail import MailText
from shared.domain.members import OWNER_CHANGE_DELAY, Invitation, Membership
from shared.domain.names import OrgName, Package
from shared.domain.organizations import NameSkeleton, Organization, OrganizationDomain
from shared.domain.records import Entity, Place
from shared.domain.rights import Action, Role
from shared.domain.tokens import LineageRecord, StolenToken, Token, TokenUse
from shared.domain.trusted_publishing.publishers import Publisher
from shared.ports import DirectoryStore, MetadataStore, Stale
from shared.retries import retry_when_stale
from shared.services.members import Actor, MemberChanges, OrganizationMembers
from shared.services.records import EntityChange, RecordWriter, all_entities, package_batches
from shared.services.upkeep import TaskReport

# A push that was under way when the operator deleted the organization ends long before.
NAME_FREE_AFTER = timedelta(days=1)
ORGANIZATIONS_AT_ONCE = 100  # Packages a read; a claimed name without a release is rare.


@dataclass(frozen=True, slots=True)
class OrganizationDeletion:
    """Deletes organizations, and releases the names of those that never had a package."""

    authorization: Authorization
    directory: DirectoryStore
    metadata: MetadataStore
    organization_members: OrganizationMembers
    record_writer: RecordWriter
    changes: MemberChanges

    async def delete(self, org: OrgName, *, by: Principal) -> Organization:
        """Let the organization end after the cooling-off, at once for the operator.

        Nobody publishes to it meanwhile. Raises `OrganizationNotEmpty`.
        """

        async def attempt() -> Organization:
            actor, organization = await self._governed(org, by)
            if organization.deleting_ms is not None and not actor.is_operator_or_administrator:
                return organization  # A repeat.
            package = await self._package_of(organization)
            if package is not None:
                raise OrganizationNotEmpty(organization.name, str(package))
            wait_ms = (
                0
                if actor.is_operator_or_administrator
                else OWNER_CHANGE_DELAY // timedelta(milliseconds=1)
            )
            at_ms = self.record_writer.clock.now_ms() + wait_ms
            letter = mail.organization_deletion_mail(
                organization.name,
                by=actor.name,
                at_ms=at_ms,
                link=self.changes.organization_url(org),
            )
            return await self._write(organization, at_ms, letter, by)

        return await retry_when_stale(attempt)

    async def cancel(self, org: OrgName, *, by: Principal) -> Organization:
        """Keep the organization after all; raise `NotClosing` when nobody deletes it."""

        async def attempt() -> Organization:
            actor, organization = await self._governed(org, by)
            if organization.deleting_ms is None:
                raise NotClosing(organization.name)
            link = self.changes.organization_url(org)
            letter = mail.organization_deletion_cancelled_mail(
                organization.name, by=actor.name, link=link
            )
            return await self._write(organization, None, letter, by)

        return await retry_when_stale(attempt)

    async def run(self) -> TaskReport:
        """Keep organizations that have a package after all, also those that are gone: its push was
        under way before. Release the names of those that are gone and never had one. Delete those
        that nobody owns any more.

        One that cannot be finished now keeps no other one waiting; the next run repeats it.
        """
        over_ms = self.record_writer.clock.now_ms() - NAME_FREE_AFTER // timedelta(milliseconds=1)
        organizations = await all_entities(self.directory, Organization)
        accounts = {each.id for each in await all_entities(self.directory, Account)}
        due = [
            each
            for each in organizations
            if each.deleting_ms is not None
            or (each.founder not in accounts and each.created_ms <= over_ms)
        ]
        changed, problems = 0, list[str]()
        for each in due:
            try:
                changed += await self._settle(each, over_ms)
            except Refusal as refusal:
                problems.append(f"{each.name}: {refusal}")
            except Stale:
                problems.append(f"{each.name}: it was changed meanwhile.")
        return TaskReport("keep", len(due), changed, tuple(problems))

    async def _settle(self, organization: Organization, over_ms: int) -> bool:
        """Keep the organization, delete it, or release its name; say whether any was due."""
        if organization.deleting_ms is None:
            return await self._delete_if_orphaned(organization)
        if await self._package_of(organization) is not None:
            await self._keep(organization)
            return True
        return organization.is_deleted_at(over_ms) and await self._release(organization)

    async def _delete_if_orphaned(self, organization: Organization) -> bool:
        """Delete the organization at once if the accounts of all its members are gone.

        Raises `OwnerMissing` where somebody is left who does not own it, or a package.
        """
        members = await self.directory.of(Membership, organization.key)
        living = [
            each for each in members if await self.directory.get(Account, Place(each.account))
        ]
        now_ms = self.record_writer.clock.now_ms()
        if any(each.role_at(now_ms) is Role.OWNER for each in living):
            return False
        if living or await self._package_of(organization) is not None:
            raise OwnerMissing(organization.name)
        name, details = organization.name, {"before": "", "after": _shown(now_ms)}
        change = EntityChange("organization.deleting", name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": now_ms})
        await self.record_writer.replace(changed, change=change, by=UPKEEP)
        return True

    async def _release(self, organization: Organization) -> bool:
        """Remove everything of the organization, and its record last: then the name is free.

        So nobody who founds it anew inherits members, tokens, publishers or domains. One that has
        so much as the name of a package stays as it is, for ever. A repeat goes on where a crash
        has stopped.
        """
        prefix = f"{organization.key}/"
        heads = await self.metadata.packages(prefix, 1)
        if any(head.package.key.startswith(prefix) for head in heads):
            return False
        for entity in await self._belongings(organization):
            await self.directory.remove(entity)
        name = organization.name
        change = EntityChange("organization.released", name, org=name)
        await self.record_writer.remove(organization, change=change, by=UPKEEP)
        return True

    async def _belongings(self, organization: Organization) -> list[Entity]:
        found: list[Entity] = []
        for kind in (Token, TokenUse, LineageRecord, StolenToken):
            found += await self.directory.of(kind, organization.id)
        for kind in (Publisher, Membership, Invitation, OrganizationDomain, NameSkeleton):
            found += await self.directory.of(kind, organization.key)
        return found

    async def _keep(self, organization: Organization) -> None:
        name = organization.name
        link = self.changes.organization_url(name)
        letter = mail.organization_deletion_cancelled_mail(
            name, by="A package that was published", link=link
        )
        with suppress(Stale):  # Somebody kept it meanwhile.
            await self._write(organization, None, letter, UPKEEP)

    async def _governed(self, org: OrgName, by: Principal) -> tuple[Actor, Organization]:
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        return Actor(by, standing), standing.require_organization(org)

    async def _write(
        self, organization: Organization, at_ms: int | None, letter: MailText, by: Principal
    ) -> Organization:
        roster = await self.organization_members.read(organization)
        name = organization.name
        kind = "organization.kept" if at_ms is None else "organization.deleting"
        details = {"before": _shown(organization.deleting_ms), "after": _shown(at_ms)}
        change = EntityChange(kind, name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": at_ms})
        noticed = self.changes.with_owner_events(changed, roster, change, by)
        stored = await self.record_writer.replace(noticed, change=change, by=by)
        await self.changes.notify_owners(roster, letter)
        return stored

    async def _package_of(self, organization: Organization) -> Package | None:
        """Return a package of the organization that has a release, whatever became of it."""
        batches = package_batches(
            self.metadata, ORGANIZATIONS_AT_ONCE, prefix=f"{organization.key}/"
        )
        async for heads in batches:
            for head in heads:
                if await self.metadata.releases(head.package):
                    return head.package
        return None


def _shown(at_ms: int | None) -> str:
    return "" if at_ms is None else str(at_ms)
