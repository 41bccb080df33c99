"""Revocations of packages: withdrawn releases, and packages that were frozen, held or hidden."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, Release
from shared.domain.principals import OPERATOR
from shared.domain.release_states import Holder, PackageHold, State
from shared.domain.releases import Decision, with_change, with_decision
from shared.domain.revocations import Revocation, Subject, digest_of
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason
from shared.ports.archive_store import STORED_AT_ANY_TIME_MS, ArchiveStore
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.administration.revocation_report import REASON, RevocationReport
from shared.services.erased_releases import ErasedReleases
from shared.services.organizations.freezes import Freezes
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches, package_batches


class PackageRevocations(Struct, frozen=True):
    """Withdraws and erases releases again, and freezes, holds and hides packages; a frozen
    organization freezes all of its packages."""

    metadata: MetadataStore
    directory: DirectoryStore
    archives: ArchiveStore
    freezes: Freezes
    erased_releases: ErasedReleases
    package_records: PackageRecordWriter
    clock: Clock

    async def change_release(self, revocation: Revocation, report: RevocationReport) -> None:
        release = (await self.metadata.by_digest(Digest(revocation.id))).release
        if release is None:
            if is_removal_of_release(revocation):
                report.missing[
                    "releases that were removed are not in the backup: their versions can be "
                    "published again."
                ] += 1
            return
        wanted = _STATES.get(revocation.act)
        holder = Holder.OWNER if revocation.act == "release.owner-held" else Holder.ADMINISTRATOR
        here = _strictness(
            release.state, release.holder, is_held_for_owner=release.is_held_for_owner
        )
        if wanted is None or _strictness(wanted, holder) < here:
            if release.state in (State.HELD, State.QUARANTINED):
                since = wanted.value if wanted else "restored"
                way_out = f"ballroom package restore {release.coordinate}"
                report.undecided.append(
                    f"{release.coordinate} was {since} after the backup, and is "
                    f"{release.state.value} here: {way_out}"
                )
            return
        if _strictness(wanted, holder) > here:
            await self._withdraw(release, revocation, wanted, holder)
            report.applied.append(f"{wanted.value} {release.coordinate}")
        if revocation.act == "release.erased" and await self._erase(release):
            report.applied.append(f"erased the archive of {release.coordinate}")

    async def _withdraw(
        self, release: Release, revocation: Revocation, wanted: State, holder: Holder
    ) -> None:
        decision = Decision(
            wanted,
            REASON,
            PublicReason(why=revocation.why) if revocation.why else None,
            is_refusal=revocation.act == "release.refused",
            holder=holder,
        )
        # The same act, so that the list says it again; of an erasure only its record is written.
        kind = "release.removed" if revocation.act == "release.erased" else revocation.act

        def decide(_head: Head, current: Release) -> Release:
            now_ms = self.clock.now_ms()
            return with_decision(current, kind, decision, by=OPERATOR, now_ms=now_ms)

        await self.package_records.change_release(release.coordinate, decide)

    async def _erase(self, release: Release) -> bool:
        erased = self.erased_releases
        if release.erased or await erased.needed_by(release.archive_digest, release):
            return False
        if not await self.archives.delete(release.archive_digest, STORED_AT_ANY_TIME_MS):
            return False  # Something stored it again meanwhile; a repeat or the sweep deletes it.
        await erased.delete_documents(release)
        until_ms = erased.kept_until_ms()
        await erased.note(release.coordinate, copies_until_ms=until_ms, by=OPERATOR)
        return True

    async def freeze_organizations(
        self, revocations: Sequence[Revocation], report: RevocationReport
    ) -> None:
        wanted = {each.id: each.act == "organization.frozen" for each in revocations}
        if not wanted:
            return
        async for batch in entity_batches(self.directory, Organization, RECORDS_AT_ONCE):
            for organization in batch:
                is_frozen = wanted.pop(digest_of(organization.key), None)
                if is_frozen is not None and is_frozen != (organization.freeze is not None):
                    await self._freeze_organization(organization, report, is_frozen=is_frozen)
        if missing := sum(wanted.values()):
            report.missing[
                "frozen organizations are not in the backup: anybody can found them again."
            ] += missing

    async def _freeze_organization(
        self, organization: Organization, report: RevocationReport, *, is_frozen: bool
    ) -> None:
        name = OrgName(organization.name)
        if not is_frozen:
            report.undecided.append(
                f"{name} was unfrozen after the backup, and is frozen here: ballroom org unfreeze "
                f"{name}"
            )
            return
        try:
            await self.freezes.freeze_organization(name, REASON, by=OPERATOR)
            report.applied.append(f"froze {name}")
        except Refusal as refusal:
            report.undecided.append(f"{name}, frozen after the backup: {refusal}")

    async def change_packages(
        self, revocations: Iterable[Revocation], report: RevocationReport
    ) -> None:
        """Hold and freeze packages, and narrow their visibility."""
        acts = {
            (each.about, each.id): each.act for each in revocations if each.about in _OF_PACKAGES
        }
        if not acts:
            return
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            for head in heads:
                key = digest_of(head.key)
                for about in _OF_PACKAGES:
                    if act := acts.pop((about, key), ""):
                        await self._change_package(head, about, act, report)
        if missing := sum(act in ("package.frozen", "package.held") for act in acts.values()):
            report.missing[
                "packages that were frozen or held are not in the backup: see who pushes them."
            ] += missing

    async def _change_package(
        self, head: Head, about: str, act: str, report: RevocationReport
    ) -> None:
        handlers = {
            Subject.PACKAGE.value: self._narrow,
            Subject.FROZEN_PACKAGE.value: self._freeze_package,
            Subject.HELD_PACKAGE.value: self._hold_package,
        }
        try:
            await handlers[about](head, act, report)
        except Refusal as refusal:
            done = act.partition(".")[2]
            report.undecided.append(f"{head.package}, {done} after the backup: {refusal}")

    async def _freeze_package(self, head: Head, act: str, report: RevocationReport) -> None:
        place = organization_place(head.org)
        organization = await self.directory.get(Organization, place)
        freezes = organization.frozen_packages if organization else ()
        is_frozen = any(each.name == head.name.lower() for each in freezes)
        if act == "package.frozen" and not is_frozen:
            await self.freezes.freeze_package(head.package, REASON, by=OPERATOR)
            report.applied.append(f"froze {head.package}")
        elif act == "package.unfrozen" and is_frozen:
            report.undecided.append(
                f"{head.package} was unfrozen after the backup, and is frozen here: ballroom "
                f"package unfreeze {head.package}"
            )

    async def _hold_package(self, head: Head, act: str, report: RevocationReport) -> None:
        if act == "package.held" and head.hold is None:
            await self._set_hold(head.package)
            report.applied.append(f"held {head.package}, so that its new releases wait")
        elif act == "package.released" and head.hold is not None:
            report.undecided.append(
                f"{head.package} is held here, which ended after the backup: ballroom package "
                f"restore {head.package}"
            )

    async def _narrow(self, head: Head, act: str, report: RevocationReport) -> None:
        """Give a package that fewer could read after the backup the visibility that it had."""
        visibility = Visibility(act.partition(".")[2])
        if visibility.is_narrower_than(head.visibility):
            await self._set_visibility(head.package, visibility)
            report.applied.append(f"made {head.package} {visibility.value}")
        elif visibility is not head.visibility:
            report.undecided.append(
                f"{head.package} was made {visibility.value} after the backup, and is "
                f"{head.visibility.value} here."
            )

    async def _set_hold(self, package: Package) -> None:
        def decide(head: Head) -> Head:
            now_ms = self.clock.now_ms()
            hold = PackageHold(reason=REASON, by=OPERATOR.id, since_ms=now_ms)
            return with_change(
                head, "package.held", by=OPERATOR, now_ms=now_ms, reason=REASON, hold=hold
            )

        await self.package_records.change_package(package, decide)

    async def _set_visibility(self, package: Package, visibility: Visibility) -> None:
        def decide(head: Head) -> Head:
            now_ms = self.clock.now_ms()
            kind = f"package.{visibility.value}"
            return with_change(head, kind, by=OPERATOR, now_ms=now_ms, visibility=visibility)

        await self.package_records.change_package(package, decide)


def is_removal_of_release(revocation: Revocation) -> bool:
    """Check whether the act removed or erased a release, so that it was not to be served again."""
    return _STATES.get(revocation.act) is State.REMOVED


_OF_PACKAGES = frozenset(
    (Subject.PACKAGE.value, Subject.FROZEN_PACKAGE.value, Subject.HELD_PACKAGE.value)
)
_STATES = {
    "release.held": State.HELD,
    "release.owner-held": State.HELD,
    "release.quarantined": State.QUARANTINED,
    "release.removed": State.REMOVED,
    "release.owner-erased": State.REMOVED,
    "release.refused": State.REMOVED,
    "release.erased": State.REMOVED,
}
_STRICTNESS = {State.LIVE: 0, State.HELD: 1, State.QUARANTINED: 3, State.REMOVED: 4}


def _strictness(state: State, holder: Holder, *, is_held_for_owner: bool = False) -> int:
    """Return a number that is greater for what fewer people can end."""
    is_by_administrator = holder is Holder.ADMINISTRATOR and not is_held_for_owner
    return _STRICTNESS[state] + (state is State.HELD and is_by_administrator)
