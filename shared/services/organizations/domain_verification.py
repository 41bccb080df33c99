"""Domain verification: an organization proves its domains by DNS records."""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.domain import mail
from shared.domain.errors.base import Conflict, NotFound
from shared.domain.identity import UPKEEP, Principal
from shared.domain.names import OrgName
from shared.domain.organizations import (
    DOMAIN_CHALLENGE_LENGTH,
    MAX_DOMAINS,
    DomainName,
    Organization,
    OrganizationDomain,
    domain_place,
    domain_record_name,
    domain_record_text,
    organization_place,
)
from shared.domain.rights import Action
from shared.ports import AlreadyThere, DirectoryStore, DomainRecords, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.organizations.role_changes import OrganizationMembers
from shared.services.records import EntityChange, RecordWriter


@dataclass(frozen=True, slots=True)
class DomainVerification:
    """Claims, verifies and removes the domains of organizations."""

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    organization_members: OrganizationMembers
    records: DomainRecords
    randomness: Randomness

    async def claim(self, org: OrgName, domain: DomainName, *, by: Principal) -> OrganizationDomain:
        """Return the domain with its challenge; a repeat returns the same one."""
        access = await self.authorization.require_within(by, Action.GOVERN, org)
        organization = access.require_organization(org)
        known = await self.directory.get(OrganizationDomain, domain_place(org, domain))
        if known is not None:
            return known
        if (
            len(await self.directory.list_by_owner(OrganizationDomain, organization.key))
            >= MAX_DOMAINS
        ):
            raise Conflict(
                "domains-full",
                f"{organization.name} has {MAX_DOMAINS} domains, which is the limit. Remove one "
                "first.",
            )
        claimed = OrganizationDomain(
            org=organization.name,
            domain=domain,
            challenge=random_text(self.randomness, DOMAIN_CHALLENGE_LENGTH),
            created_ms=self.record_writer.clock.now_ms(),
        )
        return await self._add(claimed, by)

    async def of(self, org: OrgName, *, by: Principal) -> list[OrganizationDomain]:
        """Return the claimed domains, to members only."""
        await self.authorization.require_within(by, Action.READ, org)
        return await self.directory.list_by_owner(OrganizationDomain, org.lower())

    async def verified(self, organization: Organization) -> list[str]:
        """Return the verified domains, which everybody sees."""
        domains = await self.directory.list_by_owner(OrganizationDomain, organization.key)
        return [each.domain for each in domains if each.verified_ms is not None]

    @retried_when_stale
    async def verify(
        self, org: OrgName, domain: DomainName, *, by: Principal
    ) -> OrganizationDomain:
        """Read the DNS record and mark the domain as verified.

        Raises `domain-unproven`, or `domain-silent` when the name servers do not respond.
        """
        await self.authorization.require_within(by, Action.MANAGE, org)
        texts = await self.records.texts(domain_record_name(domain))
        known = await self._require_claimed(org, domain)
        if not known.is_verified_by(texts):
            raise Conflict(
                "domain-unproven",
                f"{domain} is not verified: there is no TXT record "
                f'{domain_record_name(domain)} with "{domain_record_text(known.challenge)}". '
                "Add it, and try again when DNS servers have it, which may take an hour.",
            )
        if known.verified_ms is not None:
            return known
        return await self._set_verified(known, self.record_writer.clock.now_ms(), by)

    @retried_when_stale
    async def remove(self, org: OrgName, domain: DomainName, *, by: Principal) -> None:
        await self.authorization.require_within(by, Action.MANAGE, org)
        known = await self._require_claimed(org, domain)
        await self.record_writer.remove(known, change=_change("removed", known), by=by)

    async def end_if_unproven(self, domain: OrganizationDomain) -> bool:
        """End the verification of a domain whose DNS record is gone, and notify the owners; return
        whether it was."""
        name = domain_record_name(DomainName(domain.domain))
        if domain.is_verified_by(await self.records.texts(name)):
            return False
        await self._set_verified(domain, None, UPKEEP)
        await self._notify_owners(domain, name)
        return True

    async def _notify_owners(self, domain: OrganizationDomain, record: str) -> None:
        organization = await self.directory.get(Organization, organization_place(domain.org))
        if organization is None or organization.is_deleted_at(self.record_writer.clock.now_ms()):
            return
        link = f"{self.organization_members.organization_url(organization.name)}/settings"
        mail_text = mail.domain_lapsed_mail(domain.org, domain.domain, record=record, link=link)
        await self.organization_members.notify_owners(
            await self.organization_members.read(organization), mail_text
        )

    async def _set_verified(
        self, domain: OrganizationDomain, verified_ms: int | None, by: Principal
    ) -> OrganizationDomain:
        changed = domain.model_copy(update={"verified_ms": verified_ms})
        change = _change("lapsed" if verified_ms is None else "verified", domain)
        return await self.record_writer.replace(changed, change=change, by=by)

    async def _add(self, domain: OrganizationDomain, by: Principal) -> OrganizationDomain:
        try:
            return await self.record_writer.add(domain, change=_change("claimed", domain), by=by)
        except AlreadyThere:
            return await self._require_claimed(OrgName(domain.org), DomainName(domain.domain))

    async def _require_claimed(self, org: OrgName, domain: DomainName) -> OrganizationDomain:
        known = await self.directory.get(OrganizationDomain, domain_place(org, domain))
        if known is None:
            raise NotFound(
                "domain-not-found",
                f"{org} does not claim the domain {domain}. Add it first.",
            )
        return known


def _change(what: str, domain: OrganizationDomain) -> EntityChange:
    details = {"domain": domain.domain}
    return EntityChange(f"domain.{what}", domain.org, org=domain.org, details=details)
