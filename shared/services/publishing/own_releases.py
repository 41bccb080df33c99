"""Own releases: an owner holds a release at once, restores it, and erases it while it is young and
hardly anybody uses it."""

import asyncio

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.errors.base import Conflict, Refusal
from shared.domain.errors.identity import second_administrator_needed
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.packages import FoundRelease, Head, Release
from shared.domain.principals import OPERATOR, Principal
from shared.domain.reasons import acts_from_outside
from shared.domain.release_pullers import (
    ERASABLE_FOR,
    MAX_PULLERS_OF_ERASED,
    ReleasePullers,
    is_erasable_at,
)
from shared.domain.release_states import Holder, State
from shared.domain.releases import Decision, parse_decision_reason, with_decision
from shared.domain.scopes import Action
from shared.domain.search import Query, ResultPage
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.domain.withdrawals import is_removed_by_owner
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import NO_DAY, PullLedger
from shared.ports.system import Clock
from shared.services.administration.second_administrator import SecondAdministrator
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.packages.search import PackageSearch
from shared.services.publishing.erasure import Erasure, ReleaseErasure

DEPENDENTS_READ = 50  # Packages of a page of dependents, each of which is surveyed.
MAX_DEPENDENTS_READ = 500  # If more packages depend on a package, many people use it.

_BY_OWNER = PublicReason(why=WithdrawalReason.OWNER_REQUEST)
_HOURS = round(ERASABLE_FOR.total_seconds() / 3600)


class OwnReleases(Struct, frozen=True):
    """What owners can do with releases of their organization without an administrator. Each action
    needs an owner who signed in recently, and may be repeated. A hold can be undone; the version
    stays taken in any case.
    """

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore
    pulls: PullLedger
    search: PackageSearch
    package_records: PackageRecordWriter
    erasure: ReleaseErasure
    second_administrator: SecondAdministrator
    clock: Clock

    async def hold(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a published release until an owner restores it; everybody sees who holds it."""
        reason = parse_decision_reason(reason, coordinate)
        await self.authorization.require_in_organization(by, Action.GOVERN, coordinate.package.org)
        decision = Decision(State.HELD, reason, _BY_OWNER, holder=Holder.OWNER)

        def decide(_head: Head, release: Release) -> Release:
            if release.is_held_by_owner and release.state_reason == reason:
                return release
            if release.state is not State.LIVE and not release.is_held_by_owner:
                raise _not_published(release)
            return self._decided(release, "release.owner-held", decision, by)

        return await self.package_records.change_release(coordinate, decide)

    async def restore(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Serve a release again that an owner held."""
        await self.authorization.require_in_organization(by, Action.GOVERN, coordinate.package.org)

        def decide(_head: Head, release: Release) -> Release:
            if release.state is State.LIVE:
                return release
            if not release.is_held_by_owner:
                raise _not_published(release)
            return self._decided(release, "release.owner-restored", Decision(State.LIVE), by)

        return await self.package_records.change_release(coordinate, decide)

    async def erase(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Erasure:
        """Remove a young release that hardly anybody uses, and delete all that is stored of it.

        Raises `not-erasable` with the reason; pulls of the last half minute may be missing. A
        repeat deletes what a failure left. Raises `second-administrator-needed` for administrators
        who are no owners, where two of them decide.
        """
        reason = parse_decision_reason(reason, coordinate)
        access = await self.authorization.require_in_organization(
            by, Action.GOVERN, coordinate.package.org
        )
        if self.second_administrator.must_confirm(by) and acts_from_outside(by, access):
            why = (
                f"You are no owner of {coordinate.package.org}. Erase {coordinate} as an "
                "administrator, which waits for a second one."
            )
            raise second_administrator_needed(why)
        found = await self.metadata.find(coordinate)
        if found.release is None or not is_removed_by_owner(found.release):
            await self._require_erasable(coordinate, found)
        decision = Decision(State.REMOVED, reason, _BY_OWNER)

        def decide(head: Head, release: Release) -> Release:
            if is_removed_by_owner(release):
                return release
            if refusal := self._refusal_to_erase(head, release):
                raise refusal
            return self._decided(release, "release.owner-erased", decision, by)

        # The record is changed first: from then on nobody can pull the release, and a repeat
        # continues after a crash.
        removed = await self.package_records.change_release(coordinate, decide)
        return await self.erasure.delete(removed, by=by)

    def _decided(self, release: Release, kind: str, decision: Decision, by: Principal) -> Release:
        return with_decision(release, kind, decision, by=by, now_ms=self.clock.now_ms())

    async def _require_erasable(self, coordinate: Coordinate, found: FoundRelease) -> None:
        if found.head is None or found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        if refusal := self._refusal_to_erase(found.head, found.release):
            raise refusal
        await self._require_unused(found.release)

    def _refusal_to_erase(self, head: Head, release: Release) -> Refusal | None:
        """Return why the state or the age of the release does not allow it."""
        if release.upstream is not None:
            return _not_erasable(release, "another registry published it")
        if release.state is not State.LIVE and not release.is_held_by_owner:
            return _not_published(release)
        if head.hold:
            return _not_erasable(release, "administrators hold its package while a case is open")
        if not is_erasable_at(release.created_ms, self.clock.now_ms()):
            return _not_erasable(release, f"it was published more than {_HOURS} hours ago")
        return None

    async def _require_unused(self, release: Release) -> None:
        has_dependents, pullers = await asyncio.gather(
            self._has_dependents(release), self._are_pullers_many(release)
        )
        if has_dependents:
            raise _not_erasable(release, "another package depends on it")
        if pullers:
            raise _not_erasable(
                release, f"more than {MAX_PULLERS_OF_ERASED} accounts, jobs or addresses pulled it"
            )

    async def _has_dependents(self, release: Release) -> bool:
        """Check whether a release of another package names this version."""
        package = release.coordinate.package
        page = ResultPage(limit=DEPENDENTS_READ)
        query = Query(depends_on=package.key, include_deprecated=True)
        wanted = (package.key, release.version)
        while True:
            # The operator sees every package, also dependents that the owner of this one may not
            # see.
            results = await self.search.search(query, page, by=OPERATOR)
            if results.count > MAX_DEPENDENTS_READ:
                return True
            packages = [each.listing.release.coordinate.package for each in results.hits]
            for survey in await self.metadata.survey(packages):
                for entry in survey.entries if survey else ():
                    named = {(f"{d.org}/{d.name}".lower(), d.version) for d in entry.dependencies}
                    if wanted in named and entry.state is not State.REMOVED:
                        return True
            page = ResultPage(limit=page.limit, offset=page.offset + page.limit)
            if not results.hits or page.offset >= results.count:
                return False

    async def _are_pullers_many(self, release: Release) -> bool:
        coordinate = release.coordinate
        found = await self.directory.get(ReleasePullers, release_place(coordinate))
        if found is not None:
            return found.are_many
        # An earlier version of the registry published it, and stored no pullers. Each of them
        # pulled it at least once, so they are not more than the pulls.
        history = await self.pulls.history(coordinate.package, since=NO_DAY)
        return history.versions.get(release.version, 0) > MAX_PULLERS_OF_ERASED


def _not_published(release: Release) -> Refusal:
    if release.is_held_for_owner:
        reason = "it waits for an owner. Publish or refuse it on the page of held releases"
    elif release.is_held_for_review:
        reason = "it waits for a review. Approve or refuse it on the page of staged releases"
    elif release.is_held_for_sigstore:
        reason = "it waits for its Sigstore bundle. Push it again with the bundle"
    elif release.is_held_for_package:
        reason = "it waits until administrators no longer hold its package. Ask them"
    else:
        state = release.state.value
        reason = f"an administrator of this registry decided on it ({state}). Ask them"
    return Conflict("release-withheld-already", f"{release.coordinate} is not published: {reason}.")


def _not_erasable(release: Release, reason: str) -> Refusal:
    return Conflict(
        "not-erasable",
        f"{release.coordinate} cannot be erased: {reason}. Hold it, which takes effect at once, "
        "and ask an administrator of this registry to remove it.",
    )
