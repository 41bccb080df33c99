"""Deletion of organizations that never published a package.

A deletion can be cancelled for two days; a day later the name is free again.
"""

from contextlib import suppress
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain import mail
from shared.domain.errors.base import Conflict
from shared.domain.identity import UPKEEP, Principal
from shared.domain.mail import MailText
from shared.domain.member_rules import OWNER_CHANGE_DELAY
from shared.domain.names import OrgName, Package
from shared.domain.organizations import Organization
from shared.domain.rights import Action
from shared.domain.times import MS
from shared.ports import DirectoryStore, MetadataStore, Stale
from shared.runtime.retries import retried_when_stale
from shared.services.organizations.role_changes import (
    Actor,
    OrganizationMembers,
)
from shared.services.records import EntityChange, RecordWriter, package_batches

PACKAGES_READ_AT_ONCE = 100  # Packages of one read; a claimed name without a release is rare.


@dataclass(frozen=True, slots=True)
class OrganizationDeletion:
    """Deletes organizations; the task `finish-deletions` releases their names."""

    authorization: Authorization
    directory: DirectoryStore
    metadata: MetadataStore
    organization_members: OrganizationMembers
    record_writer: RecordWriter

    @retried_when_stale
    async def delete(self, org: OrgName, *, by: Principal) -> Organization:
        """Schedule the deletion for two days later; at once for the operator and administrators.

        Nobody can publish to the organization meanwhile. Raises `organization-not-empty`.
        """
        actor, organization = await self._require_owner(org, by)
        if organization.deleting_ms is not None and not actor.is_operator_or_administrator:
            return organization  # A repeat.
        package = await self.package_of(organization)
        if package is not None:
            raise Conflict(
                "organization-not-empty",
                f"{organization.name} has packages, such as {package!s}, and releases stay "
                "for those who use them. Only an organization that never published anything "
                "can be deleted; deprecate its packages instead.",
            )
        wait_ms = 0 if actor.is_operator_or_administrator else OWNER_CHANGE_DELAY // MS
        at_ms = self.record_writer.clock.now_ms() + wait_ms
        mail_text = mail.organization_deletion_mail(
            organization.name,
            by=actor.name,
            at_ms=at_ms,
            link=self.organization_members.organization_url(org),
        )
        return await self._write(organization, at_ms, mail_text, by)

    @retried_when_stale
    async def cancel(self, org: OrgName, *, by: Principal) -> Organization:
        """Cancel a scheduled deletion, or raise `not-closing`."""
        actor, organization = await self._require_owner(org, by)
        if organization.deleting_ms is None:
            raise Conflict(
                "not-closing",
                f"{organization.name} is not being deleted, so there is nothing to cancel.",
            )
        link = self.organization_members.organization_url(org)
        mail_text = mail.organization_deletion_cancelled_mail(
            organization.name, by=actor.name, link=link
        )
        return await self._write(organization, None, mail_text, by)

    async def restore(self, organization: Organization) -> None:
        """Cancel the deletion of an organization that got a package meanwhile."""
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

    async def package_of(self, organization: Organization) -> Package | None:
        """Return a package of the organization with a release in any state."""
        prefix = f"{organization.key}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for head in heads:
                if await self.metadata.releases(head.package):
                    return head.package
        return None


def _text(at_ms: int | None) -> str:
    return "" if at_ms is None else str(at_ms)
