"""Names of organizations at the upstreams: which nobody founds here, and which both sides have."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors.mirroring import owned_by_upstream
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.ports import DirectoryStore, Unanswered
from shared.services.mirroring.name_owners import OURS, NameOwners
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.records import all_entities

WAITED_FOR = timedelta(seconds=5)  # By whoever creates an organization.
NAMES_COMPARED = 500  # Each costs a request to each upstream, and public Central takes 500 ms.


@dataclass(frozen=True, slots=True)
class NameCheck:
    """The upstreams that have public packages of an organization, and those that did not answer."""

    org: str
    found: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    @property
    def warning(self) -> str:
        """A sentence for whoever creates the organization; empty if there is nothing to say."""
        if self.found:
            return (
                f"{self.org} is also the name of an organization of {' and '.join(self.found)}. "
                "Its packages cannot be pulled here any more, because the name belongs to this "
                "registry now. If you meant theirs, ask an administrator to move the name."
            )
        if self.silent:
            return (
                f"{' and '.join(self.silent)} did not answer, so nobody checked whether "
                f"{self.org} is also the name of an organization there."
            )
        return ""


@dataclass(frozen=True, slots=True)
class SharedNames:
    """The organizations of this registry that upstreams have, too, and how many were not compared,
    because there are too many or an upstream did not answer."""

    names: tuple[NameCheck, ...]
    not_compared: int


@dataclass(frozen=True)
class UpstreamNames:
    """Compares names of organizations with those of the upstreams."""

    upstreams: Upstreams
    owners: NameOwners
    directory: DirectoryStore

    async def require_foundable(self, org: OrgName) -> None:
        """Raise `owned-by-upstream` if a rule says that packages of the organization come from an
        upstream."""
        rules = await self.upstreams.rules()
        rule = rules.reserving_rule(org)
        if rule is not None:
            raise owned_by_upstream(org, rule.upstream or rules.upstreams[0].name)

    async def check(self, org: OrgName) -> NameCheck:
        """Ask each upstream once whether it has the organization. Never raises: an organization is
        created also while an upstream fails."""
        sources = await self.upstreams.sources()
        answers = await asyncio.gather(*(_has(each, org) for each in sources))
        pairs = list(zip(sources, answers, strict=True))
        return NameCheck(
            org,
            tuple(each.name for each, answer in pairs if answer),
            tuple(each.name for each, answer in pairs if answer is None),
        )

    async def shared(self) -> SharedNames:
        """Return the organizations of this registry that upstreams have, too. Asks them for one
        after the other."""
        ours = await self._ours()
        checks = [await self.check(org) for org in ours[:NAMES_COMPARED]]
        return SharedNames(
            tuple(each for each in checks if each.found),
            len(ours) - len(checks) + sum(bool(each.silent) for each in checks),
        )

    async def _ours(self) -> Sequence[OrgName]:
        organizations = await all_entities(self.directory, Organization)
        names = [OrgName(each.name) for each in organizations]
        return [org for org in names if await self.owners.stored_owner(org) == OURS]


async def _has(source: UpstreamSource, org: OrgName) -> bool | None:
    """Return whether the upstream has the organization; None if it does not answer in time."""
    try:
        async with asyncio.timeout(WAITED_FOR.total_seconds()):
            return await source.gate.ask(org, lambda: source.upstream.has_organization(org, via=""))
    except (Unanswered, TimeoutError):
        return None
