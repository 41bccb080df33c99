"""Moderation: administrators hold, quarantine, remove and restore releases; owners
decide on held ones."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.access_rights import AccessContext, refusal_of, require_right
from shared.domain.coordinates import Coordinate, Package, release_place
from shared.domain.distributions import ANY_CLIENT
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Invalid
from shared.domain.errors.packages import NotAwaited, PackageNotFound, ReleaseNotFound
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Origin, Release, Survey
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change
from shared.domain.release_comparisons import ReleaseComparison
from shared.domain.release_states import Holder, State
from shared.domain.releases import Decision, next_decision, parse_decision_reason, with_decision
from shared.domain.scopes import Action
from shared.domain.sentences import named
from shared.domain.tokens import Token
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.domain.withdrawal_reasons import PublicReason
from shared.domain.withheld_notes import WithheldNote
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import PullLedger
from shared.ports.system import Clock
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.identity.accounts import account_names
from shared.services.identity.mail import DecisionMail
from shared.services.list_pages import entity_page, organization_package_page
from shared.services.packages.dependents import Dependents
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter
from shared.services.publishing.release_mail import ReleaseMail
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches

PACKAGES_READ = 50  # Packages that one page looks through: each is surveyed.
MAX_HELD_RELEASES = 25  # Held releases after which a page looks at no further package.
MAX_DECIDED_AT_ONCE = 500  # Releases that one request decides on.
NAMED_IN_MAIL = 10  # Releases of a burst that a mail names.
# Releases decided on at the same time; each takes about ten calls of the stores.
DECIDED_TOGETHER = 10

_REFUSED = "an owner refused to publish it"

Decide = Callable[[Coordinate, Principal], Awaitable[Release]]


class HeldRelease(Struct, frozen=True):
    """A release that waits for an owner, compared with the latest one; None if nothing is live."""

    release: Release
    comparison: ReleaseComparison | None


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
        surveys, next_ = await self._surveys_with_held(org, after)
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
                if survey and entry.state is State.HELD
            ]
            for start in range(0, len(held), DECIDED_TOGETHER):
                together = held[start : start + DECIDED_TOGETHER]
                found = await asyncio.gather(*map(self.metadata.find, together))
                for each in found:
                    if each.release and each.release.is_held_for_owner:
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
        package = survey.head.package
        live = latest(survey, Range(), ANY_CLIENT)
        held = [entry for entry in survey.entries[::-1] if entry.state is State.HELD]
        # A burst may have any number of releases, so the others are shown after these were decided
        # on.
        entries = [*held[:MAX_HELD_RELEASES], *([live] if live else [])]
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


async def _decide_together(
    coordinates: Sequence[Coordinate], decide: Decide, by: Principal
) -> list[Release]:
    """Decide on releases; leave out those on which somebody else decided meanwhile."""
    acts = (decide(each, by) for each in coordinates)
    # All calls end before the failure of one is raised, so that none continues after the answer.
    results = await asyncio.gather(*acts, return_exceptions=True)
    for each in results:
        if isinstance(each, BaseException) and not isinstance(each, NotAwaited):
            raise each
    return [each for each in results if isinstance(each, Release)]


# What an administrator does to bring a release into a state.
STATE_VERBS = {
    State.HELD: "hold",
    State.QUARANTINED: "quarantine",
    State.LIVE: "release",
    State.REMOVED: "remove",
}
WITHHELD_RELEASES_SHOWN = 50  # Withheld releases on a page of the list.

_NO_DAY = "9999"  # A history of pulls since this day has totals, and no single days.


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
    dependents: Dependents
    derived_data: DerivedData
    package_records: PackageRecordWriter
    mail: ReleaseMail
    clock: Clock

    async def find(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Return the release, whatever its state, or raise `ReleaseNotFound`."""
        await self.registry_authorization.require_reviewer(
            by, "look at", coordinate, coordinate.package
        )
        return await _find(self.metadata, coordinate)

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
            self.pulls.history(head.package, since=_NO_DAY),
            self.dependents.count(head.package, by=by),
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
        """Serve a held or quarantined release again; one whose Sigstore bundle did not come yet
        waits for that."""
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


async def _find(metadata: MetadataStore, coordinate: Coordinate) -> Release:
    found = await metadata.find(coordinate)
    if found.release is None:
        raise ReleaseNotFound(coordinate.package, coordinate.version)
    return found.release
