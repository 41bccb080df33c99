"""Documents derived from archives: texts, dependency graphs, API documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph
from shared.domain.packages import Texts


class DocumentStore(Protocol):
    """Documents derived from an archive, by its digest.

    They are immutable, except for those that a newer version of the registry makes better.
    """

    async def put(self, digest: Digest, texts: Texts, graph: Graph) -> None:
        """Store both documents of the archive; a repeat changes nothing."""
        ...

    async def texts(self, digest: Digest) -> Texts:
        """Return the documentation; empty if none is stored."""
        ...

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        """Return each dependency graph, in the order of `digests`, as the JSON list of nodes of a
        resolution, `[{"org","name","version","dependencies":[…]}]`; `[]` if none is stored."""
        ...

    async def put_sbom(self, digest: Digest, content: bytes) -> bytes:
        """Store the bill of materials of the archive if it has none. Return the stored one: this
        one, or the existing one, which the call leaves unchanged."""
        ...

    async def sbom(self, digest: Digest) -> bytes | None:
        """Return the bill of materials, or None."""
        ...

    async def put_attestation(self, digest: Digest, name: str, content: bytes) -> None:
        """Store what somebody vouched for about the archive by its name, such as a statement of the
        registry or a Sigstore bundle; replaces an earlier one of that name."""
        ...

    async def attestation(self, digest: Digest, name: str) -> bytes | None:
        """Return the attestation of the archive with this name, or None."""
        ...

    async def attestations(self, digest: Digest) -> Mapping[str, bytes]:
        """Return all attestations of the archive by their names, in the order of these."""
        ...

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        """Return the stored HTML of a text of the archive by its name, or None."""
        ...

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        """Store the HTML of a text of the archive by its name, replacing an earlier one."""
        ...

    async def delete_renderings(self, digest: Digest, names: Sequence[str]) -> None:
        """Delete the HTML of texts of the archive with these names, if there is any."""
        ...

    async def put_api_docs(
        self, digest: Digest, record: ApiDocsRecord, pieces: Path | None = None
    ) -> None:
        """Store the file of pieces that the record points to, and then the record of the archive's
        API documentation. Replaces documentation by the same or an older generator, whose pieces
        are deleted; that of a newer one stays. The file may be moved from where it is."""
        ...

    async def api_docs_record(self, digest: Digest) -> ApiDocsRecord | None:
        """Return the state of the archive's API documentation; None if none was made yet."""
        ...

    async def read_pieces(self, digest: Digest, name: str, start: int, count: int) -> bytes | None:
        """Return `count` bytes of a file of pieces from `start`; None if the file was deleted."""
        ...

    async def delete(self, digest: Digest) -> None:
        """Delete every document of the archive, if there are any."""
        ...
