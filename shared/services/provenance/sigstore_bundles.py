"""Sigstore bundles: verifies them in the confined process, against the trusted publisher that a
release comes from."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from shared.confined.job_files import ROOTS, SIGSTORE_BUNDLE
from shared.confined.jobs import ConfinedUnavailable, PartResult
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Conflict, Invalid, Unavailable, printable
from shared.domain.errors.packages import file_too_large
from shared.domain.packages import Head, Provenance, Release
from shared.domain.principals import Principal
from shared.domain.provenance.registry_statements import SIGSTORE
from shared.domain.provenance.sigstore_identities import (
    MAX_SIGSTORE_BUNDLE_BYTES,
    SigstoreIdentity,
    SigstoreInstance,
    identity_of,
)
from shared.domain.release_states import State
from shared.domain.releases import next_decision, with_decision
from shared.domain.times import MS
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.documents import DocumentStore
from shared.ports.system import Clock
from shared.services.api_docs.api_docs_generation import job_folder
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.provenance.trusted_roots import TrustedRoots, roots_unreadable

TASK = "sigstore-bundle"
PATIENCE = timedelta(seconds=90)  # A job before it takes up to 65 seconds.
ACCEPTED_FOR = timedelta(hours=1)  # After the archive, for what comes beside it.
_ID_LENGTH = 16  # Hexadecimal digits.


class SigstoreBundle(Struct, frozen=True):
    """A bundle that was verified, and by which instance."""

    content: bytes
    instance: SigstoreInstance

    @property
    def name(self) -> str:
        """Its name among the attestations of the archive."""
        return f"{SIGSTORE}{sha256(self.content).hexdigest()[:_ID_LENGTH]}"


class SigstoreBundles(Struct, frozen=True):
    """Verifies Sigstore bundles and adds them to releases."""

    confined: ConfinedTasks
    documents: DocumentStore
    roots: TrustedRoots
    package_records: PackageRecordWriter
    clock: Clock
    patience: timedelta = PATIENCE

    async def verify(
        self,
        content: bytes | memoryview,
        coordinate: Coordinate,
        archive: Digest,
        provenance: Provenance | None,
    ) -> SigstoreBundle:
        """Verify the bundle of an archive that a job published or wants to publish.

        Raises `file-too-large`, `sigstore-without-publisher`, `sigstore-not-verified`, and
        `Unavailable` if nothing is known about the bundle.
        """
        if len(content) > MAX_SIGSTORE_BUNDLE_BYTES:
            what = "Sigstore bundle"
            raise file_too_large(what, len(content), MAX_SIGSTORE_BUNDLE_BYTES)
        identity = identity_of(provenance) if provenance else None
        if identity is None:
            raise _without_publisher(coordinate, provenance)
        content = bytes(content)
        try:
            async with asyncio.timeout(self.patience.total_seconds()), job_folder() as folder:
                parts = await self._run(folder, content, archive, identity)
        except (ConfinedUnavailable, TimeoutError):
            raise Unavailable(
                "sigstore-not-checked",
                f"The Sigstore bundle of {coordinate} could not be checked now, and nothing was "
                "stored. Push again in a minute.",
            ) from None
        return SigstoreBundle(content, _instance(coordinate, parts))

    async def _run(
        self, folder: Path, content: bytes, archive: Digest, identity: SigstoreIdentity
    ) -> Sequence[PartResult]:
        has_embedded_root = await self.roots.write(folder / ROOTS)
        await asyncio.to_thread((folder / SIGSTORE_BUNDLE).write_bytes, content)
        request = {
            "digest": archive.hex,
            "identity": msgspec.to_builtins(identity),
            "has_embedded_root": has_embedded_root,
        }
        return await self.confined.run(TASK, folder, request)

    async def check(self, content: bytes | memoryview, release: Release) -> SigstoreBundle | None:
        """Verify the bundle of a release that is stored, and store nothing; None if the release has
        one, which it keeps. Raises as `add` does."""
        if release.sigstore:
            return None
        coordinate = release.coordinate
        is_late = self.clock.now_ms() - release.created_ms > ACCEPTED_FOR // MS
        if is_late and not release.needs_sigstore:
            raise Conflict(
                "sigstore-too-late",
                f"{coordinate} was published more than an hour ago, and a Sigstore bundle comes "
                "within an hour of its archive. Publish a new version with its bundle.",
            )
        return await self.verify(
            content, coordinate, release.archive_digest, release.origin.provenance
        )

    async def add(self, content: bytes | memoryview, release: Release, *, by: Principal) -> Release:
        """Verify the bundle of a release that is stored, and add it; a release that waited for one
        is published. A release that has one keeps it.

        Raises as `verify` does, and `sigstore-too-late`. Callers check rights.
        """
        bundle = await self.check(content, release)
        return await self.add_verified(bundle, release, by=by) if bundle else release

    async def add_verified(
        self, bundle: SigstoreBundle, release: Release, *, by: Principal
    ) -> Release:
        """Add a bundle that `verify` returned to a release that is stored and has none."""
        now_ms = self.clock.now_ms()
        # The bundle before the record, so that a release that says it has one does.
        await self.documents.put_attestation(release.archive_digest, bundle.name, bundle.content)

        def decide(head: Head, current: Release) -> Release:
            is_same = (
                current.archive_digest == release.archive_digest
                and current.state is not State.REMOVED
            )
            if current.sigstore or not is_same:
                return current
            return with_sigstore(current, bundle.instance, head, by=by, now_ms=now_ms)

        stored = await self.package_records.change_release(release.coordinate, decide)
        if stored.state is State.REMOVED:  # Its documents may be deleted already.
            await self.documents.delete(release.archive_digest)
        return stored


def with_sigstore(
    release: Release, instance: SigstoreInstance, head: Head, *, by: Principal, now_ms: int
) -> Release:
    """Return a stored release with what its bundle was verified by; one that waited for nothing
    else is published."""
    update = {"sigstore": instance.value, "needs_sigstore": False}
    verified = release.model_copy(update=update)
    if not release.is_held_for_sigstore:
        return verified
    following = next_decision(head, verified)
    kind = "release.confirmed" if following.state is State.LIVE else "release.held"
    return with_decision(verified, kind, following, by=by, now_ms=now_ms)


def _instance(coordinate: Coordinate, parts: Sequence[PartResult]) -> SigstoreInstance:
    """Return the instance that a job found, or raise why the bundle does not verify; whatever the
    confined process says is checked."""
    for part in parts:
        if part.refused:
            raise _not_verified(coordinate, part.refused)
        match part.result:
            case {"instance": str(name)} if name in {each.value for each in SigstoreInstance}:
                return SigstoreInstance(name)
            case {"roots": "unreadable"}:
                raise roots_unreadable()
            case {"refused": str(reason)}:
                raise _not_verified(coordinate, printable(reason))
            case _:
                pass
    raise _not_verified(coordinate, "it cannot be read")


def _not_verified(coordinate: Coordinate, reason: str) -> Invalid:
    return Invalid(
        "sigstore-not-verified",
        f"The Sigstore bundle of {coordinate} does not verify: {reason}. Attest the archive in the "
        "job that publishes it, and send that bundle, or publish without one.",
    )


def _without_publisher(coordinate: Coordinate, provenance: Provenance | None) -> Invalid:
    if provenance is None:
        why = "no trusted publisher published it, so there is no job to compare the bundle with"
    else:
        why = f"the certificates of Sigstore do not name jobs of {provenance.provider} as it does"
    return Invalid(
        "sigstore-without-publisher",
        f"The Sigstore bundle of {coordinate} cannot be verified: {why}. Publish from the GitHub "
        "Actions or GitLab CI job that made it, as a trusted publisher, or leave the bundle out.",
    )
