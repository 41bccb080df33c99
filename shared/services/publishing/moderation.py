"""Moderation: administrators hold, quarantine, remove and restore releases."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from shared.auth.authorization import Administration
from shared.domain.errors.base import Invalid
from shared.domain.errors.packages import (
    PackageNotFound,
    ReleaseNotFound,
)
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, Package, release_place
from shared.domain.packages import Head, PublicReason, Release, State, Survey
from shared.domain.records import Place
from shared.domain.releases import Decision, with_decision
from shared.domain.search import Query, ResultPage
from shared.domain.withheld_releases import WithheldNote
from shared.ports import Clock, DirectoryStore, MetadataStore, PullLedger
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.identity.accounts import account_names
from shared.services.identity.mail import ReleaseMail
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter
from shared.services.packages.search import PackageSearch
from shared.services.records import (
    entity_page,
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
        return await self._decide(coordinate, Decision(State.HELD, reason), by)

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
        return await self._decide(coordinate, Decision(State.QUARANTINED, reason, public), by)

    async def restore(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Serve a held or quarantined release again."""
        return await self._decide(coordinate, Decision(State.LIVE), by)

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
        return await self._decide(coordinate, Decision(State.REMOVED, reason, public), by)

    async def _decide(self, coordinate: Coordinate, decision: Decision, by: Principal) -> Release:
        state = decision.state
        await self.administration.require_fresh(by, STATE_VERBS[state], str(coordinate))

        def decide(_head: Head, release: Release) -> Release:
            if release.state is state and not release.awaits_owner:
                if decision.reasons == (release.state_reason, release.public_reason):
                    return release
            elif release.state is State.REMOVED:
                raise Invalid(
                    "removed-for-good",
                    f"{coordinate} was removed permanently, and its version can never be "
                    "published again. Publish a new version instead.",
                )
            kind, now_ms = f"release.{state.value}", self.clock.now_ms()
            return with_decision(release, kind, decision, by=by, now_ms=now_ms)

        release, is_changed = await self.records.store_release(coordinate, decide)
        try:
            await self.derived_data.update(release)
        finally:  # The change is in force, even where the lists do not show it yet.
            if is_changed:
                await self.mail.send_decision(release)
        return release


async def _find(metadata: MetadataStore, coordinate: Coordinate) -> Release:
    found = await metadata.find(coordinate)
    if found.release is None:
        raise ReleaseNotFound(coordinate.package, coordinate.version)
    return found.release
