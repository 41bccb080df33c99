"""Reviewing: releases that wait for an owner, with what there is to decide on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.comparison import Comparison
from shared.domain.identity import Principal
from shared.domain.language import EVERYTHING
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.package import Release, State, Survey
from shared.domain.rights import Action
from shared.domain.selection import newest
from shared.domain.tokens import Token
from shared.domain.version import Range
from shared.ports import DirectoryStore, MetadataStore
from shared.services.finding import names_of
from shared.services.listing import packages_of

LOOKED_AT = 50  # Packages that one page looks through: each is surveyed.
MOST = 25  # Releases that wait, after which a page looks at no further package.


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A release that waits, and how it differs from what is live; None where nothing is."""

    release: Release
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Review:
    """Releases that wait, in order of package; `next` is after which name to look further.

    `names` are those of the accounts that published them, and `tokens` are what the organization
    or whoever asks can end, by their ids.
    """

    releases: tuple[Reviewed, ...]
    names: Mapping[str, str]
    tokens: Mapping[str, Token]
    next: str


@dataclass(frozen=True, slots=True)
class Reviewing:
    """Reads what was held for owners to see."""

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore

    async def waiting(self, org: OrgName, after: str = "", *, by: Principal) -> Review:
        """Return a page of the releases that wait; owners may ask.

        What it costs depends on the packages of one page, and on what waits in them.
        """
        standing = await self.authorization.require_within(by, Action.MANAGE, org)
        surveys, further = await self._held_within(org, after)
        found = await asyncio.gather(*(self._reviewed(each) for each in surveys))
        reviewed = tuple(each for group in found for each in group)
        publishers = (each.release.origin.principal for each in reviewed)
        names = await names_of(self.directory, publishers)
        return Review(reviewed, names, await self._tokens(standing.existing(org), by), further)

    async def _held_within(self, org: OrgName, after: str) -> tuple[list[Survey], str]:
        """Return packages with something that is held, and after which name there may be more."""
        packages, more = await packages_of(self.metadata, org, after, LOOKED_AT)
        surveys = [each for each in await self.metadata.survey(packages) if each]
        held: list[Survey] = []
        waiting = 0
        for survey in surveys:
            count = sum(entry.state is State.HELD for entry in survey.entries)
            if count and waiting >= MOST:
                return held, held[-1].head.name
            held += [survey] if count else []
            waiting += count
        return held, more

    async def _reviewed(self, survey: Survey) -> list[Reviewed]:
        """Return the releases of a package that wait, the lowest versions first."""
        package, live = survey.head.package, newest(survey, Range(), EVERYTHING)
        # The others are shown when these are decided on: a burst may be of any size.
        held = [entry for entry in survey.entries[::-1] if entry.state is State.HELD][:MOST]
        wanted = [*held, live] if live else held
        found = await asyncio.gather(
            *(self.metadata.find(package.at(each.parsed)) for each in wanted)
        )
        releases = {each.release.version: each.release for each in found if each.release}
        earlier = releases.get(live.version) if live else None
        return [
            Reviewed(each, Comparison.of(each, earlier) if earlier else None)
            for each in releases.values()
            if each.awaits_owner
        ]

    async def _tokens(self, organization: Organization, by: Principal) -> Mapping[str, Token]:
        owners: Sequence[str] = (organization.id, by.id)
        found = await asyncio.gather(*(self.directory.of(Token, each) for each in owners))
        return {token.id: token for tokens in found for token in tokens}
