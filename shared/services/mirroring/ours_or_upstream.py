"""Whether a package name is ours, or which upstream is asked for it.

This is the rule against dependency confusion: a name has one side. For a name that belongs to this
registry no upstream is ever asked, so a stranger cannot publish a package of our name there and
have it installed here. A name of others comes from the one upstream that owns it, or that the rules
name.
"""

from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.packages import complete_list
from shared.domain.names import OrgName
from shared.ports.upstream import Upstream
from shared.services.mirroring.upstream_questions import Asker, Question, UpstreamQuestions
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.name_owners import OURS, NameOwners


class OursOrUpstream(Struct, frozen=True):
    """Decides which upstream is asked for a package, or that none is."""

    pseudonym: str  # The name of this registry in the header `Via`.
    owners: NameOwners
    upstreams: Upstreams
    questions: UpstreamQuestions

    async def upstream_of(self, package: Package, asker: Asker) -> UpstreamSource | None:
        """Return the upstream that the package comes from.

        None if the name is ours, if the rules deny the package, if the owner of the name is not the
        upstream that the rules name, or if the request came through this registry before. Without
        owner and rule it is the first upstream that has the organization. An upstream before it
        that does not answer may have it, so then no other one is asked.
        """
        known = {} if asker.sources is None else asker.sources
        if package.key not in known:
            known[package.key] = await self._decide(package, asker)
        return known[package.key]

    async def _decide(self, package: Package, asker: Asker) -> UpstreamSource | None:
        owner = OURS if self._has_passed_here(asker) else await self.owners.owner(package.org)
        if owner == OURS:
            return None
        rule = (await self.upstreams.rules()).rule(package)
        # Only one registry owns a name: while a rule names another upstream than the owner, no
        # upstream is asked, until an administrator moves the name or changes the rule.
        sides = {each for each in (owner, rule and rule.upstream) if each}
        if (rule and rule.denies) or len(sides) > 1:
            return None
        if sides:
            return await self.upstreams.find(sides.pop())

        async def ask(upstream: Upstream, via: str) -> bool | None:
            return await upstream.has_organization(package.org, via=via) or None

        org = package.org.lower()
        what = complete_list(f"packages of {package.org}")
        question = Question(what, org, ("organization", org), ask)
        # The last one needs no question, because its answers about packages say the same.
        *first, last = await self.upstreams.sources()
        for source in first:
            if await self.questions.answer(question, source.asked_by(asker.by), asker):
                return source
        return last

    async def denial(self, package: Package, asker: Asker) -> str:
        """Return the rule that denies a package of others, as a part of a sentence; empty if none
        does."""
        if await self.is_ours(package.org, asker):
            return ""
        rule = (await self.upstreams.rules()).rule(package)
        return rule.denial if rule else ""

    async def is_ours(self, org: OrgName, asker: Asker) -> bool:
        """Check whether no upstream is asked for anything of the organization: its name is ours, or
        the request came through this registry before."""
        return await self.owners.owner(org) == OURS or self._has_passed_here(asker)

    def _has_passed_here(self, asker: Asker) -> bool:
        """Check whether the request came through this registry before."""
        through = asker.via().split(",")
        return any(each.split()[1:2] == [self.pseudonym] for each in through)


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc
