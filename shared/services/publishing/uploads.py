"""Archives as requests bring them."""

from msgspec import Struct

from shared.domain.archives.bala import Bala, require_coordinate
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Invalid
from shared.services.packages.archive_reader import ArchiveReader


class Upload(Struct, frozen=True):
    """An archive as it arrived, and the digest and release that the request named, if any. A
    `claimed_package` only names what is refused before the archive is read."""

    content: bytes | memoryview
    digest: Digest | None = None
    coordinate: Coordinate | None = None
    sigstore: bytes | memoryview | None = None  # The bundle that came with it.
    claimed_package: Package | None = None


async def read_upload(reader: ArchiveReader, upload: Upload) -> Bala:
    """Read an archive; raise a `BadArchive`, or another refusal that says what is wrong with it."""
    bala = await reader.read(upload.content)
    if upload.digest and upload.digest != bala.archive_digest:
        raise Invalid(
            "digest-mismatch",
            f"The archive's SHA-256 is {bala.archive_digest}, but the request announced "
            f"{upload.digest}. It was damaged on the way; push it again.",
        )
    if upload.coordinate:
        require_coordinate(bala, upload.coordinate)
    return bala
