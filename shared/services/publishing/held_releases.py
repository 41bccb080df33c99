"""Held releases: owners publish or refuse the releases that burst detection held, one by one or all
of a burst.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors.packages import NotAwaited
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Origin, Release, State, Survey
from shared.domain.releases import Decision, with_decision
from shared.domain.resolution import latest
from shared.domain.rights import Action
from shared.domain.tokens import Token
from shared.domain.versions import ANY_CLIENT, Range
from shared.domain.withheld_releases import ReleaseComparison
from shared.ports import Clock, DirectoryStore, MetadataStore
from shared.services.identity.accounts import account_names
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import RECORDS_AT_ONCE, organization_package_page, package_batches

PACKAGES_READ = 50  # Packages that one page looks through: each is surveyed.
MAX_HELD_RELEASES = 25  # Held releases after which a page looks at no further package.
MAX_DECIDED_AT_ONCE = 500  # By one request.
DECIDED_TOGETHER = 10  # Each takes some ten calls of the stores.

_REFUSED = "an owner refused to publish it"

Decide = Callable[[Coordinate, Principal], Awaitable[Release]]


@dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release that waits for an owner, compared with the latest one; None if nothing is live."""

    release: Release
    comparison: ReleaseComparison | None


@dataclass(frozen=True, slots=True)
class HeldReleasePage:
    """Releases that wait, in order of package; `next` is the name after which there may be more.

    `names` are those of the accounts that published them; `tokens` are those that the caller can
    revoke, of the organization and their own, by id.
    """

    releases: tuple[HeldRelease, ...]
    names: Mapping[str, str]
    tokens: Mapping[str, Token]
    next: str

    @property
    def origins(self) -> tuple[Origin, ...]:
        """An origin of each publisher."""
        origins = (each.release.origin for each in self.releases)
        return tuple({origin.principal: origin for origin in origins}.values())


@dataclass(frozen=True, slots=True)
class HeldBurst:
    """The held releases of one publisher, or of all if it is empty, that were published until a
    time: who decides on what they saw does not decide on what came since.
    """

    publisher: str = ""
    until_ms: int | None = None

    def contains(self, release: Release) -> bool:
        is_early = self.until_ms is None or release.created_ms <= self.until_ms
        return is_early and self.publisher in ("", release.origin.principal)


@dataclass(frozen=True, slots=True)
class DecidedBurst:
    """The releases that were decided on, and how many of the burst still wait."""

    releases: tuple[Release, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class HeldReleases:
    """Shows owners the releases that burst detection held; publishes or refuses them as they say.

    A decision takes an owner who signed in recently. It may be repeated.
    """

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore
    records: PackageRecordWriter
    clock: Clock

    async def all(self, org: OrgName, *, by: Principal) -> list[Release]:
        """Return all releases of the organization that wait for an owner, in order of package."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        return [each async for each in self._awaiting(org)]

    async def page(self, org: OrgName, after: str = "", *, by: Principal) -> HeldReleasePage:
        """Return a page of the releases that wait, of packages whose names come after one.

        Its cost depends on the packages of one page and their held releases.
        """
        access = await self.authorization.require_within(by, Action.MANAGE, org)
        surveys, next_ = await self._surveys_with_held(org, after)
        groups = await asyncio.gather(*(self._compare(each) for each in surveys))
        releases = tuple(each for group in groups for each in group)
        publishers = (each.release.origin.principal for each in releases)
        names = await account_names(self.directory, publishers)
        tokens = await self._tokens(access.require_organization(org), by)
        return HeldReleasePage(releases, names, tokens, next_)

    async def confirm(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Publish a release that waits; raise `NotAwaited`. A repeat returns the live release."""
        await self.authorization.require_within(by, Action.GOVERN, coordinate.package.org)
        return await self._confirm(coordinate, by)

    async def refuse(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Remove a release that waits; raise `NotAwaited`. A repeat returns the removed release.

        Nobody learns that it was there, and its version can never be published.
        """
        await self.authorization.require_within(by, Action.GOVERN, coordinate.package.org)
        return await self._refuse(coordinate, by)

    async def confirm_all(self, org: OrgName, burst: HeldBurst, *, by: Principal) -> DecidedBurst:
        """Publish the releases of a burst, `MAX_DECIDED_AT_ONCE` of them at most."""
        return await self._decide_all(org, burst, self._confirm, by)

    async def refuse_all(self, org: OrgName, burst: HeldBurst, *, by: Principal) -> DecidedBurst:
        """Remove the releases of a burst, `MAX_DECIDED_AT_ONCE` of them at most."""
        return await self._decide_all(org, burst, self._refuse, by)

    async def _confirm(self, coordinate: Coordinate, by: Principal) -> Release:
        decision = Decision(State.LIVE)
        return await self._decide(coordinate, "release.confirmed", decision, by)

    async def _refuse(self, coordinate: Coordinate, by: Principal) -> Release:
        decision = Decision(State.REMOVED, _REFUSED, is_refusal=True)
        return await self._decide(coordinate, "release.refused", decision, by)

    async def _decide(
        self, coordinate: Coordinate, kind: str, decision: Decision, by: Principal
    ) -> Release:
        def decide(_head: Head, release: Release) -> Release:
            if (release.state, release.refused) == (decision.state, decision.is_refusal):
                return release
            if not release.awaits_owner:
                raise NotAwaited(coordinate)
            return with_decision(release, kind, decision, by=by, now_ms=self.clock.now_ms())

        return await self.records.change_release(coordinate, decide)

    async def _decide_all(
        self, org: OrgName, burst: HeldBurst, decide: Decide, by: Principal
    ) -> DecidedBurst:
        await self.authorization.require_within(by, Action.GOVERN, org)
        found = [each.coordinate async for each in self._awaiting(org) if burst.contains(each)]
        chosen, decided = found[:MAX_DECIDED_AT_ONCE], list[Release]()
        for start in range(0, len(chosen), DECIDED_TOGETHER):
            decided += await _decide_together(chosen[start : start + DECIDED_TOGETHER], decide, by)
        return DecidedBurst(tuple(decided), len(found) - len(chosen))

    async def _awaiting(self, org: OrgName) -> AsyncGenerator[Release]:
        batches = package_batches(self.metadata, RECORDS_AT_ONCE, prefix=f"{org.lower()}/")
        async for heads in batches:
            surveys = await self.metadata.survey([head.package for head in heads])
            held = [
                survey.head.package.at(entry.parsed)
                for survey in surveys
                for entry in (survey.entries if survey else ())
                if survey and entry.state is State.HELD
            ]
            for start in range(0, len(held), DECIDED_TOGETHER):
                together = held[start : start + DECIDED_TOGETHER]
                found = await asyncio.gather(*map(self.metadata.find, together))
                for each in found:
                    if each.release and each.release.awaits_owner:
                        yield each.release

    async def _surveys_with_held(self, org: OrgName, after: str) -> tuple[list[Survey], str]:
        """Return packages with held releases, and the name after which there may be more."""
        packages, next_ = await organization_package_page(self.metadata, org, after, PACKAGES_READ)
        surveys = [each for each in await self.metadata.survey(packages) if each]
        with_held: list[Survey] = []
        held_count = 0
        for survey in surveys:
            count = sum(entry.state is State.HELD for entry in survey.entries)
            if count and held_count >= MAX_HELD_RELEASES:
                return with_held, with_held[-1].head.name
            with_held += [survey] if count else []
            held_count += count
        return with_held, next_

    async def _compare(self, survey: Survey) -> list[HeldRelease]:
        """Return the releases of a package that wait, the lowest versions first."""
        package, live = survey.head.package, latest(survey, Range(), ANY_CLIENT)
        held = [entry for entry in survey.entries[::-1] if entry.state is State.HELD]
        # The others are shown when these are decided on: a burst may be of any size.
        entries = [*held[:MAX_HELD_RELEASES], *([live] if live else [])]
        found = await asyncio.gather(
            *(self.metadata.find(package.at(each.parsed)) for each in entries)
        )
        releases = {each.release.version: each.release for each in found if each.release}
        earlier = releases.get(live.version) if live else None
        return [
            HeldRelease(each, ReleaseComparison.of(each, earlier) if earlier else None)
            for each in releases.values()
            if each.awaits_owner
        ]

    async def _tokens(self, organization: Organization, by: Principal) -> Mapping[str, Token]:
        owners: Sequence[str] = (organization.id, by.id)
        found = await asyncio.gather(
            *(self.directory.list_by_owner(Token, each) for each in owners)
        )
        return {token.id: token for tokens in found for token in tokens}


async def _decide_together(
    coordinates: Sequence[Coordinate], decide: Decide, by: Principal
) -> list[Release]:
    """Decide on releases; leave out those on which somebody else decided meanwhile."""
    acts = (decide(each, by) for each in coordinates)
    # All of them end before one's failure is raised: none goes on after the answer.
    results = await asyncio.gather(*acts, return_exceptions=True)
    for each in results:
        if isinstance(each, BaseException) and not isinstance(each, NotAwaited):
            raise each
    return [each for each in results if isinstance(each, Release)]
