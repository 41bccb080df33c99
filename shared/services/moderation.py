"""Moderation: holding, quarantining, removing and restoring releases, and what administrators and
owners see of such releases.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from shared.auth.authorization import Administration, Authorization
from shared.domain.errors.packages import (
    NotAwaited,
    PackageNotFound,
    ReleaseNotFound,
    RemovedForGood,
)
from shared.domain.identity import Principal
from shared.domain.moderation import ReleaseComparison, WithheldNote, withheld_place
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release, State, Survey
from shared.domain.records import Place
from shared.domain.releases import with_change
from shared.domain.rights import Action
from shared.domain.search import Query, ResultPage
from shared.domain.selection import latest
from shared.domain.tokens import Token
from shared.domain.versions import ANY_CLIENT, Range
from shared.ports import Clock, DirectoryStore, MetadataStore, PullLedger
from shared.retries import retry_when_stale
from shared.services.accounts import account_names
from shared.services.audit_log import AuditLog, AuditLogPage
from shared.services.derived_data import DerivedData
from shared.services.mail import ModerationMail
from shared.services.records import entity_page, organization_package_page, package_batches
from shared.services.search import PackageSearch
from shared.services.upkeep import UPKEEP_BATCH

_DECIDED = {"awaits_owner": False}  # What an operator decides on, no owner gives back.

# What an administrator does to bring a release into a state.
STATE_VERBS = {
    State.HELD: "hold",
    State.QUARANTINED: "quarantine",
    State.LIVE: "release",
    State.REMOVED: "remove",
}


@dataclass(frozen=True)
class Moderation:
    """Changes the state of releases.

    Administrators do, who signed in a moment ago, and the operator. Owners confirm only what was
    held for them to see.
    """

    authorization: Authorization
    administration: Administration
    metadata: MetadataStore
    derived_data: DerivedData
    mail: ModerationMail
    clock: Clock

    async def find(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Return the release, whatever its state, or raise `ReleaseNotFound`."""
        await self.administration.require(by, "look at", str(coordinate))
        return await self._find(coordinate)

    async def hold(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a release until somebody confirms it."""
        return await self._move(coordinate, State.HELD, reason, by)

    async def quarantine(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a release that may do harm."""
        return await self._move(coordinate, State.QUARANTINED, reason, by)

    async def restore(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Serve a held or quarantined release again."""
        return await self._move(coordinate, State.LIVE, "", by)

    async def remove(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withdraw a release for ever; its version is never free again."""
        return await self._move(coordinate, State.REMOVED, reason, by)

    async def awaiting(self, org: OrgName, *, by: Principal) -> list[Release]:
        """Return the organization's releases that wait for an owner, in order of package."""
        await self.authorization.require(by, Action.MANAGE, org)
        return [each async for each in self._held(org) if each.awaits_owner]

    async def confirm(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Publish a release that waits for an owner, who signed in a moment ago.

        Raises `NotAwaited`; a repeat finds the release as it is.
        """
        await self.authorization.require(by, Action.GOVERN, coordinate.package.org)

        async def attempt() -> Release:
            release = await self._find(coordinate)
            if release.state is State.LIVE:
                return release
            if release.state is not State.HELD or not release.awaits_owner:
                raise NotAwaited(coordinate)
            confirmed = self._decided(release, "release.confirmed", State.LIVE, by=by)
            return await self.metadata.replace_release(confirmed)

        release = await retry_when_stale(attempt)
        await self.derived_data.update(release)
        return release

    async def _held(self, org: OrgName) -> AsyncGenerator[Release]:
        batches = package_batches(self.metadata, UPKEEP_BATCH, prefix=f"{org.lower()}/")
        async for heads in batches:
            for head in heads:
                [survey] = await self.metadata.survey([head.package])
                for entry in survey.entries if survey else ():
                    if entry.state is State.HELD:
                        yield await self._find(head.package.at(entry.parsed))

    async def _find(self, coordinate: Coordinate) -> Release:
        found = await self.metadata.find(coordinate)
        if found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        return found.release

    async def _move(
        self, coordinate: Coordinate, state: State, reason: str, by: Principal
    ) -> Release:
        await self.administration.require_fresh(by, STATE_VERBS[state], str(coordinate))

        async def attempt() -> tuple[Release, bool]:
            release = await self._find(coordinate)
            if release.state is state and not release.awaits_owner:
                return release, False
            if release.state is State.REMOVED:
                raise RemovedForGood(coordinate)
            moved = self._decided(release, f"release.{state.value}", state, reason, by=by)
            return await self.metadata.replace_release(moved), True

        release, is_new = await retry_when_stale(attempt)
        try:
            await self.derived_data.update(release)
        finally:  # It counts from now on, wherever it is listed.
            if is_new:
                await self.mail.send_decision(release)
        return release

    def _decided(
        self, release: Release, kind: str, state: State, reason: str = "", *, by: Principal
    ) -> Release:
        now_ms = self.clock.now_ms()
        moved = with_change(release, kind, by=by, now_ms=now_ms, state=state, state_reason=reason)
        return moved.model_copy(update=_DECIDED)


PACKAGES_READ = 50  # Packages that one page looks through: each is surveyed.
MAX_HELD_RELEASES = 25  # Releases that wait, after which a page looks at no further package.


@dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release that waits, and how it differs from what is live; None where nothing is."""

    release: Release
    comparison: ReleaseComparison | None


@dataclass(frozen=True, slots=True)
class HeldReleasePage:
    """Releases that wait, in order of package; `next` is after which name to look further.

    `names` are those of the accounts that published them, and `tokens` are what the organization
    or whoever asks can end, by their ids.
    """

    releases: tuple[HeldRelease, ...]
    names: Mapping[str, str]
    tokens: Mapping[str, Token]
    next: str


@dataclass(frozen=True, slots=True)
class HeldReleases:
    """Reads what was held for owners to see."""

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore

    async def page(self, org: OrgName, after: str = "", *, by: Principal) -> HeldReleasePage:
        """Return a page of the releases that wait; owners may ask.

        What it costs depends on the packages of one page, and on what waits in them.
        """
        standing = await self.authorization.require_within(by, Action.MANAGE, org)
        surveys, further = await self._held_within(org, after)
        found = await asyncio.gather(*(self._reviewed(each) for each in surveys))
        reviewed = tuple(each for group in found for each in group)
        publishers = (each.release.origin.principal for each in reviewed)
        names = await account_names(self.directory, publishers)
        return HeldReleasePage(
            reviewed, names, await self._tokens(standing.require_organization(org), by), further
        )

    async def _held_within(self, org: OrgName, after: str) -> tuple[list[Survey], str]:
        """Return packages with something that is held, and after which name there may be more."""
        packages, more = await organization_package_page(self.metadata, org, after, PACKAGES_READ)
        surveys = [each for each in await self.metadata.survey(packages) if each]
        held: list[Survey] = []
        waiting = 0
        for survey in surveys:
            count = sum(entry.state is State.HELD for entry in survey.entries)
            if count and waiting >= MAX_HELD_RELEASES:
                return held, held[-1].head.name
            held += [survey] if count else []
            waiting += count
        return held, more

    async def _reviewed(self, survey: Survey) -> list[HeldRelease]:
        """Return the releases of a package that wait, the lowest versions first."""
        package, live = survey.head.package, latest(survey, Range(), ANY_CLIENT)
        # The others are shown when these are decided on: a burst may be of any size.
        held = [entry for entry in survey.entries[::-1] if entry.state is State.HELD][
            :MAX_HELD_RELEASES
        ]
        wanted = [*held, live] if live else held
        found = await asyncio.gather(
            *(self.metadata.find(package.at(each.parsed)) for each in wanted)
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
        found = await asyncio.gather(*(self.directory.of(Token, each) for each in owners))
        return {token.id: token for tokens in found for token in tokens}


WITHHELD_RELEASES_SHOWN = 50  # On a page of the list.

_COUNT_ALONE = ResultPage(limit=0)
_NO_DAY = "9999"  # The pulls of all time are asked for, and of no day.


@dataclass(frozen=True, slots=True)
class WithheldReleasePage:
    """What is withheld, by package; `names` are those of who decided, and `next` is the release
    after which there are more."""

    releases: tuple[WithheldNote, ...]
    names: Mapping[str, str]
    next: Coordinate | None


@dataclass(frozen=True, slots=True)
class InspectedRelease:
    """Everything that is known of a release; `names` are those of accounts, by id."""

    head: Head
    release: Release
    pulls: int
    dependents: int
    history: AuditLogPage
    names: Mapping[str, str]

    @property
    def decided_by(self) -> str:
        """Return who brought it into its state, where the history that was read says so."""
        events = (event for _, event in self.history.events)
        return next((event.actor for event in events if "state" in event.details), "")


@dataclass(frozen=True, slots=True)
class ReleaseInspection:
    """Reads releases for administrators, who alone may ask."""

    administration: Administration
    metadata: MetadataStore
    directory: DirectoryStore
    pulls: PullLedger
    audit_log: AuditLog
    search: PackageSearch

    async def withheld(
        self, after: Coordinate | None = None, *, by: Principal
    ) -> WithheldReleasePage:
        """Return a page of what is withheld from everybody, from after a release on."""
        await self.administration.require(by, "read", "what is withheld")
        place = withheld_place(after) if after else Place("")
        found = await entity_page(self.directory, WithheldNote, place, WITHHELD_RELEASES_SHOWN)
        names = await account_names(self.directory, (each.by for each in found.entities))
        next_ = found.entities[-1].coordinate if found.is_more else None
        return WithheldReleasePage(found.entities, names, next_)

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return a package with all its releases, or raise `PackageNotFound`."""
        await self.administration.require(by, "look at", str(package))
        [survey] = await self.metadata.survey([package])
        if survey is None or not survey.entries:
            raise PackageNotFound(package)
        return survey

    async def inspect(
        self, coordinate: Coordinate, before: int | None = None, *, by: Principal
    ) -> InspectedRelease:
        """Return a release with what happened to it, from before an event on.

        Raises `ReleaseNotFound`.
        """
        await self.administration.require(by, "look at", str(coordinate))
        found = await self.metadata.find(coordinate)
        head, release = found.head, found.release
        if head is None or release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        pulls, dependents, history, names = await asyncio.gather(
            self.pulls.history(head.package, since=_NO_DAY),
            self.search.search(_needing(head.package), _COUNT_ALONE, by=by),
            self.audit_log.of_release(release, before, by=by),
            account_names(self.directory, [release.origin.principal]),
        )
        return InspectedRelease(
            head=head,
            release=release,
            pulls=pulls.versions.get(release.version, 0),
            dependents=dependents.count,
            history=history,
            names={**names, **history.names},
        )


def _needing(package: Package) -> Query:
    return Query(depends_on=package.key, include_deprecated=True)
