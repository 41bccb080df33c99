"""Moderation: administrators hold, quarantine, remove and restore releases."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.coordinates import Coordinate, Package, release_place
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Invalid
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.packages import Head, Release, Survey
from shared.domain.principals import Principal
from shared.domain.release_states import Holder, State
from shared.domain.releases import Decision, next_decision, parse_decision_reason, with_decision
from shared.domain.withdrawal_reasons import PublicReason
from shared.domain.withheld_notes import WithheldNote
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import NO_DAY, PullLedger
from shared.ports.system import Clock
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.identity.accounts import account_names
from shared.services.list_pages import entity_page
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.packages.search import PackageSearch
from shared.services.publishing.release_mail import ReleaseMail

# What an administrator does to bring a release into a state.
STATE_VERBS = {
    State.HELD: "hold",
    State.QUARANTINED: "quarantine",
    State.LIVE: "release",
    State.REMOVED: "remove",
}
WITHHELD_RELEASES_SHOWN = 50  # Withheld releases on a page of the list.


class WithheldReleasePage(Struct, frozen=True):
    """Withheld releases, in order of package; `names` are those of the accounts that decided, and
    `next` is the release after which there are more."""

    releases: tuple[WithheldNote, ...]
    names: Mapping[str, str]
    next: Coordinate | None


class InspectedRelease(Struct, frozen=True):
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


class Moderation(Struct, frozen=True):
    """Shows releases to administrators and auditors, and changes their state.

    Only an administrator who signed in recently, or the operator, may change a state. A token with
    the scope moderate may change what can be undone, which is everything except removing.
    """

    registry_authorization: RegistryAuthorization
    metadata: MetadataStore
    directory: DirectoryStore
    pulls: PullLedger
    audit_log: AuditLog
    search: PackageSearch
    derived_data: DerivedData
    package_records: PackageRecordWriter
    mail: ReleaseMail
    clock: Clock

    async def find(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Return the release, whatever its state, or raise `ReleaseNotFound`."""
        await self.registry_authorization.require_reviewer(
            by, "look at", coordinate, coordinate.package
        )
        found = await self.metadata.find(coordinate)
        if found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        return found.release

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return a package with all its releases, or raise `PackageNotFound`."""
        await self.registry_authorization.require_reviewer(by, "look at", package, package)
        [survey] = await self.metadata.survey([package])
        if survey is None or not survey.entries:
            raise PackageNotFound(package)
        return survey

    async def withheld(
        self, after: Coordinate | None = None, *, by: Principal
    ) -> WithheldReleasePage:
        await self.registry_authorization.require_reviewer(by, "read", "what is withheld")
        place = release_place(after) if after else Place("")
        page = await entity_page(self.directory, WithheldNote, place, WITHHELD_RELEASES_SHOWN)
        names = await account_names(self.directory, (each.by for each in page.entities))
        next_ = page.entities[-1].coordinate if page.is_more else None
        return WithheldReleasePage(page.entities, names, next_)

    async def inspect(
        self, coordinate: Coordinate, before: int | None = None, *, by: Principal
    ) -> InspectedRelease:
        """Return a release with the events of its history before a given event.

        Raises `ReleaseNotFound`.
        """
        await self.registry_authorization.require_auditor(by, "look at", str(coordinate))
        found = await self.metadata.find(coordinate)
        head = found.head
        release = found.release
        if head is None or release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        pulls, dependents, history, names = await asyncio.gather(
            self.pulls.history(head.package, since=NO_DAY),
            self.search.count_dependents(head.package, by=by),
            self.audit_log.of_release(release, before, by=by),
            account_names(self.directory, [release.origin.principal]),
        )
        return InspectedRelease(
            head=head,
            release=release,
            pulls=pulls.versions.get(release.version, 0),
            dependents=dependents,
            history=history,
            names={**names, **history.names},
        )

    async def hold(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a release until an administrator restores it."""
        reason = parse_decision_reason(reason, coordinate)
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
        reason = parse_decision_reason(reason, coordinate)
        return await self._decide(coordinate, Decision(State.QUARANTINED, reason, public), by)

    async def restore(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Serve a held or quarantined release again; one whose Sigstore bundle has not come yet
        waits for it."""
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
        reason = parse_decision_reason(reason, coordinate)
        return await self._decide(coordinate, Decision(State.REMOVED, reason, public), by)

    async def quarantine_by_rule(
        self, coordinate: Coordinate, reason: str, public: PublicReason, *, by: Principal
    ) -> Release:
        """Quarantine a live release as the rule about reports says, and return it; one that is
        withheld already stays as it is. Callers check the rule. Raises `ReleaseNotFound`.
        """

        def decide(_head: Head, release: Release) -> Release:
            if release.state is not State.LIVE:
                return release
            decision = Decision(State.QUARANTINED, reason, public, holder=Holder.REPORTS)
            now_ms = self.clock.now_ms()
            return with_decision(release, "release.quarantined", decision, by=by, now_ms=now_ms)

        release, is_changed = await self.package_records.store_release(coordinate, decide)
        return await self._carry_out(release, is_changed=is_changed)

    async def _decide(self, coordinate: Coordinate, decision: Decision, by: Principal) -> Release:
        release, is_changed = await self.decide(coordinate, decision, by=by)
        return await self._carry_out(release, is_changed=is_changed)

    async def _carry_out(self, release: Release, *, is_changed: bool) -> Release:
        try:
            await self.derived_data.update(release)
        finally:  # The change is stored, even if the lists do not show it yet.
            if is_changed:
                await self.mail.send_decision(release)
        return release

    async def decide(
        self, coordinate: Coordinate, decision: Decision, *, by: Principal
    ) -> tuple[Release, bool]:
        """Store a decision, and return the release and whether it changed. Derived data and mail
        are left to the caller, which may decide on many releases.

        Raises `ReleaseNotFound` and `removed-for-good`.
        """
        await self._require_decider(coordinate, decision.state, by)

        def decide(head: Head, release: Release) -> Release:
            if _has_decision(release, decision):
                return release
            if release.state is State.REMOVED and decision.state is not State.REMOVED:
                raise Invalid(
                    "removed-for-good",
                    f"{coordinate} was removed permanently, and its version can never be "
                    "published again. Publish a new version instead.",
                )
            following = decision
            if decision.state is State.LIVE and (release.needs_approval or release.needs_sigstore):
                # What the release has waited for since its push is still required.
                following = next_decision(head, release)
            if _has_decision(release, following):
                if release.needs_approval:
                    raise review_pending(release)
                return release  # Its Sigstore bundle publishes it, and nothing else.
            kind = f"release.{following.state.value}"
            now_ms = self.clock.now_ms()
            return with_decision(release, kind, following, by=by, now_ms=now_ms)

        return await self.package_records.store_release(coordinate, decide)

    async def _require_decider(self, coordinate: Coordinate, state: State, by: Principal) -> None:
        verb = STATE_VERBS[state]
        if state is State.REMOVED:
            await self.registry_authorization.require_fresh(by, verb, str(coordinate))
        else:
            await self.registry_authorization.require_moderator(
                by, verb, coordinate, coordinate.package
            )


def review_pending(release: Release) -> Conflict:
    """Return the refusal of a release that only its owners and maintainers may publish."""
    org = release.org
    return Conflict(
        "review-awaited",
        f"{release.coordinate} waits for a review: {release.state_reason} Only owners and "
        f"maintainers of {org} publish it, on the page of staged releases of {org}.",
    )


def _has_decision(release: Release, decision: Decision) -> bool:
    """Check whether the release is already in the state of the decision, for the same reasons."""
    is_same = release.state is decision.state and not release.is_held_for_owner
    is_held_alike = release.state is not State.HELD or release.holder is decision.holder
    reasons = (release.state_reason, release.public_reason)
    return is_same and is_held_alike and decision.reasons == reasons
