"""Proving: which domains are an organization's, by a record that only their owner can set."""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.auth.base62 import random_text
from shared.domain import mails
from shared.domain.domains import (
    CHALLENGE_LENGTH,
    MAX_DOMAINS,
    Domain,
    DomainName,
    place_of_domain,
    record_name,
    record_text,
)
from shared.domain.errors import Unavailable
from shared.domain.identity import UPKEEP, Principal
from shared.domain.names import OrgName
from shared.domain.organization_errors import DomainNotFound, DomainsFull, DomainUnproven
from shared.domain.organizations import Organization, place_of
from shared.domain.rights import Action
from shared.ports import AlreadyThere, DirectoryStore, DomainRecords, Randomness, Stale
from shared.services.changing import until_fresh
from shared.services.listing import everything
from shared.services.member_changes import MemberChanges
from shared.services.recording import Change, Recording
from shared.services.reporting import Report
from shared.services.rosters import Rosters


@dataclass(frozen=True, slots=True)
class Proving:
    """Keeps the domains of organizations; one that is proven is shown as theirs."""

    directory: DirectoryStore
    authorization: Authorization
    recording: Recording
    rosters: Rosters
    changes: MemberChanges
    records: DomainRecords
    randomness: Randomness

    async def claim(self, org: OrgName, domain: DomainName, *, by: Principal) -> Domain:
        """Return the domain with the challenge that proves it; a repeat returns the same one."""
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        organization = standing.existing(org)
        known = await self.directory.get(Domain, place_of_domain(org, domain))
        if known is not None:
            return known
        if len(await self.directory.of(Domain, organization.key)) >= MAX_DOMAINS:
            raise DomainsFull(organization.name, MAX_DOMAINS)
        claimed = Domain(
            org=organization.name,
            domain=domain,
            challenge=random_text(self.randomness, CHALLENGE_LENGTH),
            created_ms=self.rosters.clock.now_ms(),
        )
        return await self._add(claimed, by)

    async def of(self, org: OrgName, *, by: Principal) -> list[Domain]:
        """Return the domains that the organization claims; its members may ask."""
        await self.authorization.require_within(by, Action.READ, org)
        return await self.directory.of(Domain, org.lower())

    async def proven(self, organization: Organization) -> list[str]:
        """Return the domains that are shown as the organization's."""
        domains = await self.directory.of(Domain, organization.key)
        return [each.domain for each in domains if each.verified_ms is not None]

    async def verify(self, org: OrgName, domain: DomainName, *, by: Principal) -> Domain:
        """Look for the record, and show the domain as the organization's from now on.

        Raises `DomainUnproven`, or `DomainSilent` when nobody answers for it.
        """
        await self.authorization.require_within(by, Action.MANAGE, org)
        texts = await self.records.texts(record_name(domain))

        async def attempt() -> Domain:
            known = await self._known(org, domain)
            if not known.is_proven_by(texts):
                raise DomainUnproven(domain, record_name(domain), record_text(known.challenge))
            if known.verified_ms is not None:
                return known
            return await self._mark(known, self.rosters.clock.now_ms(), by)

        return await until_fresh(attempt)

    async def remove(self, org: OrgName, domain: DomainName, *, by: Principal) -> None:
        """Claim the domain no longer."""
        await self.authorization.require_within(by, Action.MANAGE, org)

        async def attempt() -> None:
            known = await self._known(org, domain)
            await self.recording.remove(known, change=_change("removed", known), by=by)

        await until_fresh(attempt)

    async def run(self) -> Report:
        """Look for the record of every proven domain again, and take away what it proved if it is
        gone: a domain that is let go may be anybody's tomorrow."""
        domains = await everything(self.directory, Domain)
        proven = [each for each in domains if each.verified_ms is not None]
        lapsed, problems = 0, list[str]()
        for each in proven:
            try:
                lapsed += await self._lapse(each)
            except (Unavailable, Stale) as failure:
                problems.append(f"{each.domain}: {str(failure) or 'it was changed meanwhile.'}")
        return Report("prove", len(proven), lapsed, tuple(problems))

    async def _lapse(self, domain: Domain) -> bool:
        name = record_name(DomainName(domain.domain))
        if domain.is_proven_by(await self.records.texts(name)):
            return False
        await self._mark(domain, None, UPKEEP)
        await self._tell_owners(domain, name)
        return True

    async def _tell_owners(self, domain: Domain, record: str) -> None:
        organization = await self.directory.get(Organization, place_of(domain.org))
        if organization is None or organization.is_deleted_at(self.rosters.clock.now_ms()):
            return
        link = f"{self.changes.link(organization.name)}/settings"
        letter = mails.domain_lapsed(domain.org, domain.domain, record=record, link=link)
        await self.changes.tell(await self.rosters.read(organization), letter)

    async def _mark(self, domain: Domain, verified_ms: int | None, by: Principal) -> Domain:
        marked = domain.model_copy(update={"verified_ms": verified_ms})
        change = _change("lapsed" if verified_ms is None else "verified", domain)
        return await self.recording.replace(marked, change=change, by=by)

    async def _add(self, domain: Domain, by: Principal) -> Domain:
        try:
            return await self.recording.add(domain, change=_change("claimed", domain), by=by)
        except AlreadyThere:
            return await self._known(OrgName(domain.org), DomainName(domain.domain))

    async def _known(self, org: OrgName, domain: DomainName) -> Domain:
        known = await self.directory.get(Domain, place_of_domain(org, domain))
        if known is None:
            raise DomainNotFound(domain, org)
        return known


def _change(what: str, domain: Domain) -> Change:
    details = {"domain": domain.domain}
    return Change(f"domain.{what}", domain.org, org=domain.org, details=details)
