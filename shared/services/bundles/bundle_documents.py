"""Documents in bundles: what vouches for releases, which an export reads and an import verifies and
stores.
"""

import asyncio
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from shared.auth.release_keys import ReleaseSigner
from shared.domain.archives.digests import Digest
from shared.domain.bundles import BundledRelease, DocumentKind, bundle_unusable
from shared.domain.errors.base import Refusal
from shared.domain.packages import Provenance, Release
from shared.domain.principals import MIRROR
from shared.domain.provenance.upstream_statements import (
    UnverifiedStatements,
    UpstreamEnvelope,
    UpstreamKey,
    UpstreamStatements,
    upstream_name,
    verified_run,
)
from shared.domain.sboms import is_cyclonedx
from shared.ports.documents import DocumentStore
from shared.services.packages.removed_documents import RemovedDocuments
from shared.services.provenance.attestations import ReleaseProvenance
from shared.services.provenance.sigstore_bundles import SigstoreBundle, SigstoreBundles


class ReleaseDocuments(Struct, frozen=True):
    """Reads what a bundle carries of a release beside its archive."""

    documents: DocumentStore
    provenance: ReleaseProvenance
    release_signer: ReleaseSigner
    registry: str  # The address of this one.

    async def of(self, release: Release) -> Mapping[DocumentKind, bytes]:
        """Return the documents of a release that there are."""
        attested = await self.provenance.of(release)
        sbom = await self.documents.sbom(release.archive_digest)
        found = {
            # The statements of the registry that published it say more than the statements of a
            # mirror.
            DocumentKind.STATEMENTS: attested.upstream or await self._own(attested.statements),
            DocumentKind.SIGSTORE: attested.bundles[0] if attested.bundles else b"",
            DocumentKind.SBOM: sbom or b"",
        }
        return {kind: content for kind, content in found.items() if content}

    async def _own(self, statements: bytes) -> bytes:
        """Return statements of this registry with the keys that signed them; empty if there are
        none, or if a key is lost, without which nobody can verify them."""
        envelopes = msgspec.json.decode(statements, type=tuple[UpstreamEnvelope, ...])
        if not envelopes:
            return b""
        signed_by = {each.keyid for envelope in envelopes for each in envelope.signatures}
        keys = tuple(
            UpstreamKey(each.keyid, each.public)
            for each in await self.release_signer.keys()
            if each.keyid in signed_by
        )
        if len(keys) < len(signed_by):
            return b""
        return UpstreamStatements(self.registry, keys, envelopes).document


class CheckedDocuments(Struct):
    """What was verified of the documents of a release. `left_out` says why its Sigstore bundle is
    not stored, if it is not; it may verify in a registry that trusts other roots."""

    statements: bytes = b""
    sigstore: SigstoreBundle | None = None
    left_out: str = ""


class DocumentImport(Struct, frozen=True):
    """Verifies and stores documents of a bundle."""

    documents: DocumentStore
    removed_documents: RemovedDocuments
    sigstore_bundles: SigstoreBundles

    async def check(
        self, release: BundledRelease, found: Mapping[DocumentKind, bytes]
    ) -> CheckedDocuments:
        """Verify the documents of a release: its statements by the keys beside them, its Sigstore
        bundle by the roots of this registry and the job that the statements name. Raises
        `bundle-unusable`."""
        checked = CheckedDocuments(statements=found.get(DocumentKind.STATEMENTS, b""))
        sbom = found.get(DocumentKind.SBOM)
        if sbom is not None and not await asyncio.to_thread(is_cyclonedx, sbom):
            raise bundle_unusable(
                reason=f"the bill of materials of {release.coordinate} is no CycloneDX"
            )
        run = _run_of(release, checked.statements)
        if sigstore := found.get(DocumentKind.SIGSTORE):
            try:
                checked.sigstore = await self.sigstore_bundles.verify(
                    sigstore, release.coordinate, Digest(release.digest), run
                )
            except Refusal as refusal:
                checked.left_out = str(refusal)
        return checked

    async def store(self, release: Release, checked: CheckedDocuments, sbom: bytes | None) -> None:
        """Store documents of a release that were verified; what is there stays."""
        archive = release.archive_digest
        if checked.statements:
            name = upstream_name(checked.statements)
            await self.documents.put_attestation(archive, name, checked.statements)
        if sbom is not None:
            await self.documents.put_sbom(archive, sbom)
        if await self.removed_documents.delete_if_removed(release.coordinate, archive):
            return
        if checked.sigstore and not release.sigstore:
            await self.sigstore_bundles.add_verified(checked.sigstore, release, by=MIRROR)


def _run_of(release: BundledRelease, statements: bytes) -> Provenance | None:
    """Return the job that published a release, as its statements say; raise `bundle-unusable`."""
    if not statements:
        return None
    archive = Digest(release.digest)
    try:
        return verified_run(statements, release.coordinate, archive, _is_signed)
    except UnverifiedStatements as reason:
        raise bundle_unusable(reason=f"of {release.coordinate}, {reason}") from None


def _is_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    from shared.auth.p256 import is_signed  # noqa: PLC0415 - it takes 30 ms at start.

    return is_signed(public, signature, text)
