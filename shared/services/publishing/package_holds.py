"""Package holds: an administrator holds a whole package while a case about it is open."""

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, about_field
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import Holder, PackageHold, State
from shared.domain.releases import next_decision, with_change, with_decision
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.organizations.organizations import Organizations
from shared.services.packages.package_records import PackageRecordWriter


class EndedHold(Struct, frozen=True):
    """The package whose hold ended, and the releases that waited for the end of the hold."""

    head: Head
    published: tuple[Release, ...]


class PackageHolds(Struct, frozen=True):
    """Holds whole packages: new releases wait, and published ones stay as they are. Only an
    administrator who signed in recently, or a token with the scope moderate, may hold a package.
    Each may be repeated, and a repeat finishes what was interrupted.
    """

    registry_authorization: RegistryAuthorization
    metadata: MetadataStore
    package_records: PackageRecordWriter
    organizations: Organizations
    clock: Clock

    async def hold(self, package: Package, reason: str, *, by: Principal) -> Head:
        """Hold the package; a repeat replaces the reason.

        Raises `PackageNotFound`, and `package-is-mirrored` for one of another registry.
        """
        with about_field("reason"):
            reason = parse_required_reason(reason, f"the hold of {package}")
        await self.registry_authorization.require_moderator(by, "hold", package, package)
        now_ms = self.clock.now_ms()

        def decide(head: Head) -> Head:
            if head.upstream:
                raise Conflict(
                    "package-is-mirrored",
                    f"{package} is mirrored from {head.upstream}, which publishes its releases. "
                    "Write a rule for it on /manage/mirror.",
                )
            if head.hold and head.hold.reason == reason:
                return head
            hold = PackageHold(reason=reason, by=by.id, since_ms=now_ms)
            return with_change(head, "package.held", by=by, now_ms=now_ms, reason=reason, hold=hold)

        return await self.package_records.change_package(package, decide)

    async def end(self, package: Package, *, by: Principal) -> EndedHold:
        """End the hold of the package, and publish the releases that waited for it. If its name
        resembled a popular one, the name of its organization is accepted as well."""
        await self.registry_authorization.require_moderator(by, "restore", package, package)
        now_ms = self.clock.now_ms()
        current = await self.metadata.head(package)
        if current and current.hold and current.hold.resembles:
            await self.organizations.accept_name(current.package.org, by=by)

        def decide(head: Head) -> Head:
            if head.hold is None:
                return head
            return with_change(head, "package.released", by=by, now_ms=now_ms, hold=None)

        # The hold ends first, so that no later push waits.
        head = await self.package_records.change_package(package, decide)
        published = [
            await self._publish(each, by)
            for each in await self._held(head.package)
            if each.is_held_for_package
        ]
        return EndedHold(head, tuple(each for each in published if each.state is State.LIVE))

    async def _held(self, package: Package) -> list[Release]:
        [survey] = await self.metadata.survey([package])
        found = list[Release]()
        for entry in survey.entries[::-1] if survey else ():
            if entry.state is State.HELD:
                stored = await self.metadata.find(package.at(entry.parsed))
                found += [stored.release] if stored.release else []
        return found

    async def _publish(self, release: Release, by: Principal) -> Release:
        def decide(head: Head, current: Release) -> Release:
            if not current.is_held_for_package:
                return current
            following = next_decision(head, current)
            if following.holder is Holder.PACKAGE:  # It is held again.
                return current
            is_live = following.state is State.LIVE
            kind = "release.confirmed" if is_live else "release.held"
            return with_decision(current, kind, following, by=by, now_ms=self.clock.now_ms())

        return await self.package_records.change_release(release.coordinate, decide)
