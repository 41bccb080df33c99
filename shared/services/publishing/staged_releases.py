"""Staged releases: those that a rule holds until owners or maintainers of their organization
approve them."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import AccessContext, refusal_of
from shared.domain.api_docs.records import ApiVerdict, ChangeList, earlier_release
from shared.domain.archives.unpacking import EntryChange, changed_entries
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.packages import ApiDocsFailed, ReleaseNotFound, ReviewNotAwaited
from shared.domain.errors.requests import ApiDocsPending, Busy
from shared.domain.names import OrgName
from shared.domain.packages import GivenApproval, Head, Release, ReleaseEntry, Survey
from shared.domain.principals import Principal
from shared.domain.release_comparisons import ReleaseComparison
from shared.domain.release_states import Holder, State
from shared.domain.releases import (
    Decision,
    next_decision,
    parse_decision_reason,
    with_change,
    with_decision,
)
from shared.domain.scopes import Action
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.api_docs.on_demand import ApiComparisons
from shared.services.identity.accounts import account_names
from shared.services.identity.mail import DecisionMail
from shared.services.packages.archive_delivery import ArchiveDelivery
from shared.services.packages.archive_reader import ArchiveFiles
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.publishing.release_mail import ReleaseMail
from shared.services.publishing.waiting_packages import (
    MAX_WAITING_RELEASES,
    waiting_package_page,
)

FILES_COMPARED = 200  # Changed files that the page lists; it says how many more there are.


class StagedRelease(Struct, frozen=True):
    """A release that waits for a review, and how it differs from the latest one before it, which
    is None for the first release of a package."""

    release: Release
    comparison: ReleaseComparison | None


class StagedReleasePage(Struct, frozen=True):
    """Releases that wait, in order of package; `next` is the name after which there may be more,
    and `names` are those of the accounts that published or approved them."""

    releases: tuple[StagedRelease, ...]
    names: Mapping[str, str]
    next: str


class FileChange(Struct, frozen=True):
    """A file that is new, missing or changed since the version before."""

    path: str
    change: EntryChange


class StagedReview(Struct, frozen=True):
    """What people read before they approve a release: the files and the API that differ from the
    version before.

    Without a version before, `files` are None, and nothing is compared. `api` is None where it was
    not compared, for the reason `api_problem`.
    """

    release: Release
    names: Mapping[str, str]
    comparison: ReleaseComparison | None = None
    files: tuple[FileChange, ...] | None = None
    more_files: int = 0
    verdict: ApiVerdict | None = None
    api: ChangeList | None = None
    api_problem: str = ""


class StagedReleases(Struct, frozen=True):
    """Shows members the releases that wait for a review; owners and maintainers who signed in
    recently approve or refuse each. No token, no job and no operator approves. Every decision may
    be repeated.
    """

    authorization: Authorization
    metadata: MetadataStore
    package_records: PackageRecordWriter
    archive_files: ArchiveFiles
    archive_delivery: ArchiveDelivery
    comparisons: ApiComparisons
    history: ApiHistory
    decision_mail: DecisionMail
    mail: ReleaseMail
    directory: DirectoryStore
    clock: Clock
    base_url: str

    async def page(self, org: OrgName, after: str = "", *, by: Principal) -> StagedReleasePage:
        """Return the releases of an organization that wait, of the packages whose names come after
        `after`, to its members, as far as their credential reads the packages.

        Its cost depends on the packages of one page and their held releases.
        """
        access = await self.authorization.require_to_read(by, Action.READ, org)
        surveys, next_ = await waiting_package_page(self.metadata, org, after, _waits)
        readable = [each for each in surveys if _may_read(by, access, each.head.package)]
        groups = await asyncio.gather(*map(self._staged, readable))
        releases = tuple(each for group in groups for each in group)
        names = await self._names(*(each.release for each in releases))
        return StagedReleasePage(releases, names, next_)

    async def review(self, coordinate: Coordinate, *, by: Principal) -> StagedReview:
        """Return what differs from the version before; raise `ReleaseNotFound` for what does not
        wait for a review."""
        head, release = await self._waiting(coordinate, by)
        [survey] = await self.metadata.survey([head.package])
        live = survey.live if survey else ()
        entry = earlier_release(live, coordinate.version)
        names = await self._names(release)
        if entry is None:
            return StagedReview(release, names)
        found = await self.metadata.find(head.package.at(entry.parsed))
        earlier = found.release
        files = list[FileChange]()
        if earlier is not None:
            before, after = await asyncio.gather(
                self.archive_files.list(earlier), self.archive_files.list(release)
            )
            files = [FileChange(*each) for each in changed_entries(before, after)]
        api, problem = await self._api(head.package, entry, ReleaseEntry.of(release))
        return StagedReview(
            release=release,
            names=names,
            comparison=ReleaseComparison.of(release, earlier) if earlier else None,
            files=tuple(files[:FILES_COMPARED]),
            more_files=len(files[FILES_COMPARED:]),
            verdict=await self.history.verdict(coordinate),
            api=api,
            api_problem=problem,
        )

    async def link(self, coordinate: Coordinate, *, by: Principal) -> str:
        """Return an address of the archive, which works for ten minutes and without a credential;
        raise `ReleaseNotFound` for what does not wait for a review."""
        head, release = await self._waiting(coordinate, by)
        return await self.archive_delivery.review_url(head, release)

    async def approve(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Approve a release, which is published once enough people did and it waits for nothing
        else; raise `review-not-awaited`. Whoever approves it again changes nothing.

        An approval counts while its account may approve: it ends with the role, and with a lock.
        """
        if by.is_operator:
            raise NotPermitted(
                "approve",
                coordinate,
                "the operator approves nothing; owners and maintainers do so with their session",
                way_out=f"Open {self._page(coordinate)} in a browser.",
            )
        await self.authorization.require_in_organization(by, Action.APPROVE, coordinate.package)
        ended = await self._ended_approvers(coordinate)

        def decide(head: Head, release: Release) -> Release:
            approval = release.approval
            if approval is None or release.refused:
                raise ReviewNotAwaited(coordinate)
            if any(each.by == by.id for each in approval.given) or release.state is State.LIVE:
                return release
            if not release.is_held_for_review:
                raise ReviewNotAwaited(coordinate)
            now_ms = self.clock.now_ms()
            standing = [each for each in approval.given if each.by not in ended]
            given = (*standing, GivenApproval(by=by.id, at_ms=now_ms))
            approved = approval.model_copy(update={"given": given})
            release = release.model_copy(update={"approval": approved})
            if not approved.is_met:
                return with_change(release, "release.approved", by=by, now_ms=now_ms)
            following = next_decision(head, release)
            is_live = following.state is State.LIVE
            # The same kind of event whoever ended the hold.
            kind = "release.confirmed" if is_live else "release.held"
            return with_decision(release, kind, following, by=by, now_ms=now_ms)

        release = await self.package_records.change_release(coordinate, decide)
        if release.approval is not None and release.approval.is_met:
            await self.mail.send_reviewed(release, by=by.id)
        return release

    async def refuse(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Remove a release that waits, for a reason that its organization reads; raise
        `review-not-awaited`. It was never published, and its version can never be."""
        reason = parse_decision_reason(reason, coordinate)
        access = await self.authorization.require_in_organization(
            by, Action.APPROVE, coordinate.package
        )
        decision = Decision(State.REMOVED, reason, is_refusal=True)

        def decide(_head: Head, release: Release) -> Release:
            if release.state is State.REMOVED and release.refused:
                return release
            if not release.is_held_for_review:
                raise ReviewNotAwaited(coordinate)
            now_ms = self.clock.now_ms()
            return with_decision(release, "release.refused", decision, by=by, now_ms=now_ms)

        release = await self.package_records.change_release(coordinate, decide)
        what = f"{coordinate}, which waited for a review, is refused"
        await self.decision_mail.send_if_from_outside(by, access, what, reason)
        await self.mail.send_reviewed(release, by=by.id)
        return release

    async def _ended_approvers(self, coordinate: Coordinate) -> frozenset[str]:
        """Return who approved a release and may not approve it now. Who approves it meanwhile is
        checked by their own request."""
        found = await self.metadata.find(coordinate)
        approval = found.release.approval if found.release else None
        approvers = [each.by for each in approval.given] if approval else []
        org = coordinate.package.org
        now_ms = self.clock.now_ms()
        contexts = await asyncio.gather(
            *(self.directory.access_context(each, org, now_ms) for each in approvers)
        )
        return frozenset(
            account
            for account, access in zip(approvers, contexts, strict=True)
            if not access.may_approve
        )

    async def _waiting(self, coordinate: Coordinate, by: Principal) -> tuple[Head, Release]:
        package = coordinate.package
        await self.authorization.require_to_read(by, Action.READ, package.org)
        found = await self.metadata.find(coordinate)
        head = found.head
        release = found.release
        if head is None or release is None or not release.is_held_for_review:
            raise ReleaseNotFound(package, coordinate.version)
        return head, release

    async def _api(
        self, package: Package, before: ReleaseEntry, after: ReleaseEntry
    ) -> tuple[ChangeList | None, str]:
        try:
            return await self.comparisons.changes(package, before, after), ""
        except (ApiDocsFailed, ApiDocsPending, Busy) as refusal:
            return None, str(refusal)

    async def _staged(self, survey: Survey) -> list[StagedRelease]:
        """Return the releases of a package that wait, the lowest versions first."""
        package = survey.head.package
        staged = list[StagedRelease]()
        for entry in [each for each in survey.entries[::-1] if _waits(each)][:MAX_WAITING_RELEASES]:
            before = earlier_release(survey.live, entry.parsed)
            entries = [entry, *([before] if before else [])]
            found = await asyncio.gather(
                *(self.metadata.find(package.at(each.parsed)) for each in entries)
            )
            releases = [each.release for each in found if each.release]
            if not releases or not releases[0].is_held_for_review:
                continue
            earlier = releases[1] if len(releases) > 1 else None
            compared = ReleaseComparison.of(releases[0], earlier) if earlier else None
            staged.append(StagedRelease(releases[0], compared))
        return staged

    async def _names(self, *releases: Release) -> Mapping[str, str]:
        approvals = [each.approval for each in releases if each.approval]
        given = [each.by for approval in approvals for each in approval.given]
        publishers = [release.origin.principal for release in releases]
        return await account_names(self.directory, (*publishers, *given))

    def _page(self, coordinate: Coordinate) -> str:
        return f"{self.base_url}/account/organizations/{coordinate.package.org}/staged"


def _waits(entry: ReleaseEntry) -> bool:
    return entry.state is State.HELD and entry.holder is Holder.REVIEW


def _may_read(by: Principal, access: AccessContext, package: Package) -> bool:
    return refusal_of(by, access.for_reading, Action.READ, package) is None
