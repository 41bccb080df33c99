"""Pinned digests: the first digest of each release of the upstream, and what is refused of it."""

from contextlib import suppress
from dataclasses import dataclass

from shared.auth.authorization import Administration
from shared.domain.archives.names import Digest
from shared.domain.errors.packages import UpstreamReleaseRefused
from shared.domain.identity import Principal
from shared.domain.mirroring import (
    INCIDENT,
    REFUSED,
    UpstreamRelease,
    UpstreamVersions,
    upstream_versions_place,
)
from shared.domain.names import Coordinate, Package, release_place
from shared.domain.names import package_owner as owner_of
from shared.domain.packages import Release, ReleaseEntry
from shared.domain.releases import MIRROR_ID
from shared.ports import AlreadyThere, Clock, DirectoryStore, Stale
from shared.runtime.retries import retried_when_stale
from shared.services.records import EntityChange, RecordWriter

MOST_LISTED = 1_000  # Refused releases.
CHANGED = "the upstream changed its archive after it was first seen here."

MIRROR = Principal(id=MIRROR_ID, credential=MIRROR_ID)


@dataclass(frozen=True)
class PinnedDigests:
    """Pins digests, and remembers which releases are refused, with the reason."""

    directory: DirectoryStore
    record_writer: RecordWriter
    administration: Administration
    clock: Clock

    async def require_described(
        self, release: Release, upstream: str, *, is_internal: bool
    ) -> None:
        """Pin what the upstream describes, with its time of publication, and note whether it did so
        for its token alone; raise as `require`."""
        coordinate, published_ms = release.coordinate, release.created_ms
        if (known := await self.known(coordinate)) is not None:
            # An earlier version pinned digests without the time.
            facts = {"published_ms": known.published_ms or published_ms, "is_internal": is_internal}
            changed = known.model_copy(update=facts)
            if changed != known:
                with suppress(Stale):  # A change meanwhile is as good.
                    await self.directory.replace(changed)
        await self._require(
            coordinate,
            release.content,
            upstream,
            published_ms=published_ms,
            is_internal=is_internal,
        )

    async def require(self, coordinate: Coordinate, digest: Digest, upstream: str) -> None:
        """Pin the digest that the upstream offers if it is the first one.

        Raises `UpstreamReleaseRefused` if the release is refused, or if another digest is pinned,
        which is remembered as an incident.
        """
        await self._require(coordinate, digest, upstream)

    async def _require(
        self, coordinate: Coordinate, digest: Digest, upstream: str, **facts: object
    ) -> None:
        known = await self._pinned(coordinate, digest, upstream, **facts)
        if digest.hex not in (known.digest, known.offered_digest):
            known = await self._change(
                known,
                "mirror.incident",
                refused_because=known.refused_because or CHANGED,
                offered_digest=digest.hex,
            )
        self._require_accepted(known)

    @retried_when_stale
    async def keep(
        self, package: Package, facts: ReleaseEntry, upstream: str, *, is_internal: bool
    ) -> None:
        """Keep the facts of a release for lists, and pin their digest; raise as `require` does."""
        coordinate, digest = package.at(facts.parsed), Digest(facts.digest)
        known = await self._pinned(
            coordinate,
            digest,
            upstream,
            published_ms=facts.created_ms,
            facts=facts,
            is_internal=is_internal,
        )
        if known.digest != facts.digest:
            await self.require(coordinate, digest, upstream)
        elif known.facts != facts:
            update = {"facts": facts, "published_ms": known.published_ms or facts.created_ms}
            await self.directory.replace(known.model_copy(update=update))

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
        await self._change(known, "mirror.refused", refused_because=reason)
        return UpstreamReleaseRefused(coordinate, upstream, reason)

    async def incidents(self) -> list[UpstreamRelease]:
        """Return the releases whose archives an upstream changed."""
        return await self.directory.list_by_subject(UpstreamRelease, INCIDENT)

    async def list_refused(self, *, by: Principal) -> list[UpstreamRelease]:
        """Return the refused releases to an administrator: incidents first, then the newest."""
        await self.administration.require(by, "look at", "the mirror")
        others = await self.directory.list_by_subject(UpstreamRelease, REFUSED)
        found = [*await self.incidents(), *others]
        found.sort(key=lambda each: (not each.is_incident, -(each.refused_ms or 0), each.place))
        return found[:MOST_LISTED]

    async def accept(self, coordinate: Coordinate, *, by: Principal) -> bool:
        """Forget why a release is refused, so that the next pull fetches it again; the pin stays.
        Returns whether it was refused. For administrators."""
        await self.administration.require(by, "change", "the mirror")
        known = await self.known(coordinate)
        if known is None or not known.refused_because:
            return False
        await self._change(known, "mirror.retried", refused_because="", offered_digest="", by=by)
        return True

    async def admit(self, known: UpstreamRelease, reason: str, *, by: Principal) -> None:
        """Serve the release at any age from now on."""
        await self._change(known, "mirror.admitted", admitted_because=reason, by=by)

    async def of_package(self, package: Package) -> list[UpstreamRelease]:
        """Return the known releases of a package."""
        return await self.directory.list_by_owner(UpstreamRelease, owner_of(package))

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
        try:
            return await self.directory.add(pinned)
        except AlreadyThere:
            return await self.known(coordinate) or pinned

    def _require_accepted(self, known: UpstreamRelease) -> None:
        if known.refused_because:
            raise UpstreamReleaseRefused(known.coordinate, known.upstream, known.refused_because)

    @retried_when_stale
    async def _change(
        self, first: UpstreamRelease, kind: str, *, by: Principal = MIRROR, **update: str
    ) -> UpstreamRelease:
        coordinate = first.coordinate
        known = await self.known(coordinate) or first
        changed = known.model_copy(update={**update, "refused_ms": self.clock.now_ms()})
        details = {
            "digest": known.digest,
            "reason": update.get("admitted_because", changed.refused_because),
        }
        if changed.offered_digest:
            details["offered"] = changed.offered_digest
        change = EntityChange(kind, str(coordinate), org=coordinate.package.org, details=details)
        return await self.record_writer.replace(changed, change=change, by=by)
