"""How a new release is stored, whether somebody pushed it or another registry has it."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from shared.auth.release_keys import ReleaseSigner
from shared.domain.archives.bala import Bala
from shared.domain.errors.packages import VersionSpelledDifferently
from shared.domain.packages import Head, Release, archive_container
from shared.domain.releases import disclosed
from shared.domain.visibility import Readers
from shared.ports.archive_store import ArchiveStore
from shared.ports.conflicts import AlreadyThere
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore, VersionDiffersInCase
from shared.runtime.gathering import gather_all


class NewRelease(Struct, frozen=True):
    """A release without its signature, the package that has claimed its name, and what is stored
    beside its record."""

    release: Release
    head: Head
    bala: Bala
    content: bytes | memoryview
    attestations: Mapping[str, bytes] = MappingProxyType({})  # Beside those of this registry.


class ReleaseStoring(Struct, frozen=True):
    """Stores new releases: claims names, stores bytes, and creates the record, which commits.

    Every call may be repeated. A crash before the record leaves an orphaned archive, never a
    release that cannot be pulled. What is derived from the release is left to the caller.
    """

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    release_signer: ReleaseSigner
    readers: Readers

    async def require_signing_key(self) -> None:
        """Raise `SigningKeyUnavailable`; called before anything is written."""
        await self.release_signer.ready()

    async def claim_name(self, head: Head) -> Head:
        """Claim the name of a package; return the stored head, which may be another one's."""
        return await self.metadata.claim(head.model_copy(update={"placed_for": self.readers}))

    async def store(self, new: NewRelease) -> Release | None:
        """Sign a release, and store its bytes and then its record. Return what is stored; None if
        its version is stored already.

        Raises `VersionSpelledDifferently`.
        """
        attested = self.release_signer.attested(new.release)
        release = disclosed(attested.release, new.head)
        # The name of the statements is derived from their content, so that two simultaneous pushes
        # store two documents.
        attestations = {**new.attestations, attested.name: attested.statements}
        await self._store_bytes(release, new, attestations)
        try:
            await self.metadata.add_release(release)
        except VersionDiffersInCase as other:
            raise VersionSpelledDifferently(release.coordinate, other.existing) from None
        except AlreadyThere:
            return None
        return release

    async def _store_bytes(
        self, release: Release, new: NewRelease, attestations: Mapping[str, bytes]
    ) -> None:
        digest = release.archive_digest
        documents = self.documents
        container = archive_container(new.head, release, self.readers)
        await gather_all(
            self.archives.put(release.archive, new.content, container),
            documents.put(digest, new.bala.texts, new.bala.graph),
            *(
                documents.put_attestation(digest, name, content)
                for name, content in attestations.items()
            ),
        )
