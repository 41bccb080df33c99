"""Domain verification: an organization proves a domain by a DNS record that only its owner can
set.
"""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.domain import mail
from shared.domain.errors.base import Unavailable
from shared.domain.errors.organizations import DomainNotFound, DomainsFull, DomainUnproven
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
from shared.ports import AlreadyThere, DirectoryStore, DomainRecords, Randomness, Stale
from shared.retries import retry_when_stale
from shared.services.members import MemberChanges, OrganizationMembers
from shared.services.records import EntityChange, RecordWriter, all_entities
from shared.services.upkeep import TaskReport


@dataclass(frozen=True, slots=True)
class DomainVerification:
    """Keeps the domains of organizations; one that is proven is shown as theirs."""

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    organization_members: OrganizationMembers
    changes: MemberChanges
    records: DomainRecords
    randomness: Randomness

    async def claim(self, org: OrgName, domain: DomainName, *, by: Principal) -> OrganizationDomain:
        """Return the domain with the challenge that proves it; a repeat returns the same one."""
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        organization = standing.require_organization(org)
        known = await self.directory.get(OrganizationDomain, domain_place(org, domain))
        if known is not None:
            return known
        if len(await self.directory.of(OrganizationDomain, organization.key)) >= MAX_DOMAINS:
            raise DomainsFull(organization.name, MAX_DOMAINS)
        claimed = OrganizationDomain(
            org=organization.name,
            domain=domain,
            challenge=random_text(self.randomness, DOMAIN_CHALLENGE_LENGTH),
            created_ms=self.organization_members.clock.now_ms(),
        )
        return await self._add(claimed, by)

    async def of(self, org: OrgName, *, by: Principal) -> list[OrganizationDomain]:
        """Return the domains that the organization claims; its members may ask."""
        await self.authorization.require_within(by, Action.READ, org)
        return await self.directory.of(OrganizationDomain, org.lower())

    async def verified(self, organization: Organization) -> list[str]:
        """Return the domains that are shown as the organization's."""
        domains = await self.directory.of(OrganizationDomain, organization.key)
        return [each.domain for each in domains if each.verified_ms is not None]

    async def verify(
        self, org: OrgName, domain: DomainName, *, by: Principal
    ) -> OrganizationDomain:
        """Look for the record, and show the domain as the organization's from now on.

        Raises `DomainUnproven`, or `DomainSilent` when nobody answers for it.
        """
        await self.authorization.require_within(by, Action.MANAGE, org)
        texts = await self.records.texts(domain_record_name(domain))

        async def attempt() -> OrganizationDomain:
            known = await self._known(org, domain)
            if not known.is_verified_by(texts):
                raise DomainUnproven(
                    domain, domain_record_name(domain), domain_record_text(known.challenge)
                )
            if known.verified_ms is not None:
                return known
            return await self._mark(known, self.organization_members.clock.now_ms(), by)

        return await retry_when_stale(attempt)

    async def remove(self, org: OrgName, domain: DomainName, *, by: Principal) -> None:
        """Claim the domain no longer."""
        await self.authorization.require_within(by, Action.MANAGE, org)

        async def attempt() -> None:
            known = await self._known(org, domain)
            await self.record_writer.remove(known, change=_change("removed", known), by=by)

        await retry_when_stale(attempt)

    async def run(self) -> TaskReport:
        """Look for the record of every proven domain again, and take away what it proved if it is
        gone: a domain that is let go may be anybody's tomorrow."""
        domains = await all_entities(self.directory, OrganizationDomain)
        proven = [each for each in domains if each.verified_ms is not None]
        lapsed, problems = 0, list[str]()
        for each in proven:
            try:
                lapsed += await self._lapse(each)
            except (Unavailable, Stale) as failure:
                problems.append(f"{each.domain}: {str(failure) or 'it was changed meanwhile.'}")
        return TaskReport("prove", len(proven), lapsed, tuple(problems))

    async def _lapse(self, domain: OrganizationDomain) -> bool:
        name = domain_record_name(DomainName(domain.domain))
        if domain.is_verified_by(await self.records.texts(name)):
            return False
        await self._mark(domain, None, UPKEEP)
        await self._tell_owners(domain, name)
        return True

    async def _tell_owners(self, domain: OrganizationDomain, record: str) -> None:
        organization = await self.directory.get(Organization, organization_place(domain.org))
        if organization is None or organization.is_deleted_at(
            self.organization_members.clock.now_ms()
        ):
            return
        link = f"{self.changes.organization_url(organization.name)}/settings"
        letter = mail.domain_lapsed_mail(domain.org, domain.domain, record=record, link=link)
        await self.changes.notify_owners(await self.organization_members.read(organization), letter)

    async def _mark(
        self, domain: OrganizationDomain, verified_ms: int | None, by: Principal
    ) -> OrganizationDomain:
        marked = domain.model_copy(update={"verified_ms": verified_ms})
        change = _change("lapsed" if verified_ms is None else "verified", domain)
        return await self.record_writer.replace(marked, change=change, by=by)

    async def _add(self, domain: OrganizationDomain, by: Principal) -> OrganizationDomain:
        try:
            return await self.record_writer.add(domain, change=_change("claimed", domain), by=by)
        except AlreadyThere:
            return await self._known(OrgName(domain.org), DomainName(domain.domain))

    async def _known(self, org: OrgName, domain: DomainName) -> OrganizationDomain:
        known = await self.directory.get(OrganizationDomain, domain_place(org, domain))
        if known is None:
            raise DomainNotFound(domain, org)
        return known


def _change(what: str, domain: OrganizationDomain) -> EntityChange:
    details = {"domain": domain.domain}
    return EntityChange(f"domain.{what}", domain.org, org=domain.org, details=details)
