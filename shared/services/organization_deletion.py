"""Deletion of organizations that never published a package.

A deletion can be cancelled for two days; a day later the name is free again.
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
from shared.services.members import Actor, OrganizationMembers
from shared.services.records import EntityChange, RecordWriter, all_entities, package_batches
from shared.services.upkeep import TaskReport

# A push that started before the deletion ends long before that.
NAME_FREE_AFTER = timedelta(days=1)
PACKAGES_READ_AT_ONCE = 100  # Packages of one read; a claimed name without a release is rare.


@dataclass(frozen=True, slots=True)
class OrganizationDeletion:
    """Deletes organizations, and releases the names of those that never had a package."""

    authorization: Authorization
    directory: DirectoryStore
    metadata: MetadataStore
    organization_members: OrganizationMembers
    record_writer: RecordWriter

    async def delete(self, org: OrgName, *, by: Principal) -> Organization:
        """Schedule the deletion for two days later; at once for the operator and administrators.

        Nobody can publish to the organization meanwhile. Raises `OrganizationNotEmpty`.
        """

        async def attempt() -> Organization:
            actor, organization = await self._require_owner(org, by)
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
            mail_text = mail.organization_deletion_mail(
                organization.name,
                by=actor.name,
                at_ms=at_ms,
                link=self.organization_members.organization_url(org),
            )
            return await self._write(organization, at_ms, mail_text, by)

        return await retry_when_stale(attempt)

    async def cancel(self, org: OrgName, *, by: Principal) -> Organization:
        """Cancel a scheduled deletion, or raise `NotClosing`."""

        async def attempt() -> Organization:
            actor, organization = await self._require_owner(org, by)
            if organization.deleting_ms is None:
                raise NotClosing(organization.name)
            link = self.organization_members.organization_url(org)
            mail_text = mail.organization_deletion_cancelled_mail(
                organization.name, by=actor.name, link=link
            )
            return await self._write(organization, None, mail_text, by)

        return await retry_when_stale(attempt)

    async def run(self) -> TaskReport:
        """Restore deleted organizations that got a package by a push that started before; release
        the names of the others; delete organizations without owners.

        A failure does not stop the run; the next run tries again.
        """
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
        return TaskReport("keep", len(due), changed, tuple(problems))

    async def _process(self, organization: Organization, released_before_ms: int) -> bool:
        """Restore the organization, delete it, or release its name; say whether anything
        changed."""
        if organization.deleting_ms is None:
            return await self._delete_if_orphaned(organization)
        if await self._package_of(organization) is not None:
            await self._restore(organization)
            return True
        return organization.is_deleted_at(released_before_ms) and await self._release(organization)

    async def _delete_if_orphaned(self, organization: Organization) -> bool:
        """Delete the organization at once if the accounts of all members are deleted.

        Raises `OwnerMissing` where a member who is not an owner is left, or a package.
        """
        members = await self.directory.list_by_owner(Membership, organization.key)
        existing = [
            each for each in members if await self.directory.get(Account, Place(each.account))
        ]
        now_ms = self.record_writer.clock.now_ms()
        if any(each.role_at(now_ms) is Role.OWNER for each in existing):
            return False
        if existing or await self._package_of(organization) is not None:
            raise OwnerMissing(organization.name)
        name, details = organization.name, {"before": "", "after": _text(now_ms)}
        change = EntityChange("organization.deleting", name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": now_ms})
        await self.record_writer.replace(changed, change=change, by=UPKEEP)
        return True

    async def _release(self, organization: Organization) -> bool:
        """Delete all records of the organization, its own last, which frees the name.

        A later organization of this name inherits no members, tokens, publishers or domains. An
        organization with a claimed package name stays forever. A repeat continues after a crash.
        """
        prefix = f"{organization.key}/"
        heads = await self.metadata.packages(prefix, 1)
        if any(head.package.key.startswith(prefix) for head in heads):
            return False
        for entity in await self._records_of(organization):
            await self.directory.remove(entity)
        name = organization.name
        change = EntityChange("organization.released", name, org=name)
        await self.record_writer.remove(organization, change=change, by=UPKEEP)
        return True

    async def _records_of(self, organization: Organization) -> list[Entity]:
        found: list[Entity] = []
        for kind in (Token, TokenUse, LineageRecord, StolenToken):
            found += await self.directory.list_by_owner(kind, organization.id)
        for kind in (Publisher, Membership, Invitation, OrganizationDomain, NameSkeleton):
            found += await self.directory.list_by_owner(kind, organization.key)
        return found

    async def _restore(self, organization: Organization) -> None:
        name = organization.name
        link = self.organization_members.organization_url(name)
        mail_text = mail.organization_deletion_cancelled_mail(
            name, by="A package that was published", link=link
        )
        with suppress(Stale):  # Somebody cancelled the deletion meanwhile.
            await self._write(organization, None, mail_text, UPKEEP)

    async def _require_owner(self, org: OrgName, by: Principal) -> tuple[Actor, Organization]:
        access = await self.authorization.require_within(by, Action.GOVERN, org)
        return Actor(by, access), access.require_organization(org)

    async def _write(
        self, organization: Organization, at_ms: int | None, mail_text: MailText, by: Principal
    ) -> Organization:
        members = await self.organization_members.read(organization)
        name = organization.name
        kind = "organization.kept" if at_ms is None else "organization.deleting"
        details = {"before": _text(organization.deleting_ms), "after": _text(at_ms)}
        change = EntityChange(kind, name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": at_ms})
        with_events = self.organization_members.with_owner_events(changed, members, change, by)
        stored = await self.record_writer.replace(with_events, change=change, by=by)
        await self.organization_members.notify_owners(members, mail_text)
        return stored

    async def _package_of(self, organization: Organization) -> Package | None:
        """Return a package of the organization with a release in any state."""
        prefix = f"{organization.key}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for head in heads:
                if await self.metadata.releases(head.package):
                    return head.package
        return None


def _text(at_ms: int | None) -> str:
    return "" if at_ms is None else str(at_ms)
