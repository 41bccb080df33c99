"""Moderation: administrators hold, quarantine, remove and restore releases, and owners publish or
refuse the releases of a burst.
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
from shared.domain.moderation import ReleaseComparison, WithheldNote
from shared.domain.names import Coordinate, OrgName, Package, release_place
from shared.domain.organizations import Organization
from shared.domain.packages import Head, PublicReason, Release, State, Survey
from shared.domain.records import Place
from shared.domain.releases import with_change
from shared.domain.rights import Action
from shared.domain.search import Query, ResultPage
from shared.domain.selection import latest
from shared.domain.tokens import Token
from shared.domain.versions import ANY_CLIENT, Range
from shared.ports import Clock, DirectoryStore, MetadataStore, PullLedger
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.identity.accounts import account_names
from shared.services.identity.mail import ReleaseMail
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter
from shared.services.packages.search import PackageSearch
from shared.services.records import (
    RECORDS_AT_ONCE,
    entity_page,
    organization_package_page,
    package_batches,
)

# What an administrator does to bring a release into a state.
STATE_VERBS = {
    State.HELD: "hold",
    State.QUARANTINED: "quarantine",
    State.LIVE: "release",
    State.REMOVED: "remove",
}
WITHHELD_RELEASES_SHOWN = 50  # On a page of the list.

_COUNT_ONLY = ResultPage(limit=0)
_NO_DAY = "9999"  # A pull history since then has the totals and no days.


@dataclass(frozen=True, slots=True)
class WithheldReleasePage:
    """Withheld releases, in order of package; `names` are those of the accounts that decided, and
    `next` is the release after which there are more."""

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
        """The account that decided on its state, if that is on this page of the history."""
        events = (event for _, event in self.history.events)
        return next((event.actor for event in events if "state" in event.details), "")


@dataclass(frozen=True, slots=True)
class Moderation:
    """Shows releases to administrators, and changes their state.

    A change takes an administrator who signed in recently, or the operator.
    """

    administration: Administration
    metadata: MetadataStore
    directory: DirectoryStore
    pulls: PullLedger
    audit_log: AuditLog
    search: PackageSearch
    derived_data: DerivedData
    records: PackageRecordWriter
    mail: ReleaseMail
    clock: Clock

    async def find(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Return the release, whatever its state, or raise `ReleaseNotFound`."""
        await self.administration.require(by, "look at", str(coordinate))
        return await _find(self.metadata, coordinate)

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return a package with all its releases, or raise `PackageNotFound`."""
        await self.administration.require(by, "look at", str(package))
        [survey] = await self.metadata.survey([package])
        if survey is None or not survey.entries:
            raise PackageNotFound(package)
        return survey

    async def withheld(
        self, after: Coordinate | None = None, *, by: Principal
    ) -> WithheldReleasePage:
        """Return a page of the withheld releases, from after a release on."""
        await self.administration.require(by, "read", "what is withheld")
        place = release_place(after) if after else Place("")
        page = await entity_page(self.directory, WithheldNote, place, WITHHELD_RELEASES_SHOWN)
        names = await account_names(self.directory, (each.by for each in page.entities))
        next_ = page.entities[-1].coordinate if page.is_more else None
        return WithheldReleasePage(page.entities, names, next_)

    async def inspect(
        self, coordinate: Coordinate, before: int | None = None, *, by: Principal
    ) -> InspectedRelease:
        """Return a release with its history, from before an event on.

        Raises `ReleaseNotFound`.
        """
        await self.administration.require(by, "look at", str(coordinate))
        found = await self.metadata.find(coordinate)
        head, release = found.head, found.release
        if head is None or release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        dependents = Query(depends_on=head.package.key, include_deprecated=True)
        pulls, results, history, names = await asyncio.gather(
            self.pulls.history(head.package, since=_NO_DAY),
            self.search.search(dependents, _COUNT_ONLY, by=by),
            self.audit_log.of_release(release, before, by=by),
            account_names(self.directory, [release.origin.principal]),
        )
        return InspectedRelease(
            head=head,
            release=release,
            pulls=pulls.versions.get(release.version, 0),
            dependents=results.count,
            history=history,
            names={**names, **history.names},
        )

    async def hold(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a release until an administrator restores it."""
        return await self._decide(coordinate, _Decision(State.HELD, reason), by)

    async def quarantine(
        self,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None = None,
        *,
        by: Principal,
    ) -> Release:
        """Withhold a release that may do harm; only the owners read `reason`.

        Repeating it with other reasons replaces them.
        """
        return await self._decide(coordinate, _Decision(State.QUARANTINED, reason, public), by)

    async def restore(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Serve a held or quarantined release again."""
        return await self._decide(coordinate, _Decision(State.LIVE), by)

    async def remove(
        self,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None = None,
        *,
        by: Principal,
    ) -> Release:
        """Withdraw a release for good; its version can never be published again.

        Repeating it with other reasons replaces them.
        """
        return await self._decide(coordinate, _Decision(State.REMOVED, reason, public), by)

    async def _decide(
        self, coordinate: Coordinate, decision: "_Decision", by: Principal
    ) -> Release:
        state = decision.state
        await self.administration.require_fresh(by, STATE_VERBS[state], str(coordinate))

        def decide(_head: Head, release: Release) -> Release:
            if release.state is state and not release.awaits_owner:
                if decision.reasons == (release.state_reason, release.public_reason):
                    return release
            elif release.state is State.REMOVED:
                raise RemovedForGood(coordinate)
            kind, now_ms = f"release.{state.value}", self.clock.now_ms()
            return _with_decision(release, kind, decision, by=by, now_ms=now_ms)

        release, is_changed = await self.records.store_release(coordinate, decide)
        try:
            await self.derived_data.update(release)
        finally:  # The change is in force, even where the lists do not show it yet.
            if is_changed:
                await self.mail.send_decision(release)
        return release


PACKAGES_READ = 50  # Packages that one page looks through: each is surveyed.
MAX_HELD_RELEASES = 25  # Held releases after which a page looks at no further package.


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


@dataclass(frozen=True, slots=True)
class HeldReleases:
    """Shows owners the releases that burst detection held, and publishes those they confirm."""

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore
    records: PackageRecordWriter
    clock: Clock

    async def all(self, org: OrgName, *, by: Principal) -> list[Release]:
        """Return all releases of the organization that wait for an owner, in order of package."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        return [each async for each in self._held(org) if each.awaits_owner]

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
        """Publish a release that waits for an owner, who must have signed in recently.

        Raises `NotAwaited`; a repeat returns the live release.
        """
        await self.authorization.require_within(by, Action.GOVERN, coordinate.package.org)

        def decide(_head: Head, release: Release) -> Release:
            if release.state is State.LIVE:
                return release
            if release.state is not State.HELD or not release.awaits_owner:
                raise NotAwaited(coordinate)
            kind, now_ms = "release.confirmed", self.clock.now_ms()
            return _with_decision(release, kind, _Decision(State.LIVE), by=by, now_ms=now_ms)

        return await self.records.change_release(coordinate, decide)

    async def _held(self, org: OrgName) -> AsyncGenerator[Release]:
        batches = package_batches(self.metadata, RECORDS_AT_ONCE, prefix=f"{org.lower()}/")
        async for heads in batches:
            for head in heads:
                [survey] = await self.metadata.survey([head.package])
                for entry in survey.entries if survey else ():
                    if entry.state is State.HELD:
                        yield await _find(self.metadata, head.package.at(entry.parsed))

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


async def _find(metadata: MetadataStore, coordinate: Coordinate) -> Release:
    found = await metadata.find(coordinate)
    if found.release is None:
        raise ReleaseNotFound(coordinate.package, coordinate.version)
    return found.release


@dataclass(frozen=True, slots=True)
class _Decision:
    """A new state of a release; `reason` is for its owners, `public` for everybody."""

    state: State
    reason: str = ""
    public: PublicReason | None = None

    @property
    def reasons(self) -> tuple[str, PublicReason | None]:
        return self.reason, self.public


def _with_decision(
    release: Release, kind: str, decision: _Decision, *, by: Principal, now_ms: int
) -> Release:
    """Return the release in the state, with the event of that; it waits for no owner any more."""
    update: dict[str, object] = {"state": decision.state, "state_reason": decision.reason}
    if decision.public != release.public_reason:
        update["public_reason"] = decision.public
    changed = with_change(release, kind, by=by, now_ms=now_ms, **update)
    is_back = decision.state is State.LIVE and release.state is not State.LIVE
    marks = {"awaits_owner": False, "was_withheld": release.was_withheld or is_back}
    return changed.model_copy(update=marks)
