"""The provenance of releases: the statements of the registry about them, and Sigstore bundles."""

from msgspec import Struct

from shared.domain.packages import Release
from shared.domain.provenance.registry_statements import SIGSTORE, statements_name
from shared.domain.provenance.upstream_statements import UPSTREAM
from shared.ports.documents import DocumentStore

_NO_STATEMENTS = b"[]"


class Attested(Struct, frozen=True):
    """What vouches for a release, each as JSON: the list of the signed statements of the registry,
    the Sigstore bundles as they came, and the statements of the registry that published it, if a
    bundle for registries without a network carried them."""

    statements: bytes
    bundles: tuple[bytes, ...]
    upstream: bytes = b""

    @property
    def document(self) -> bytes:
        """The JSON object of all; without `upstream` where there is none."""
        upstream = b',"upstream":' + self.upstream if self.upstream else b""
        bundles = b",".join(self.bundles)
        return b'{"statements":%b,"bundles":[%b]%b}' % (self.statements, bundles, upstream)


class ReleaseProvenance(Struct, frozen=True):
    """Reads what vouches for releases; callers check rights."""

    documents: DocumentStore

    async def of(self, release: Release) -> Attested:
        """Return what vouches for a release; nothing for one that is only described, or that
        `sign-releases` has to sign."""
        bundles = list[bytes]()
        upstream = b""
        if release.sigstore or release.upstream:
            found = await self.documents.attestations(release.archive_digest)
            bundles = [each for name, each in found.items() if name.startswith(SIGSTORE)]
            upstream = next((found[name] for name in found if name.startswith(UPSTREAM)), b"")
        return Attested(await self._statements(release), tuple(bundles), upstream)

    async def _statements(self, release: Release) -> bytes:
        if not release.has_statements:
            return _NO_STATEMENTS
        name = statements_name(release.statements)
        return await self.documents.attestation(release.archive_digest, name) or _NO_STATEMENTS
