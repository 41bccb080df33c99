"""The provenance of releases: the statements of the registry about them, and Sigstore bundles."""

from msgspec import Struct

from shared.domain.packages import Release
from shared.domain.provenance.statements import SIGSTORE, statements_name
from shared.ports.documents import DocumentStore

_NO_STATEMENTS = b"[]"


class Attested(Struct, frozen=True):
    """What vouches for a release, each as JSON: the list of the signed statements of the registry,
    and the Sigstore bundles as they came."""

    statements: bytes
    bundles: tuple[bytes, ...]

    @property
    def document(self) -> bytes:
        """The JSON object of both."""
        return b'{"statements":%b,"bundles":[%b]}' % (self.statements, b",".join(self.bundles))


class ReleaseProvenance(Struct, frozen=True):
    """Reads what vouches for releases; callers check rights."""

    documents: DocumentStore

    async def of(self, release: Release) -> Attested:
        """Return what vouches for a release; nothing for one that is only described, or that
        `sign-releases` has to sign."""
        bundles = ()
        if release.sigstore:
            found = await self.documents.attestations(release.content)
            bundles = tuple(each for name, each in found.items() if name.startswith(SIGSTORE))
        return Attested(await self._statements(release), bundles)

    async def _statements(self, release: Release) -> bytes:
        if not release.has_statements:
            return _NO_STATEMENTS
        name = statements_name(release.statements)
        return await self.documents.attestation(release.content, name) or _NO_STATEMENTS
