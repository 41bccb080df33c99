"""Releases that burst detection held, on which owners decide."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import AccessContext, refusal_of, require_right
from shared.domain.coordinates import Coordinate
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import NotAwaited
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Origin, Release, ReleaseEntry, Survey
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change
from shared.domain.release_comparisons import ReleaseComparison
from shared.domain.release_states import State
from shared.domain.releases import Decision, next_decision, with_decision
from shared.domain.scopes import Action
from shared.domain.sentences import named
from shared.domain.tokens import Token
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.gathering import gather_all
from shared.services.identity.accounts import account_names
from shared.services.identity.mail import DecisionMail
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.publishing.waiting_packages import (
    MAX_WAITING_RELEASES,
    waiting_package_page,
)
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches

MAX_DECIDED_AT_ONCE = 500  # Releases that one request decides on.
NAMED_IN_MAIL = 10  # Releases of a burst that a mail names.
# Releases decided on at the same time; each takes about ten calls of the stores.
DECIDED_TOGETHER = 10

_REFUSED = "an owner refused to publish it"

Decide = Callable[[Coordinate, Principal], Awaitable[Release]]


class HeldRelease(Struct, frozen=True):
    """A release that waits for an owner, compared with the latest one."""

    release: Release
    comparison: ReleaseComparison | None  # None if nothing is live.


class HeldReleasePage(Struct, frozen=True):
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
        """The origin of one release of each publisher, by which pages name the publishers."""
        origins = (each.release.origin for each in self.releases)
        return tuple({origin.principal: origin for origin in origins}.values())


class HeldBurst(Struct, frozen=True):
    """The held releases of one publisher, or of all publishers if it is empty, that were published
    until a time. The time is when the owner saw the list, so that nobody decides on releases that
    came later.
    """

    publisher: str = ""
    until_ms: int | None = None

    def contains(self, release: Release) -> bool:
        is_early = self.until_ms is None or release.created_ms <= self.until_ms
        return is_early and self.publisher in ("", release.origin.principal)


class DecidedBurst(Struct, frozen=True):
    """The releases that were decided on, and how many of the burst still wait."""

    releases: tuple[Release, ...]
    waiting: int


class HeldReleases(Struct, frozen=True):
    """Shows owners the releases that burst detection held, and publishes or removes each as the
    owners decide.

    Only an owner who signed in recently may decide. A decision may be repeated.
    """

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore
    package_records: PackageRecordWriter
    decision_mail: DecisionMail
    clock: Clock

    async def page(self, org: OrgName, after: str = "", *, by: Principal) -> HeldReleasePage:
        """Return a page of the releases that wait for a decision, of the packages whose names come
        after `after`.

        Its cost depends on the packages of one page and their held releases.
        """
        access = await self.authorization.require_to_read(by, Action.MANAGE, org)
        surveys, next_ = await waiting_package_page(self.metadata, org, after, _is_held)
        groups = await asyncio.gather(*(self._compare(each) for each in surveys))
        releases = tuple(each for group in groups for each in group)
        publishers = (each.release.origin.principal for each in releases)
        names = await account_names(self.directory, publishers)
        tokens = await self._tokens(access.require_organization(org), by)
        return HeldReleasePage(releases, names, tokens, next_)

    async def confirm(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Publish a release that waits; raise `NotAwaited`. A repeat returns the live release."""
        await self._require_owner(coordinate, by)
        return await self._confirm(coordinate, by)

    async def refuse(self, coordinate: Coordinate, *, by: Principal, reason: str = "") -> Release:
        """Remove a release that waits; raise `NotAwaited`. A repeat returns the removed release.

        Nobody learns that the release existed, and its version can never be published.
        Administrators who do not own the organization give a `reason`.
        """
        access = await self._require_owner(coordinate, by)
        reason = reason_for_change(by, access, reason, f"refusing {coordinate}")
        release = await self._refuse(coordinate, by, reason)
        what = f"{coordinate}, which waited for an owner, is refused"
        await self.decision_mail.send_if_from_outside(by, access, what, reason)
        return release

    async def confirm_all(self, org: OrgName, burst: HeldBurst, *, by: Principal) -> DecidedBurst:
        """Publish the releases of a burst, `MAX_DECIDED_AT_ONCE` of them at most."""
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        return await self._decide_all(access, org, burst, self._confirm, by)

    async def refuse_all(
        self, org: OrgName, burst: HeldBurst, *, by: Principal, reason: str = ""
    ) -> DecidedBurst:
        """Remove the releases of a burst, `MAX_DECIDED_AT_ONCE` of them at most; for a `reason`, as
        `refuse` does."""
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        reason = reason_for_change(by, access, reason, f"refusing held releases of {org}")

        async def refuse(coordinate: Coordinate, by: Principal) -> Release:
            return await self._refuse(coordinate, by, reason)

        decided = await self._decide_all(access, org, burst, refuse, by)
        if decided.releases:
            names = named([str(each.coordinate) for each in decided.releases], NAMED_IN_MAIL)
            what = f"{names}, which waited, are refused"
            await self.decision_mail.send_if_from_outside(by, access, what, reason)
        return decided

    async def _require_owner(self, coordinate: Coordinate, by: Principal) -> AccessContext:
        """Return the access of an owner to a package that is not frozen. The refusal for somebody
        else does not name the package."""
        access = await self.authorization.require_in_organization(
            by, Action.GOVERN, coordinate.package.org
        )
        require_right(by, access, Action.GOVERN, coordinate.package)
        return access

    async def _confirm(self, coordinate: Coordinate, by: Principal) -> Release:
        decision = Decision(State.LIVE)
        return await self._decide(coordinate, "release.confirmed", decision, by)

    async def _refuse(self, coordinate: Coordinate, by: Principal, reason: str) -> Release:
        decision = Decision(State.REMOVED, reason or _REFUSED, is_refusal=True)
        return await self._decide(coordinate, "release.refused", decision, by)

    async def _decide(
        self, coordinate: Coordinate, kind: str, decision: Decision, by: Principal
    ) -> Release:
        def decide(head: Head, release: Release) -> Release:
            if (release.state, release.refused) == (decision.state, decision.is_refusal):
                return release
            if not release.is_held_for_owner:
                raise NotAwaited(coordinate)
            now_ms = self.clock.now_ms()
            if decision.state is State.LIVE:
                # Confirmed, and published when it waits for nothing else.
                following = next_decision(head, release)
                if following.state is State.HELD:
                    return with_decision(release, "release.held", following, by=by, now_ms=now_ms)
            return with_decision(release, kind, decision, by=by, now_ms=now_ms)

        return await self.package_records.change_release(coordinate, decide)

    async def _decide_all(
        self, access: AccessContext, org: OrgName, burst: HeldBurst, decide: Decide, by: Principal
    ) -> DecidedBurst:
        found = [
            each.coordinate
            async for each in self._awaiting(org)
            # Releases of a frozen package keep waiting.
            if burst.contains(each)
            and refusal_of(by, access, Action.GOVERN, each.coordinate.package) is None
        ]
        chosen = found[:MAX_DECIDED_AT_ONCE]
        decided = list[Release]()
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
                if survey and _is_held(entry)
            ]
            for start in range(0, len(held), DECIDED_TOGETHER):
                together = held[start : start + DECIDED_TOGETHER]
                found = await asyncio.gather(*map(self.metadata.find, together))
                for each in found:
                    if each.release and each.release.is_held_for_owner:
                        yield each.release

    async def _compare(self, survey: Survey) -> list[HeldRelease]:
        """Return the releases of a package that wait, the lowest versions first."""
        package = survey.head.package
        live = latest(survey, Range(), ANY_CLIENT)
        held = [entry for entry in survey.entries[::-1] if _is_held(entry)]
        # A burst may have any number of releases, so the others are shown after these were decided
        # on.
        entries = [*held[:MAX_WAITING_RELEASES], *([live] if live else [])]
        found = await asyncio.gather(
            *(self.metadata.find(package.at(each.parsed)) for each in entries)
        )
        releases = {each.release.version: each.release for each in found if each.release}
        earlier = releases.get(live.version) if live else None
        return [
            HeldRelease(each, ReleaseComparison.of(each, earlier) if earlier else None)
            for each in releases.values()
            if each.is_held_for_owner
        ]

    async def _tokens(self, organization: Organization, by: Principal) -> Mapping[str, Token]:
        owners: Sequence[str] = (organization.id, by.id)
        found = await asyncio.gather(
            *(self.directory.list_by_owner(Token, each) for each in owners)
        )
        return {token.id: token for tokens in found for token in tokens}


def _is_held(entry: ReleaseEntry) -> bool:
    return entry.state is State.HELD


async def _decide_together(
    coordinates: Sequence[Coordinate], decide: Decide, by: Principal
) -> list[Release]:
    """Decide on releases; leave out those on which somebody else decided meanwhile."""

    async def decided(coordinate: Coordinate) -> Release | None:
        try:
            return await decide(coordinate, by)
        except NotAwaited:
            return None

    return [each for each in await gather_all(*map(decided, coordinates)) if each]
