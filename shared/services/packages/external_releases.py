"""Releases of other registries, which a mirror or the import of a bundle stores here: their
archives, the first digest that was seen of each release, and the releases that are refused.
"""

from contextlib import suppress

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.archives.bala import Bala
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package, package_owner, release_place
from shared.domain.errors.packages import (
    ReleaseNotFound,
    SpelledDifferently,
    UpstreamReleaseRefused,
)
from shared.domain.mirroring import (
    INCIDENT,
    REFUSED,
    UpstreamRelease,
    UpstreamVersions,
    upstream_versions_place,
)
from shared.domain.packages import Head, Release, UpstreamOrigin
from shared.domain.principals import MIRROR, Principal
from shared.domain.releases import mirrored_release, with_change, with_removal
from shared.domain.visibility import Visibility
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.packages.release_storing import NewRelease, ReleaseStoring


class ExternalReleases(Struct, frozen=True):
    """Stores releases of other registries. Every call may be repeated, and a crash leaves nothing
    visible that is incomplete."""

    storing: ReleaseStoring
    metadata: MetadataStore
    derived_data: DerivedData
    package_records: PackageRecordWriter
    clock: Clock

    async def store(
        self, bala: Bala, content: bytes | memoryview, described: Release, wanted: Head
    ) -> None:
        """Store a verified archive, and its release if none is stored yet: as the other registry
        describes the release, and with the head that its package gets here.

        The name of the organization belongs to the other registry already. Raises
        `ReleaseNotFound` if the package is another one's, `SpelledDifferently`,
        `VersionSpelledDifferently`, and before anything is written `SigningKeyUnavailable`.
        """
        await self.storing.require_signing_key()
        package = bala.coordinate.package
        version = bala.coordinate.version
        head = await self.storing.claim_name(wanted)
        if head.upstream != wanted.upstream:  # The package is ours, or another upstream's.
            raise ReleaseNotFound(package, version)
        if head.package != package:
            raise SpelledDifferently(package, head.package)
        # The visibility of the package is stored before the release. Otherwise somebody who may not
        # see the package could see the release in between.
        head = await self.follow_visibility(head, wanted.visibility)
        owners = [(tool, await self.metadata.claim_tool(tool, package)) for tool in bala.tools]
        origin = UpstreamOrigin(
            name=wanted.upstream,
            first_seen_ms=self.clock.now_ms(),
            without_tools=tuple(tool for tool, owner in owners if owner.key != package.key),
        )
        mirrored = mirrored_release(bala, described, origin)
        release = await self.storing.store(NewRelease(mirrored, head, bala, content))
        if release is not None:
            await self.derived_data.add_release(head, release, bala.texts)

    async def follow(
        self,
        stored: Release,
        deprecation: str | None,
        removed_ms: int | None,
        *,
        why: str = "",
        is_final: bool = False,
    ) -> None:
        """Copy from the upstream whether the release is deprecated, since when it is removed there,
        and the public reason if there is one. The release stays here in any case."""
        now_ms = self.clock.now_ms()
        kind = "release.undeprecated" if deprecation is None else "release.deprecated"

        def removed(_head: Head | None, release: Release) -> Release:
            return with_removal(
                release, removed_ms, why=why, is_final=is_final, by=MIRROR, now_ms=now_ms
            )

        def deprecated(_head: Head | None, release: Release) -> Release:
            if release.deprecation == deprecation:
                return release
            return with_change(release, kind, by=MIRROR, now_ms=now_ms, deprecation=deprecation)

        for change in (deprecated, removed):
            if change(None, stored) is not stored:
                await self.package_records.change_release(stored.coordinate, change)

    async def follow_visibility_of(self, package: Package, wanted: Visibility) -> None:
        """Do what `follow_visibility` does, for a package of which only the name is known."""
        head = await self.metadata.head(package)
        if head is not None:
            await self.follow_visibility(head, wanted)

    async def follow_visibility(self, head: Head, wanted: Visibility) -> Head:
        """Make a public package internal, or an internal one public, if its upstream does; what an
        administrator made private stays private."""
        following = {Visibility.PUBLIC, Visibility.INTERNAL}

        def decide(stored: Head) -> Head:
            if stored.visibility is wanted or not {stored.visibility, wanted} <= following:
                return stored
            kind = f"package.{wanted.value}"
            now_ms = self.clock.now_ms()
            return with_change(stored, kind, by=MIRROR, now_ms=now_ms, visibility=wanted)

        if decide(head) is head:
            return head
        return await self.package_records.change_package(head.package, decide)


MOST_LISTED = 1_000  # Refused releases.
CHANGED = "the upstream changed its archive after it was first seen here."


class PinnedDigests(Struct, frozen=True):
    """Pins digests, and remembers which releases are refused, with the reason."""

    directory: DirectoryStore
    audited_writer: AuditedWriter
    registry_authorization: RegistryAuthorization
    clock: Clock

    @retried_when_stale
    async def require(
        self, coordinate: Coordinate, digest: Digest, upstream: str, **facts: object
    ) -> None:
        """Pin the digest that the upstream offers if none is pinned yet, and store what the
        upstream says about the release: `published_ms`, whether it `is_internal`, and its `facts`
        for lists.

        Raises `UpstreamReleaseRefused` if the release is refused, or if another digest is pinned,
        which is remembered as an incident.
        """
        known = await self._pinned(coordinate, digest, upstream, **facts)
        # An earlier version pinned digests without the time.
        told = {**facts, "published_ms": known.published_ms or facts.get("published_ms")}
        changed = known.model_copy(update=told)
        if changed != known and digest.hex == known.digest:
            known = await self.directory.replace(changed)
        if digest.hex not in (known.digest, known.offered_digest):
            known = await self._change(
                known,
                "mirror.incident",
                refused_because=known.refused_because or CHANGED,
                refused_ms=self.clock.now_ms(),
                offered_digest=digest.hex,
            )
        self._require_accepted(known)

    async def accepted(self, coordinate: Coordinate, *, by: Principal) -> UpstreamRelease | None:
        """Return what is known of the release, if `by` may know that it exists; raise
        `UpstreamReleaseRefused` if it is refused."""
        known = await self.known(coordinate)
        if known is None or (known.is_internal and not by.reads_internal):
            return None
        self._require_accepted(known)
        return known

    async def refuse(
        self, coordinate: Coordinate, digest: Digest, upstream: str, reason: str
    ) -> UpstreamReleaseRefused:
        """Remember why the release with this digest is refused, and return the refusal."""
        known = await self._pinned(coordinate, digest, upstream)
        await self._change(
            known, "mirror.refused", refused_because=reason, refused_ms=self.clock.now_ms()
        )
        return UpstreamReleaseRefused(coordinate, upstream, reason)

    async def incidents(self) -> list[UpstreamRelease]:
        """Return the releases whose archives an upstream changed."""
        return await self.directory.list_by_subject(UpstreamRelease, INCIDENT)

    async def list_refused(self, *, by: Principal) -> list[UpstreamRelease]:
        """Return the refused releases to an administrator or auditor: incidents first, then the
        newest."""
        await self.registry_authorization.require_auditor(by, "look at", "the mirror")
        others = await self.directory.list_by_subject(UpstreamRelease, REFUSED)
        found = [*await self.incidents(), *others]
        found.sort(key=lambda each: (not each.is_incident, -(each.refused_ms or 0), each.place))
        return found[:MOST_LISTED]

    async def accept(self, coordinate: Coordinate, *, by: Principal) -> bool:
        """Forget why a release is refused, so that the next pull fetches it again; the pin stays.
        Returns whether it was refused. For administrators."""
        await self.registry_authorization.require(by, "change", "the mirror")
        known = await self.known(coordinate)
        if known is None or not known.refused_because:
            return False
        await self._change(
            known,
            "mirror.retried",
            refused_because="",
            refused_ms=None,
            offered_digest="",
            by=by,
        )
        return True

    async def admit(self, known: UpstreamRelease, reason: str, *, by: Principal) -> None:
        """Serve the release from now on, even if it is younger than the rules require."""
        await self._change(known, "mirror.admitted", admitted_because=reason, by=by)

    async def of_package(self, package: Package) -> list[UpstreamRelease]:
        """Return the known releases of a package."""
        return await self.directory.list_by_owner(UpstreamRelease, package_owner(package))

    async def known(self, coordinate: Coordinate) -> UpstreamRelease | None:
        return await self.directory.get(UpstreamRelease, release_place(coordinate))

    async def _pinned(
        self, coordinate: Coordinate, digest: Digest, upstream: str, **facts: object
    ) -> UpstreamRelease:
        """Return the pinned digest with its facts; pin this one if there is none."""
        if (known := await self.known(coordinate)) is not None:
            return known
        package = coordinate.package
        place = upstream_versions_place(package, is_internal=bool(facts.get("is_internal")))
        look = await self.directory.get(UpstreamVersions, place)
        pinned = UpstreamRelease(
            org=package.org,
            name=package.name,
            version=coordinate.version.text,
            upstream=upstream,
            digest=digest.hex,
            first_seen_ms=self.clock.now_ms(),
            looked_ms=look.listed_ms if look else None,
        )
        pinned = pinned.model_copy(update=facts)
        with suppress(AlreadyThere):
            return await self.directory.add(pinned)
        return await self.known(coordinate) or pinned

    def _require_accepted(self, known: UpstreamRelease) -> None:
        if known.refused_because:
            raise UpstreamReleaseRefused(known.coordinate, known.upstream, known.refused_because)

    @retried_when_stale
    async def _change(
        self,
        first: UpstreamRelease,
        kind: str,
        *,
        by: Principal = MIRROR,
        **update: str | int | None,
    ) -> UpstreamRelease:
        coordinate = first.coordinate
        known = await self.known(coordinate) or first
        changed = known.model_copy(update=update)
        reason = str(update.get("admitted_because", changed.refused_because))
        details = {"digest": known.digest, "reason": reason}
        if changed.offered_digest:
            details["offered"] = changed.offered_digest
        change = EntityChange(kind, str(coordinate), org=coordinate.package.org, details=details)
        return await self.audited_writer.replace(changed, change=change, by=by)
